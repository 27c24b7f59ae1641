"""Which prices a demo plays: the palm-oil model, or a price file."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import BASIS_POINTS, MS_PER_MINUTE, Price, TimestampMs
from palmbot.pricefiles.prices import PriceFile
from palmbot.pricefiles.reader import read_price_file
from palmbot.simulator.contracts import contract_for_file
from palmbot.simulator.market import MarketSource
from palmbot.simulator.model import HISTORY_TRADING_DAYS
from palmbot.simulator.model import make_market as make_model_market
from palmbot.simulator.replay import replay_bars, replay_ticks

START_MS = TimestampMs(1_767_571_200_000)
"""2026-01-05T00:00 UTC, a Monday before the market opens."""

BAR_PERIOD_MS = 5 * MS_PER_MINUTE
PRICE_AGE_MAX_MS = 30_000
BAR_PERIODS_FRESH = 3
"""A replayed bar is stale after so many of its periods."""

SPREAD_BP = 5
"""Spread of a file that has one price series, in basis points of its median price."""

TICK_HISTORY_SHARE = 0.6
"""Of a tick file, which is short: enough five-minute bars in one day to warm up."""

DAYS_MAX = 366
HISTORY_TRADING_DAYS_MAX = 1_300
"""Five years; the server makes about 50 trade dates a second when it starts."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DemoMarket:
    """Prices with the settings that follow from them."""

    source: MarketSource
    symbol: str
    bar_period_ms: int
    price_age_max_ms: int
    span: tuple[TimestampMs, TimestampMs]
    """First and last market time, for the progress bar."""
    data_name: str | None
    assumptions: tuple[str, ...]


def make_market(
    *,
    data: Path | None,
    symbol: str | None,
    days: int,
    seed: int,
    history_trading_days: int = HISTORY_TRADING_DAYS,
) -> DemoMarket:
    """Return the prices of a demo.

    Args:
        data: Price file to play; None for the model.
        symbol: Name of the product.
        days: Calendar days to trade; for the model only, as are the two that follow.
        seed: Chooses the prices.
        history_trading_days: Trade dates before the start. Another number gives other prices.

    Raises:
        InputInvalid: no such model, a file that cannot be used, or days out of range.
    """
    if data is not None:
        return _replay(read_price_file(data), symbol or _symbol_of(data))
    if not 1 <= days <= DAYS_MAX:
        raise InputInvalid(f"--days is 1 to {DAYS_MAX}, was {days}")
    if not HISTORY_TRADING_DAYS <= history_trading_days <= HISTORY_TRADING_DAYS_MAX:
        raise InputInvalid(
            f"--history-days is {HISTORY_TRADING_DAYS} to {HISTORY_TRADING_DAYS_MAX}, "
            f"was {history_trading_days}"
        )
    name = symbol or "PALMOIL"
    return DemoMarket(
        source=make_model_market(
            name,
            seed=seed,
            start=START_MS,
            days=days,
            history_trading_days=history_trading_days,
        ),
        symbol=name,
        bar_period_ms=BAR_PERIOD_MS,
        price_age_max_ms=PRICE_AGE_MAX_MS,
        span=(START_MS, TimestampMs(START_MS + days * 24 * 60 * MS_PER_MINUTE)),
        data_name=None,
        assumptions=(
            "The prices are synthetic: a seeded random walk with the look of palm oil.",
            "The walk has no edge, so a profit here is luck.",
            "Market orders fill at the current quote, stops and targets at the server.",
            "A gap fills at the first price beyond the level.",
            "Spread, commission and swap are charged as the contract says.",
        ),
    )


def _replay(file: PriceFile, symbol: str) -> DemoMarket:
    prices = file.ticks.bids if file.ticks is not None else _bid_closes(file)
    price = Price(sorted(prices)[len(prices) // 2])
    contract = contract_for_file(symbol, file.digits, price)
    notes = [*file.notes, "The contract is made up to fit the file; lots and costs are not in it."]
    if file.ticks is not None:
        columns = file.ticks
        share = TICK_HISTORY_SHARE
        source = replay_ticks(
            contract, columns.times, columns.bids, columns.asks, history_share=share
        )
        period_ms, age_ms = BAR_PERIOD_MS, PRICE_AGE_MAX_MS
    elif file.bars is not None and file.period_ms is not None:
        bars = file.bars
        spread = Price(0 if bars.ask else math.ceil(price * SPREAD_BP / BASIS_POINTS))
        source = replay_bars(
            contract, file.period_ms, bars.times, bars.bid, ask=bars.ask, spread=spread
        )
        period_ms = max(BAR_PERIOD_MS, file.period_ms)
        age_ms = max(PRICE_AGE_MAX_MS, BAR_PERIODS_FRESH * file.period_ms)
        notes.append("Each bar is played as open, nearer extreme, other extreme, close.")
        if not bars.ask:
            notes.append(f"The file has one price series; a spread of {SPREAD_BP} bp is assumed.")
    else:
        raise InputInvalid(f"{file.path.name} holds neither ticks nor bars")
    return DemoMarket(
        source=source,
        symbol=symbol,
        bar_period_ms=period_ms,
        price_age_max_ms=age_ms,
        span=(TimestampMs(file.times[0]), TimestampMs(file.times[-1])),
        data_name=file.path.name,
        assumptions=tuple(notes),
    )


def _bid_closes(file: PriceFile) -> Sequence[int]:
    if file.bars is None:
        raise InputInvalid(f"{file.path.name} holds neither ticks nor bars")
    return file.bars.bid.closes


def _symbol_of(data: Path) -> str:
    return data.name.split("_", maxsplit=1)[0].split(".", maxsplit=1)[0].upper()
