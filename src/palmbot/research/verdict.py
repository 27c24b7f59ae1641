"""Whether to believe a result: thresholds and words.

The thresholds are sensible choices, not calibrated ones; what they let through is measured by
`bench/verdicts.py` on noise and on series with a planted edge.
"""

from dataclasses import dataclass
from itertools import product
from typing import Final

import numpy as np

from palmbot.research.grid import Grid
from palmbot.research.outcome import Verdict, VerdictKind
from palmbot.research.rules import Floats

P_VALUE_MAX: Final = 0.05
WALK_FORWARD_MIN: Final = 1.1
NEIGHBOURS_MIN: Final = 1.2
DOUBLE_COST_MIN: Final = 1.0
HELD_OUT_MIN: Final = 1.0
FEW_TRADES: Final = 100
"""Below it a profit factor is a wide guess."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """The numbers a verdict rests on; None where undefined."""

    profit_factor: float | None
    trades: int
    min_trades: int
    target: float
    p_value: float
    shuffle_p_value: float
    noise_share: float
    """Share of directionless resamples whose best exceeds the target."""
    walk_forward: float | None
    """Pooled out-of-sample profit factor, the lower of anchored and rolling."""
    walk_forward_trades: int
    neighbours: float | None
    double_cost: float | None
    held_out: float | None
    """Profit factor on the bars that the choice did not see."""
    held_out_trades: int


def judge(facts: Facts) -> Verdict:
    """Return the verdict with its reasons, those that decide first."""
    noise = _find_noise(facts)
    weak = _find_weakness(facts)
    if noise:
        return Verdict(kind=VerdictKind.NOISE, reasons=(*noise, *weak))
    if weak:
        return Verdict(kind=VerdictKind.FRAGILE, reasons=tuple(weak))
    return Verdict(
        kind=VerdictKind.ROBUST,
        reasons=(
            f"flipped bars rarely do as well (p {facts.p_value:.3f})",
            f"walk-forward made {_say(facts.walk_forward)}, held-out bars {_say(facts.held_out)}",
            f"neighbours make {_say(facts.neighbours)}, double cost {_say(facts.double_cost)}",
        ),
    )


def _find_noise(facts: Facts) -> list[str]:
    reasons = []
    if facts.trades < facts.min_trades:
        reasons.append(
            f"{facts.trades} trades are fewer than the {facts.min_trades} that a judgement needs"
        )
    if facts.p_value >= P_VALUE_MAX:
        reasons.append(
            f"flipped bars do as well: the same search on bars without direction finds this much "
            f"by luck (p {facts.p_value:.2f}, needed below {P_VALUE_MAX}; {facts.noise_share:.0%} "
            f"of them exceed {facts.target:g})"
        )
    return reasons


def _find_weakness(facts: Facts) -> list[str]:
    reasons = []
    if facts.profit_factor is None or facts.profit_factor <= facts.target:
        reasons.append(
            f"profit factor {_say(facts.profit_factor)} does not exceed {facts.target:g}"
        )
    if facts.shuffle_p_value >= P_VALUE_MAX:
        reasons.append(
            f"shuffled bars do as well (p {facts.shuffle_p_value:.2f}): what it earned may be the "
            "drift of the whole file, not the order of its bars"
        )
    if facts.walk_forward is None or facts.walk_forward <= WALK_FORWARD_MIN:
        reasons.append(
            f"walk-forward: chosen on the past, it earned {_say(facts.walk_forward)} afterwards in "
            f"{facts.walk_forward_trades} trades (needed above {WALK_FORWARD_MIN})"
        )
    if facts.held_out is None or facts.held_out <= HELD_OUT_MIN:
        reasons.append(
            f"on the bars held out the best in-sample made {_say(facts.held_out)} in "
            f"{facts.held_out_trades} trades (needed above {HELD_OUT_MIN:g})"
        )
    if facts.neighbours is None or facts.neighbours <= NEIGHBOURS_MIN:
        reasons.append(
            f"neighbours on the grid make {_say(facts.neighbours)} in the median (needed above "
            f"{NEIGHBOURS_MIN})"
        )
    if facts.double_cost is None or facts.double_cost <= DOUBLE_COST_MIN:
        reasons.append(
            f"at double cost it makes {_say(facts.double_cost)} (needed above {DOUBLE_COST_MIN:g})"
        )
    return reasons


def _say(factor: float | None) -> str:
    return "undefined" if factor is None else f"{factor:.2f}"


def find_plateau(grid: Grid, factors: Floats) -> Floats:
    """Return for each row the median profit factor of its neighbours, NaN without one.

    Neighbours are all other points within one step in each parameter; undefined ones are left out.

    Args:
        grid: The grid.
        factors: Profit factor of each row, NaN where undefined.
    """
    cube = np.pad(factors.reshape(grid.shape), 1, constant_values=np.nan)
    buys, sells, targets, stops = grid.shape
    plateau = np.empty(grid.shape)
    for buy in range(buys):
        near = [
            cube[buy + a, b : b + sells, c : c + targets, d : d + stops]
            for a, b, c, d in product(range(3), repeat=4)
            if (a, b, c, d) != (1, 1, 1, 1)
        ]
        plateau[buy] = _read_median(np.array(near))
    return plateau.reshape(-1)


def _read_median(values: Floats) -> Floats:
    """Return the median over the first axis, NaN left out; NaN where nothing is left."""
    ordered = np.sort(values, axis=0)  # NaN last
    count = (~np.isnan(values)).sum(axis=0)
    low = np.take_along_axis(ordered, np.maximum(0, (count - 1) // 2)[None], axis=0)[0]
    high = np.take_along_axis(ordered, np.maximum(0, count // 2 - (count == 0))[None], axis=0)[0]
    median: Floats = (low + high) / 2.0
    return median
