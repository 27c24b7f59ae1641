"""Plays a scenario with the normal engine, and says whether it ended as it should."""

import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from orchestrator.agents.command_adapter import CommandAdapter
from orchestrator.agents.process_runner import Patience
from orchestrator.bootstrap import running
from orchestrator.bootstrap.logs import open_log, opened
from orchestrator.config import RunSettings
from orchestrator.core.state import RunState
from orchestrator.demo.stage import ASSETS, Stage
from orchestrator.domain.errors import UsageInvalid
from orchestrator.domain.events import AttemptEnded, Recorded, ReportQuarantined
from orchestrator.store.sqlite_log import SqliteLog

TIME_SCALE: Final = 360.0
"""An hour of the document takes ten seconds."""
PATIENCE: Final = Patience(interrupt_s=0.5, terminate_s=0.3, kill_s=5.0)
KILL_WAIT_S: Final = 30.0
Listener = Callable[[Recorded, RunState], None]


def _ignore(_event: Recorded, _state: RunState) -> None:
    """Show nothing."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Performance:
    """How a scenario ended."""

    scenario: str
    title: str
    state: RunState
    events: tuple[Recorded, ...]
    surprises: tuple[str, ...]
    """What differs from what the scenario promises; empty if nothing does."""


def scenario_names() -> tuple[str, ...]:
    """Return the names of all scenarios."""
    return tuple(sorted(path.stem for path in (ASSETS / "scenarios").glob("*.toml")))


def load_scenario(name: str) -> dict[str, Any]:
    """Return a scenario.

    Raises:
        UsageInvalid: there is none of that name.
    """
    path = ASSETS / "scenarios" / f"{name}.toml"
    if name not in scenario_names():
        raise UsageInvalid(f"no scenario is called {name}; there are {', '.join(scenario_names())}")
    return tomllib.loads(path.read_text(encoding="utf-8"))


def settings_of(stage: Stage) -> RunSettings:
    """Return the settings of a demonstration: the normal ones in a hurry."""
    return RunSettings(
        root=stage.root,
        document=stage.document,
        adapter="scripted",
        time_scale=TIME_SCALE,
        patience=PATIENCE,
        report_grace_ms=5_000,
        quota_wait_ms=1_000,
    )


def run_stage(
    stage: Stage,
    scenario: str,
    on_event: Listener = _ignore,
    wrap_log: Callable[[SqliteLog], SqliteLog] = lambda log: log,
) -> RunState:
    """Run the normal engine with the scripted agent until the run ends.

    Args:
        stage: The project.
        scenario: What the agent does.
        on_event: Told of each event.
        wrap_log: Lets a test stand between the engine and its log.
    """
    environment = {
        "DEMO_SCENARIO": scenario,
        "DEMO_PROJECT": str(stage.root),
        "ORCH_INBOX": str(stage.root / ".orchestrator" / "inbox"),
        "PYTHONPATH": str(Path(__file__).parents[2]),  # where this very package was found
        "PYTHONDONTWRITEBYTECODE": "1",
    }
    agent = CommandAdapter(("{python}", "-m", "orchestrator.demo.scripted_agent"), environment)
    return running.run(
        settings_of(stage),
        on_event=on_event,
        should_stop=lambda: False,
        wrap_log=wrap_log,
        extra_adapters={"scripted": agent},
    )


def perform(stage: Stage, scenario: str, on_event: Listener = _ignore) -> Performance:
    """Play a scenario on a stage and compare its end with its promise."""
    play = load_scenario(scenario)
    if kill_after := play.get("kill_orchestrator_after"):
        _run_and_kill(stage, scenario, kill_after)
    state = run_stage(stage, scenario, on_event)
    with opened(stage.root) as (_, _, events):
        pass
    return Performance(
        scenario=scenario,
        title=play["title"],
        state=state,
        events=events,
        surprises=tuple(_compare(play, state, events)),
    )


def _run_and_kill(stage: Stage, scenario: str, event_type: str) -> None:
    """Run the orchestrator as a process of its own and kill it after an event."""
    process = subprocess.Popen(  # noqa: S603 - our own module
        [
            sys.executable,
            "-m",
            "orchestrator.demo.play",
            str(stage.root),
            str(stage.document),
            scenario,
        ]
    )
    deadline = time.monotonic() + KILL_WAIT_S
    log = open_log(stage.root)
    try:
        while process.poll() is None and time.monotonic() < deadline:
            if any(type(each.event).__name__ == event_type for each in log.read()):
                break
            time.sleep(0.02)
    finally:
        log.close()
        process.send_signal(signal.SIGKILL)
        process.wait()


def _compare(play: dict[str, Any], state: RunState, events: tuple[Recorded, ...]) -> list[str]:
    """Return what differs from the promise of a scenario, for the batches of this document."""
    surprises: list[str] = []
    for batch_id, wanted in play["expected"].items():
        record = state.of(batch_id)
        if record is not None and record.state.value != wanted:
            surprises.append(f"{batch_id} is {record.state.value}, expected {wanted}")
    seen = play.get("seen", {})
    codes = {e.event.code for e in events if isinstance(e.event, ReportQuarantined)}
    ends = [e.event for e in events if isinstance(e.event, AttemptEnded)]
    types = {type(each.event).__name__ for each in events}
    surprises += [f"no {code} was seen" for code in seen.get("codes", ()) if code not in codes]
    surprises += [f"no {name} was seen" for name in seen.get("events", ()) if name not in types]
    surprises += [
        f"no attempt was {wanted}"
        for wanted in seen.get("executions", ())
        if wanted not in {each.execution.value for each in ends}
    ]
    if sum(each.orphans_killed for each in ends) < seen.get("orphans", 0):
        surprises.append("no orphan was found")
    if any(each.orphans_left for each in ends):
        surprises.append("an orphan is left")
    return surprises


if __name__ == "__main__":
    run_stage(Stage(root=Path(sys.argv[1]), document=Path(sys.argv[2])), sys.argv[3])
