"""A seeded palm-oil market: regimes, clustered volatility, heavy tails, gaps; no drift, no edge.

Magnitudes follow what is known of the Malaysian palm-oil future. Only `Random.random` is
drawn from, whose numbers are the same in every Python, and every trade date and purpose
has a generator of its own: another number of quotes in one minute moves no other day.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import Random
from zoneinfo import ZoneInfo

from palmbot.domain.errors import InputInvalid
from palmbot.domain.market import SECONDS_PER_DAY
from palmbot.domain.units import (
    MS_PER_DAY,
    MS_PER_MINUTE,
    MS_PER_SECOND,
    PRICE_SCALE,
    Price,
    TimestampMs,
)
from palmbot.simulator.contracts import FCPO, PALMOIL, USDMYR, Contract
from palmbot.simulator.market import Quote

HISTORY_TRADING_DAYS = 26
"""Trade dates before the start. 500 five-minute bars need six, daily views a month."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Regime:
    """A slow state of the market."""

    name: str
    scale: float
    """Of volatility and gaps, against the normal regime."""
    days_mean: float
    """Mean length in trade dates."""


CALM = Regime(name="calm", scale=0.6, days_mean=20.0)
NORMAL = Regime(name="normal", scale=1.0, days_mean=30.0)
CRISIS = Regime(name="crisis", scale=1.67, days_mean=10.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelShape:
    """Everything that gives the model its look. Fractions of the price unless said otherwise."""

    start_price: float
    spread: float
    """In price units at ordinary times."""
    spread_max: float
    """In price units: a market maker shows nothing wider."""
    minute_volatility: float = 0.00070
    """Standard deviation of one minute: with the gaps and regimes some 25 to 30 % a year."""
    garch_shock: float = 0.10
    garch_memory: float = 0.88
    open_factor: float = 2.5
    """Variance in the first 15 minutes after each open, against the rest."""
    gap_lunch: float = 0.0033
    """Standard deviations of the jumps over each kind of break."""
    gap_evening: float = 0.0025
    gap_night: float = 0.0065
    gap_weekend: float = 0.0115
    news_per_day: float = 0.03
    news_jump: float = 0.006
    """Standard deviation of the jump that news bring."""
    jump_per_day: float = 0.005
    jump: float = 0.04
    """Rare jumps of this size."""
    quotes_per_minute_min: int = 5
    quotes_per_minute_extra: float = 1.0
    """Mean number of quotes above the minimum; it comes in clusters."""
    reversion_phi: float = 1.0
    """AR(1) coefficient of the distance from the start price per five minutes; 1: no edge."""


PALMOIL_SHAPE = ModelShape(start_price=1_000.0, spread=1.0, spread_max=12.0)
FCPO_SHAPE = ModelShape(start_price=4_100.0, spread=2.0, spread_max=24.0)

MODELS: dict[str, tuple[Contract, ModelShape]] = {
    PALMOIL.name: (PALMOIL, PALMOIL_SHAPE),
    FCPO.name: (FCPO, FCPO_SHAPE),
}

OPEN_MINUTES = 15
WIDE_MINUTES = 5
"""Minutes after an open and before a close with a spread four times as wide."""
WIDE_FACTOR = 4.0
EVENING_FACTOR = 1.5
EVENING_HOUR = 20
PRICE_LIMIT = 0.10
"""Largest move from the last close of the trade date before, as at the exchange."""
SHOCK_MAX = 25.0
"""Squared standardised shocks above this do not feed the volatility: one jump is no regime."""
HEAT_MAX = 8.0
T4_DEVIATION = math.sqrt(2.0)
CONVERSION_START = 4.4
CONVERSION_VOLATILITY = 0.0001
"""Standard deviation of the currency pair from quote to quote, a fraction."""
CONVERSION_SPREAD = Price(100)
CONVERSION_PAUSE_MS = 10_000
"""The currency pair is quoted with the first quote after so long."""


def _draw_normal(random: Random) -> float:
    """Return a standard normal draw (Box and Muller 1958)."""
    radius = math.sqrt(-2.0 * math.log(1.0 - random.random()))
    return radius * math.cos(math.tau * random.random())


def _draw_t4(random: Random) -> float:
    """Return a draw of Student's t with 4 degrees of freedom, scaled to variance 1.

    By its quantile function, which has a closed form (Shaw 2006).
    """
    p = min(max(random.random(), 1e-6), 1.0 - 1e-6)
    root = math.sqrt(4.0 * p * (1.0 - p))
    q = math.cos(math.acos(root) / 3.0) / root
    size = 2.0 * math.sqrt(max(q - 1.0, 0.0)) / T4_DEVIATION
    return size if p > 0.5 else -size  # noqa: PLR2004 - the median


@dataclass(frozen=True, slots=True)
class _Session:
    """One stretch of trading without a break."""

    opens: TimestampMs
    minutes: int
    trade_date: str
    is_evening: bool
    gap: float
    """Standard deviation of the jump over the break before it."""


@dataclass(slots=True)
class _Walk:
    """What the model carries from quote to quote."""

    log_price: float
    reference: float
    """Log price at the end of the trade date before."""
    heat: float = 1.0
    """GARCH variance, 1 on average."""
    regime: Regime = NORMAL
    trade_date: str = ""
    conversion: float = CONVERSION_START
    conversion_time: int = 0


@dataclass(frozen=True, slots=True)
class _Streams:
    """Random numbers of one session that every minute takes from."""

    steps: Random
    times: Random


@dataclass(frozen=True, slots=True)
class _News:
    """Jumps of one session, and the minutes with a wider spread after them."""

    jumps: dict[int, float]
    wide: dict[int, float]


class ModelMarket:
    """Implements `MarketSource` with a random walk that looks like palm oil."""

    def __init__(  # noqa: PLR0913 - a market is what, how, which, from when, how long
        self,
        contract: Contract,
        shape: ModelShape,
        *,
        seed: int,
        start: TimestampMs,
        days: int,
        history_trading_days: int = HISTORY_TRADING_DAYS,
    ) -> None:
        """Set up; quotes are made while they are read.

        Args:
            contract: Traded contract with the hours to quote in.
            shape: Look of the price.
            seed: Same seed, same quotes, in every Python.
            start: First moment that is not history; outside trading hours, such as 00:00 UTC.
            days: Calendar days of quotes from `start` on.
            history_trading_days: Trade dates quoted before `start`.

        Raises:
            InputInvalid: `start` lies within trading hours.
        """
        if contract.hours.are_open(start):
            raise InputInvalid(f"{contract.name} trades at the start {start}: choose a pause")
        self._contract = contract
        self._shape = shape
        self._seed = seed
        self._others = (USDMYR,) if contract.quote_asset == "MYR" else ()
        first = TimestampMs(start - (2 * history_trading_days + 10) * MS_PER_DAY)
        end = TimestampMs(start + days * MS_PER_DAY)
        sessions = _list_sessions(contract, shape, first, end)
        self._future = [each for each in sessions if each.opens >= start]
        past = [each for each in sessions if each.opens < start]
        kept = set(sorted({each.trade_date for each in past})[-history_trading_days:])
        self._past = [each for each in past if each.trade_date in kept]
        self._at_start: _Walk | None = None

    @property
    def contract(self) -> Contract:
        """The traded contract."""
        return self._contract

    @property
    def others(self) -> tuple[Contract, ...]:
        """The dollar against ringgit, for a contract in ringgit."""
        return self._others

    def past_quotes(self) -> Iterator[Quote]:
        """Yield the quotes before the start."""
        begin = math.log(self._shape.start_price)
        walk = _Walk(begin, begin)
        for session in self._past:
            yield from self._run_session(walk, session)
        self._at_start = walk

    def quotes(self) -> Iterator[Quote]:
        """Yield the quotes from the start on."""
        if self._at_start is None:
            for _ in self.past_quotes():
                pass
        if self._at_start is None:
            raise AssertionError("past_quotes leaves the walk where the future begins")
        walk = replace(self._at_start)
        for session in self._future:
            yield from self._run_session(walk, session)

    def _random(self, session: _Session, purpose: str) -> Random:
        # Not for secrets: a seeded stream that anybody can reproduce.
        name = f"{self._seed}/{self._contract.name}/{session.trade_date}/{session.opens}/{purpose}"
        return Random(name)  # noqa: S311

    def _run_session(self, walk: _Walk, session: _Session) -> Iterator[Quote]:
        if session.trade_date != walk.trade_date:
            walk.trade_date = session.trade_date
            walk.reference = walk.log_price
            walk.regime = _draw_regime(walk.regime, self._random(session, "regime"))
        if session.gap > 0.0:
            jump = _draw_normal(self._random(session, "gap"))
            walk.log_price += session.gap * walk.regime.scale * jump
        news = self._draw_news(walk, session)
        streams = _Streams(self._random(session, "steps"), self._random(session, "times"))
        spreads = self._random(session, "spread")
        rates = self._random(session, "conversion")
        for minute in range(session.minutes):
            walk.log_price += news.jumps.get(minute, 0.0)
            width = self._draw_width(walk, session, minute, spreads) * news.wide.get(minute, 1.0)
            spread = min(self._shape.spread * width, self._shape.spread_max)
            for quote in self._run_minute(walk, session, minute, spread, streams):
                pause_ms = quote.time - walk.conversion_time
                if self._others and pause_ms >= CONVERSION_PAUSE_MS:
                    yield _quote_conversion(walk, quote.time, rates)
                yield quote

    def _run_minute(
        self, walk: _Walk, session: _Session, minute: int, spread: float, streams: _Streams
    ) -> Iterator[Quote]:
        shape = self._shape
        # The factor is 1 on average over a day of 480 minutes with three opens.
        busy = (shape.open_factor if minute < OPEN_MINUTES else 1.0) / (
            1.0 + (shape.open_factor - 1.0) * 3 * OPEN_MINUTES / 480
        )
        deviation = shape.minute_volatility * walk.regime.scale * math.sqrt(walk.heat * busy)
        moments = _draw_times(shape, streams.times)
        tick_deviation = deviation / math.sqrt(len(moments))
        opens = session.opens + minute * MS_PER_MINUTE
        low = walk.reference + math.log(1.0 - PRICE_LIMIT)
        high = walk.reference + math.log(1.0 + PRICE_LIMIT)
        before = walk.log_price
        for moment in moments:
            step = tick_deviation * _draw_t4(streams.steps)
            walk.log_price = min(max(walk.log_price + step, low), high)
            yield self._quote(TimestampMs(opens + moment), math.exp(walk.log_price), spread)
        shock = min(((walk.log_price - before) / deviation) ** 2, SHOCK_MAX)
        rest = 1.0 - shape.garch_shock - shape.garch_memory
        heat = rest + walk.heat * (shape.garch_shock * shock + shape.garch_memory)
        walk.heat = min(heat, HEAT_MAX)
        if shape.reversion_phi < 1.0:
            pull = 1.0 - shape.reversion_phi ** (1 / 5)
            walk.log_price -= pull * (walk.log_price - math.log(shape.start_price))

    def _quote(self, time: TimestampMs, middle: float, spread: float) -> Quote:
        step = self._contract.price_step
        gap = max(round(spread * PRICE_SCALE / step), 1) * step
        bid = round((middle * PRICE_SCALE - gap / 2) / step) * step
        return Quote(self._contract.symbol_id, time, Price(bid), Price(bid + gap))

    def _draw_width(self, walk: _Walk, session: _Session, minute: int, random: Random) -> float:
        """Return how wide the spread of one minute is, against the ordinary and before news."""
        width = 0.9 + 0.4 * random.random()
        if minute < WIDE_MINUTES or minute >= session.minutes - WIDE_MINUTES:
            width *= WIDE_FACTOR
        elif session.is_evening:
            width *= EVENING_FACTOR
        return width * min(max(math.sqrt(walk.heat) * walk.regime.scale, 1.0), 2.0)

    def _draw_news(self, walk: _Walk, session: _Session) -> _News:
        shape = self._shape
        random = self._random(session, "news")
        jumps: dict[int, float] = {}
        wide: dict[int, float] = {}
        share = session.minutes / 480
        for rate, size in (
            (shape.news_per_day, shape.news_jump * _draw_normal(random)),
            (shape.jump_per_day, math.copysign(shape.jump, random.random() - 0.5)),
        ):
            is_due = random.random() < rate * share
            minute = int(random.random() * session.minutes)
            length = 3 + int(random.random() * 6)
            width = 5.0 + 5.0 * random.random()
            if is_due:
                jumps[minute] = size * walk.regime.scale
                wide |= dict.fromkeys(range(minute, minute + length), width)
        return _News(jumps, wide)


def _draw_times(shape: ModelShape, random: Random) -> list[int]:
    """Return the moments of one minute's quotes, ms, ascending, in clusters."""
    extra = -math.log(1.0 - random.random()) * shape.quotes_per_minute_extra
    count = shape.quotes_per_minute_min + int(min(extra, 10.0 * shape.quotes_per_minute_min))
    pauses = [(-math.log(1.0 - random.random())) ** 1.5 for _ in range(count + 1)]
    scale = (MS_PER_MINUTE - count) / sum(pauses)
    moments: list[int] = []
    passed = 0.0
    for i in range(count):
        passed += pauses[i]
        moments.append(int(passed * scale) + i)
    return moments


def _draw_regime(regime: Regime, random: Random) -> Regime:
    is_over = random.random() < 1.0 / regime.days_mean
    turn = random.random()
    if not is_over:
        return regime
    if regime is not NORMAL:
        return NORMAL
    return CALM if turn < 0.6 else CRISIS  # noqa: PLR2004 - calm spells are a little likelier


def _quote_conversion(walk: _Walk, time: TimestampMs, random: Random) -> Quote:
    walk.conversion *= math.exp(CONVERSION_VOLATILITY * _draw_normal(random))
    walk.conversion_time = time
    step = USDMYR.price_step
    bid = round((walk.conversion * PRICE_SCALE - CONVERSION_SPREAD / 2) / step) * step
    return Quote(USDMYR.symbol_id, time, Price(bid), Price(bid + CONVERSION_SPREAD))


def _list_sessions(
    contract: Contract, shape: ModelShape, first: TimestampMs, end: TimestampMs
) -> list[_Session]:
    """Return every session that opens in `first` to `end`, in order."""
    zone = ZoneInfo(contract.hours.zone)
    day = datetime.fromtimestamp(first / MS_PER_SECOND, UTC).astimezone(zone).date()
    last = datetime.fromtimestamp(end / MS_PER_SECOND, UTC).astimezone(zone).date()
    sessions: list[_Session] = []
    closed = first
    while day <= last:
        weekday = day.isoweekday() % 7
        for interval in contract.hours.intervals:
            if interval.start_s // SECONDS_PER_DAY != weekday:
                continue
            midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
            opening = midnight + timedelta(seconds=interval.start_s % SECONDS_PER_DAY)
            opens = TimestampMs(int(opening.timestamp()) * MS_PER_SECOND)
            minutes = (interval.end_s - interval.start_s) // 60
            closes = TimestampMs(opens + minutes * MS_PER_MINUTE)
            if not first <= opens < end or not contract.hours.are_open(opens):
                continue
            is_evening = opening.hour >= EVENING_HOUR
            trade_date = day + timedelta(days=1) if is_evening else day
            gap = _gap_deviation(shape, opens - closed) if sessions else 0.0
            sessions.append(_Session(opens, minutes, trade_date.isoformat(), is_evening, gap))
            closed = closes
        day += timedelta(days=1)
    return sessions


def _gap_deviation(shape: ModelShape, pause_ms: int) -> float:
    """Return the standard deviation of the jump over a pause, by its length in hours."""
    hours = pause_ms / (60 * MS_PER_MINUTE)
    kinds = (
        (0.5, 0.0),
        (2.5, shape.gap_lunch),
        (4.0, shape.gap_evening),
        (20.0, shape.gap_night),
    )
    for hours_max, deviation in kinds:
        if hours <= hours_max:
            return deviation
    return shape.gap_weekend


def make_market(  # noqa: PLR0913 - as `ModelMarket`
    symbol: str,
    *,
    seed: int,
    start: TimestampMs,
    days: int,
    reversion_phi: float = 1.0,
    history_trading_days: int = HISTORY_TRADING_DAYS,
) -> ModelMarket:
    """Return the modelled market of `PALMOIL` or `FCPO`; arguments as for `ModelMarket`.

    Raises:
        InputInvalid: there is no model of that symbol.
    """
    if symbol not in MODELS:
        raise InputInvalid(
            f"the simulator has no market for {symbol!r}: choose {' or '.join(MODELS)}"
        )
    contract, shape = MODELS[symbol]
    return ModelMarket(
        contract,
        replace(shape, reversion_phi=reversion_phi),
        seed=seed,
        start=start,
        days=days,
        history_trading_days=history_trading_days,
    )
