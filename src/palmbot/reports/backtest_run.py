"""What one exact backtest came to, in plain values: its JSON, and the input of its page.

Returns, rates and drawdowns are fractions; prices are in price units; times are milliseconds
since 1970 UTC.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The same trades under one assumption."""

    profit_factor: float | None
    """Gross profit / gross loss on a stake of one; None without a loss."""
    net_return: float
    """One stake, reinvested with every trade, less one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """The trades entered in one stretch of the file."""

    name: str
    start_ms: int
    end_ms: int
    trades: int
    win_rate: float | None
    profit_factor: float | None
    net_return: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Bounds:
    """What the order of prices within a bar may change: nobody knows it."""

    pessimistic: Outcome
    """The stop first in every bar that touched both levels: the result reported above."""
    optimistic: Outcome
    """The target first in these bars."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CostParts:
    """What was taken from the trades, as sums of fractions of the stake."""

    cost_bp: float
    """A side."""
    commission_bp: float
    """A side, on top."""
    swap_bp_per_night: float
    """Negative is paid."""
    charged: float
    """By cost, commission and swap, over all trades."""
    spread: float
    """By entering and leaving on opposite sides of the market: in every result, with or without
    costs, because the fills themselves lie there. 0 without a spread."""
    gap_loss: float
    """By stops filled beyond their level at an open."""
    gap_gain: float
    """By targets filled beyond theirs."""
    break_even_bp: float | None
    """Cost a side at which nothing is left; None without a trade, negative if nothing is left
    even without costs."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollAdjustment:
    """One change of contract whose jump was taken out of the prices."""

    time_ms: int
    """Opening of the first bar in the new contract."""
    evidence: str
    ratio: float
    """By which every earlier price was multiplied."""
    is_estimated: bool
    """From the opening gap, because no calendar gives it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RollParts:
    """Trades that were open over a suspected change of contract."""

    suspected: int
    """Bars of the file."""
    trades: int
    without: Outcome
    """All other trades."""
    treatment: str = "flag"
    """flag or adjust."""
    adjusted: tuple[RollAdjustment, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountView:
    """The same trades on an account: sized by risk, in whole volume steps, costs in money."""

    start: float
    end: float
    net_return: float
    max_drawdown: float
    """On equity at bar closes."""
    profit_factor: float | None
    """In money: trades are weighted by their size."""
    commission: float
    """Cost and commission together; negative is paid."""
    swap: float
    risk_percent: float
    leverage: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BreakerCount:
    """How often one breaker stopped entries."""

    name: str
    trips: int
    latched: int
    """Times only a person could reset it; the backtest does so on the next day."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusalCount:
    """Signals that the bot did not follow, by reason."""

    code: str
    count: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """The parameters of the run."""

    rsi_buy: float
    rsi_sell: float
    tp: float
    """Per cent."""
    sl: float
    """Per cent."""
    period_rsi: int
    breakers: bool
    sentiment: str
    """off, or the mode and the name of the recording."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """Where prices and code come from."""

    file: str
    sha256: str
    code_sha256: str
    start_ms: int
    end_ms: int
    period_ms: int
    zone: str
    has_spread: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestFigures:
    """The whole result in numbers: the JSON of `palmbot backtest`."""

    bars: int
    trades: int
    wins: int
    longs: int
    shorts: int
    win_rate: float | None
    """A win is a return above 0 after costs; None without a trade."""
    profit_factor: float | None
    profit_factor_interval: tuple[float, float] | None
    """90 % of resampled lists of these trades lie between; None if most have no loss."""
    net_return: float
    expectancy: float | None
    """Mean return of a trade."""
    max_drawdown: float
    """On a stake of one, reinvested, marked at every bar close."""
    sharpe: float | None
    """Of daily equity returns, annualised with the square root of 252; None below 20 days."""
    exposure: float
    """Share of bars with a position."""
    ambiguous_bars: int
    gap_exits: int
    open_at_end: int
    """1 if the last trade was closed at the last close because the file ended."""
    closed_by_bot: int
    signals: int
    without_costs: Outcome
    bounds: Bounds
    costs: CostParts
    rolls: RollParts
    parts: tuple[Part, Part]
    """First 70 % and last 30 % of the bars."""
    account: AccountView
    breakers: tuple[BreakerCount, ...]
    refusals: tuple[RefusalCount, ...]
    setting: Setting
    source: Source
    warnings: tuple[str, ...]
    """What to know before believing it, the weightiest first."""
    seconds: float
    bars_per_second: float


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestTrade:
    """One row of the table of trades, and of its CSV."""

    number: int
    side: str
    """buy or sell."""
    entry_ms: int
    entry_price: float
    stop: float
    target: float
    exit_ms: int
    """Opening of the exit bar."""
    exit_price: float
    reason: str
    """stop, target, closed by the bot, or end of file."""
    is_gap: bool
    is_ambiguous: bool
    is_over_roll: bool
    bars_held: int
    net_return: float
    """Fraction of the stake, after costs."""
    gross_return: float
    profit: float
    """Money of the account."""
    why: str
    """The bot's own words."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """A line, thinned so that no peak or trough is lost; both of equal length."""

    time_ms: tuple[int, ...]
    value: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BacktestPicture:
    """Everything the page of one backtest shows."""

    figures: BacktestFigures
    digits: int
    pauses: tuple[tuple[int, int], ...]
    """Closed hours to leave out of the time axis, start inclusive, end exclusive."""
    trades: tuple[BacktestTrade, ...]
    price: Curve
    """Closes, each at the end of its bar."""
    equity: Curve
    """A stake of one, reinvested, after costs."""
    equity_without_costs: Curve
    """Stepped at the exits."""
    drawdown: Curve
    """0 or negative."""
    assumptions: tuple[str, ...]
