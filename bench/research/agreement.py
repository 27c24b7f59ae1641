"""Kernel against exact engine, trade for trade, on as many wild series as one likes.

    agreement.py [--series 3000] [--first 0] [--file FILE ...]

Each series of `tests/harness/wild_markets.py` with breakers on and off; of each price file some
combinations with breakers on and off. Prints what was compared and which breakers tripped; exit
code 1 if a single field of a single trade differs.
"""

import argparse
import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np

from palmbot.pricefiles.bar_reader import read_bars
from palmbot.pricefiles.series import BarSeries
from palmbot.research.backtest import BacktestSetup, run_backtest
from palmbot.research.market import make_market
from palmbot.research.rules import CostModel, StrategyPoint, TradeList
from palmbot.research.sweep import SweepOptions, trace

sys.path.insert(0, str(Path(__file__).parents[2] / "tests"))

from harness.wild_markets import draw_case

FIELDS = TradeList.__dataclass_fields__
POINTS = (StrategyPoint(30.0, 70.0, 2.0, 1.5), StrategyPoint(35.0, 65.0, 0.3, 0.2))
BALANCE_RICH, RISK_SMALL = 1e9, 0.01
"""Account without breakers, so that none is ruined: there the sweep goes on."""


def main() -> int:
    """Compare, and print a line for each kind of bars."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--series", type=int, default=3000)
    parser.add_argument("--first", type=int, default=0)
    parser.add_argument("--file", type=Path, action="append", default=[])
    asked = parser.parse_args()
    differing = 0
    tripped: Counter[str] = Counter()
    trades = [0, 0]
    for seed in range(asked.first, asked.first + asked.series):
        series, point, costs = draw_case(seed)
        for has_breakers in (True, False):
            same, count = compare(series, point, costs, tripped, has_breakers=has_breakers)
            trades[has_breakers] += count
            if not same:
                differing += 1
                print(f"series {seed}, breakers {has_breakers}: trades differ")
    print(
        f"{asked.series:,} series: {trades[1]:,} trades with breakers, {trades[0]:,} without; "
        f"{differing} series differ"
    )
    for path in asked.file:
        series = read_bars(path).series
        for point in POINTS:
            for has_breakers in (True, False):
                same, count = compare(
                    series, point, CostModel(), tripped, has_breakers=has_breakers
                )
                differing += not same
                print(
                    f"{path.name} {tuple(point)} breakers {'on' if has_breakers else 'off'}: "
                    f"{len(series):,} bars, {count:,} trades, {'same' if same else 'DIFFERENT'}",
                    flush=True,
                )
    for name, count in sorted(tripped.items()):
        print(f"  {name:32} {count:,}")
    return 1 if differing else 0


def compare(
    series: BarSeries,
    point: StrategyPoint,
    costs: CostModel,
    tripped: Counter[str],
    *,
    has_breakers: bool,
) -> tuple[bool, int]:
    """Tell whether all trades are the same, and how many they are."""
    setup = BacktestSetup(point=point, costs=costs, has_breakers=has_breakers)
    if not has_breakers:
        setup = replace(setup, balance=BALANCE_RICH, risk_percent=RISK_SMALL)
    exact = run_backtest(series, setup)
    fast = trace(make_market(series), point, SweepOptions(costs=costs, has_breakers=has_breakers))
    if has_breakers:
        tripped.update(f"{each.name} to {each.after}" for each in exact.breaker_changes)
        tripped.update({f"refused, {code}": count for code, count in exact.refusals})
    same = len(exact.trades) == len(fast) and all(
        np.array_equal(getattr(exact.trades, name), getattr(fast, name)) for name in FIELDS
    )
    return same, len(exact.trades)


if __name__ == "__main__":
    sys.exit(main())
