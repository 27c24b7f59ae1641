"""What one run of the simulation showed."""

from dataclasses import dataclass, field


@dataclass(slots=True)
class Outcome:
    """What one run showed."""

    seed: int
    violation: str = ""
    name: str = ""
    """Of the broken invariant."""
    entries: int = 0
    trades: int = 0
    kills: int = 0
    restarts: int = 0
    steps: int = 0
    bot_steps: int = 0
    """Steps of the first process, for the sweep."""
    simulated_s: float = 0.0
    recovery_s: float = 0.0
    unknown: int = 0
    lost: int = 0
    rows: int = 0
    trace: str = ""
    faults: dict = field(default_factory=dict)
