"""Figures of an exact backtest, each with one definition; see `reports.backtest_run` for them."""

from dataclasses import dataclass
from typing import Final

import numpy as np

from palmbot.domain.breakers import BreakerPhase
from palmbot.domain.market import Side
from palmbot.domain.units import BASIS_POINTS, MONEY_SCALE, PRICE_SCALE, VOLUME_SCALE
from palmbot.pricefiles.series import BarSeries
from palmbot.reports import wording
from palmbot.reports.backtest_run import (
    AccountView,
    BacktestFigures,
    BacktestTrade,
    Bounds,
    BreakerCount,
    CostParts,
    Outcome,
    Part,
    RefusalCount,
    RollParts,
    Setting,
    Source,
)
from palmbot.research.backtest import BacktestRun, BacktestSetup
from palmbot.research.market import find_day_ends
from palmbot.research.paper_broker import LEVERAGE, PaperTrade
from palmbot.research.rules import (
    REASON_CLOSED,
    REASON_END,
    REASON_STOP,
    REASON_TARGET,
    CostModel,
    Flags,
    Floats,
    TradeList,
    read_max_drawdown,
    read_net_return,
    read_profit_factor,
    read_sharpe,
    read_win_rate,
)

IN_SAMPLE: Final = 0.7
TRADES_FEW, TRADES_THIN = 30, 100
"""Below the first a profit factor is chance; below the second its interval is still wide."""
DAYS_FEW: Final = 20
"""Below it a Sharpe ratio of daily returns is a number without a meaning."""
RESAMPLES: Final = 2_000
RESAMPLE_SEED: Final = 20_240_601
AMBIGUOUS_SHARE: Final = 0.05
REASONS: Final = {
    REASON_END: "end of file",
    REASON_STOP: "stop",
    REASON_TARGET: "target",
    REASON_CLOSED: "closed by the bot",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """Figures, the rows behind them, and equity at every bar close."""

    figures: BacktestFigures
    trades: tuple[BacktestTrade, ...]
    equity: Floats
    equity_without_costs: Floats
    """Stepped at the exits."""


def summarize(  # noqa: PLR0913 - the facts of one run, each named by its caller
    run: BacktestRun,
    series: BarSeries,
    setup: BacktestSetup,
    *,
    zone: str,
    mood: str,
    seconds: float,
) -> Summary:
    """Return everything that is said of a run.

    Args:
        run: What happened.
        series: The bars it happened on.
        setup: The choices behind it.
        zone: What the times of the file were taken for.
        mood: Mode and name of the recording, or off.
        seconds: CPU time of the replay.
    """
    trades = run.trades
    returns = trades.net_return
    plain = read_gross_returns(trades)
    equity = mark_equity(trades, series, setup.costs)
    stepped = _step_equity(trades, plain, len(series))
    over_roll = find_over_rolls(trades, series)
    ends = find_day_ends(series.time_ms)
    daily = np.diff(np.concatenate(([1.0], equity[ends]))) / np.concatenate(
        ([1.0], equity[ends][:-1])
    )
    figures = BacktestFigures(
        bars=run.bars,
        trades=len(trades),
        wins=int((returns > 0).sum()),
        longs=int((trades.side > 0).sum()),
        shorts=int((trades.side < 0).sum()),
        win_rate=read_win_rate(returns),
        profit_factor=read_profit_factor(returns),
        profit_factor_interval=read_interval(returns),
        net_return=read_net_return(returns),
        expectancy=float(returns.mean()) if returns.size else None,
        max_drawdown=read_max_drawdown(equity),
        sharpe=read_sharpe(daily) if daily.size >= DAYS_FEW else None,
        exposure=_read_exposure(trades, run.bars),
        ambiguous_bars=int(trades.is_ambiguous.sum()),
        gap_exits=int(trades.is_gap.sum()),
        open_at_end=int((trades.reason == REASON_END).sum()),
        closed_by_bot=int((trades.reason == REASON_CLOSED).sum()),
        signals=run.signals,
        without_costs=_read_outcome(plain),
        bounds=_read_bounds(run, setup.costs),
        costs=_read_costs(run, series, setup.costs, plain),
        rolls=RollParts(
            suspected=int(series.rolls.size),
            trades=int(over_roll.sum()),
            without=_read_outcome(returns[~over_roll]),
        ),
        parts=_read_parts(trades, series),
        account=_read_account(run, series, setup),
        breakers=_count_breakers(run),
        refusals=tuple(RefusalCount(code=code, count=count) for code, count in run.refusals),
        setting=Setting(
            rsi_buy=setup.point.rsi_buy,
            rsi_sell=setup.point.rsi_sell,
            tp=setup.point.take_profit,
            sl=setup.point.stop_loss,
            period_rsi=setup.rsi_period,
            breakers=setup.has_breakers,
            sentiment=mood,
        ),
        source=Source(
            file=series.source,
            sha256=series.digest,
            code_sha256=run.code_digest,
            start_ms=int(series.time_ms[0]),
            end_ms=int(series.time_ms[-1]),
            period_ms=series.period_ms,
            zone=zone,
            has_spread=series.has_spread,
        ),
        warnings=_list_warnings(run, series, setup, over_roll),
        seconds=seconds,
        bars_per_second=run.bars / seconds if seconds > 0 else 0.0,
    )
    return Summary(
        figures=figures,
        trades=_list_rows(run, series, plain, over_roll),
        equity=equity,
        equity_without_costs=stepped,
    )


def read_gross_returns(trades: TradeList) -> Floats:
    """Return what each trade earned by its fills alone, as a fraction of the stake."""
    returns: Floats = trades.side * (trades.exit_price / trades.entry_price - 1.0)
    return returns


def mark_equity(trades: TradeList, series: BarSeries, costs: CostModel) -> Floats:
    """Return a stake of one, reinvested, at every bar close; shape (n_bars,).

    An open long is worth what it would fetch at the bid, an open short what buying it back at
    the ask leaves; the cost of the exit is charged at the exit.
    """
    equity = np.ones(len(series))
    cost = (costs.cost_bp + costs.commission_bp) / BASIS_POINTS
    ask_close = series.asks.close
    worth = 1.0
    for entry, leave, sign, price, earned in zip(
        trades.entry_index.tolist(),
        trades.exit_index.tolist(),
        trades.side.tolist(),
        trades.entry_price.tolist(),
        trades.net_return.tolist(),
        strict=True,
    ):
        opened = price / PRICE_SCALE
        units = worth / (opened * (1.0 + cost))
        if sign > 0:
            equity[entry:leave] = units * series.close[entry:leave]
        else:
            base = worth + units * opened * (1.0 - cost)
            equity[entry:leave] = base - units * ask_close[entry:leave]
        worth *= 1.0 + earned
        equity[leave:] = worth
    return equity


def read_interval(returns: Floats) -> tuple[float, float] | None:
    """Return 5th and 95th percentile of the profit factor over resampled lists of the trades.

    Lists without a loss count as above everything; None if the 95th percentile is one of them.
    """
    if returns.size < 2:  # noqa: PLR2004 - one trade resampled is itself
        return None
    generator = np.random.default_rng(RESAMPLE_SEED)
    factors = np.empty(RESAMPLES)
    for index in range(RESAMPLES):
        drawn = returns[generator.integers(0, returns.size, returns.size)]
        factor = read_profit_factor(drawn)
        factors[index] = np.inf if factor is None else factor
    low, high = np.quantile(factors, (0.05, 0.95), method="lower")
    return (float(low), float(high)) if np.isfinite(high) else None


def find_over_rolls(trades: TradeList, series: BarSeries) -> Flags:
    """Tell which trades were open when a bar opened that may be in another contract."""
    first = np.searchsorted(series.rolls, trades.entry_index, side="right")
    last = np.searchsorted(series.rolls, trades.exit_index, side="right")
    over: Flags = last > first
    return over


def _read_outcome(returns: Floats) -> Outcome:
    return Outcome(profit_factor=read_profit_factor(returns), net_return=read_net_return(returns))


def _step_equity(trades: TradeList, returns: Floats, bars: int) -> Floats:
    equity = np.ones(bars)
    worth = 1.0
    for leave, earned in zip(trades.exit_index.tolist(), returns.tolist(), strict=True):
        worth *= 1.0 + earned
        equity[leave:] = worth
    return equity


def _read_exposure(trades: TradeList, bars: int) -> float:
    held = int((trades.exit_index - trades.entry_index + 1).sum())
    return min(1.0, held / bars)


def _read_bounds(run: BacktestRun, costs: CostModel) -> Bounds:
    """Swap the ambiguous exits to their targets: bar and order of trades stay as they are."""
    trades = run.trades
    cost = (costs.cost_bp + costs.commission_bp) / BASIS_POINTS
    best = trades.net_return.copy()
    for index in np.flatnonzero(trades.is_ambiguous):
        paper = run.paper[index]
        ratio = paper.target / paper.entry
        sign = paper.side.sign
        earned = (
            ratio * (1.0 - cost) / (1.0 + cost) - 1.0
            if sign > 0
            else ((1.0 - cost) - ratio * (1.0 + cost)) / (1.0 + cost)
        )
        best[index] = earned + costs.swap_bp_per_night / BASIS_POINTS * paper.nights
    return Bounds(pessimistic=_read_outcome(trades.net_return), optimistic=_read_outcome(best))


def _read_costs(run: BacktestRun, series: BarSeries, costs: CostModel, plain: Floats) -> CostParts:
    trades = run.trades
    beyond = np.array([_read_gap(each) for each in run.paper], dtype=np.float64)
    crossed = (
        series.spread[trades.entry_index] / (trades.entry_price / PRICE_SCALE)
        if len(trades)
        else np.zeros(0)
    )
    return CostParts(
        cost_bp=costs.cost_bp,
        commission_bp=costs.commission_bp,
        swap_bp_per_night=costs.swap_bp_per_night,
        charged=float((plain - trades.net_return).sum()),
        spread=float(crossed.sum()),
        gap_loss=abs(float(beyond[beyond < 0].sum())),
        gap_gain=float(beyond[beyond > 0].sum()),
        break_even_bp=_find_break_even(trades),
    )


def _read_gap(trade: PaperTrade) -> float:
    """Return what filling beyond its level gave, as a fraction of the entry; negative costs."""
    if not trade.is_gap:
        return 0.0
    level = trade.stop if trade.reason == REASON_STOP else trade.target
    return (trade.exit - level) * trade.side.sign / trade.entry


def _find_break_even(trades: TradeList) -> float | None:
    """Return the cost a side, in basis points, at which the returns add up to nothing."""
    if not len(trades):
        return None
    ratio, is_long = trades.exit_price / trades.entry_price, trades.side > 0

    def total(cost: float) -> float:
        longs = ratio * (1.0 - cost) / (1.0 + cost) - 1.0
        shorts = ((1.0 - cost) - ratio * (1.0 + cost)) / (1.0 + cost)
        return float(np.where(is_long, longs, shorts).sum())

    low, high = -0.1, 0.1
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if total(middle) > 0 else (low, middle)
    return low * BASIS_POINTS


def _read_parts(trades: TradeList, series: BarSeries) -> tuple[Part, Part]:
    split = int(len(series) * IN_SAMPLE)
    last = len(series) - 1
    is_first = trades.entry_index < split

    def read(name: str, chosen: Flags, first: int, end: int) -> Part:
        returns = trades.net_return[chosen]
        return Part(
            name=name,
            start_ms=int(series.time_ms[first]),
            end_ms=int(series.time_ms[end]),
            trades=int(returns.size),
            win_rate=read_win_rate(returns),
            profit_factor=read_profit_factor(returns),
            net_return=read_net_return(returns),
        )

    return (
        read("first 70 %", is_first, 0, max(0, split - 1)),
        read("last 30 %", ~is_first, split, last),
    )


def _read_account(run: BacktestRun, series: BarSeries, setup: BacktestSetup) -> AccountView:
    balance = setup.balance
    equity = np.full(len(series), balance)
    ask_close = series.asks.close
    gain = loss = 0.0
    for each in run.paper:
        part = slice(each.entry_bar, each.exit_bar)
        units, opened = each.volume / VOLUME_SCALE, each.entry / PRICE_SCALE
        closes = series.close if each.side is Side.BUY else ask_close
        equity[part] = balance + each.side.sign * (closes[part] - opened) * units
        profit = each.profit / MONEY_SCALE
        gain, loss = gain + max(profit, 0.0), loss + max(-profit, 0.0)
        balance += profit
        equity[each.exit_bar :] = balance
    return AccountView(
        start=setup.balance,
        end=balance,
        net_return=balance / setup.balance - 1.0,
        max_drawdown=read_max_drawdown(equity / setup.balance),
        profit_factor=gain / loss if loss > 0 else None,
        commission=sum(each.commission for each in run.paper) / MONEY_SCALE,
        swap=sum(each.swap for each in run.paper) / MONEY_SCALE,
        risk_percent=setup.risk_percent,
        leverage=LEVERAGE,
    )


def _count_breakers(run: BacktestRun) -> tuple[BreakerCount, ...]:
    trips: dict[str, int] = {}
    latched: dict[str, int] = {}
    for change in run.breaker_changes:
        if change.after in {BreakerPhase.OPEN, BreakerPhase.LATCHED}:
            trips[change.name] = trips.get(change.name, 0) + 1
        if change.after is BreakerPhase.LATCHED:
            latched[change.name] = latched.get(change.name, 0) + 1
    return tuple(
        BreakerCount(name=name, trips=count, latched=latched.get(name, 0))
        for name, count in sorted(trips.items(), key=lambda each: (-each[1], each[0]))
    )


def _list_warnings(
    run: BacktestRun, series: BarSeries, setup: BacktestSetup, over_roll: Flags
) -> tuple[str, ...]:
    trades = run.trades
    count = len(trades)
    warnings: list[str] = []
    if count < TRADES_FEW:
        warnings.append(
            f"Only {wording.count(count, 'trade')}: whatever the profit factor is, it is chance. "
            f"A file with at least {TRADES_FEW} is needed to say anything, with {TRADES_THIN} to "
            "say much."
        )
    elif count < TRADES_THIN:
        warnings.append(
            f"{count} trades: fewer than {TRADES_THIN}, so the profit factor is uncertain (see "
            "its interval)."
        )
    ambiguous = int(trades.is_ambiguous.sum())
    if count and ambiguous > AMBIGUOUS_SHARE * count:
        warnings.append(
            f"{ambiguous} of {count} trades ended in a bar that touched both levels: the bars are "
            "too coarse for this bracket, look at both bounds."
        )
    if over_roll.any():
        warnings.append(
            f"{int(over_roll.sum())} trades were open over a suspected change of contract; without "
            "them the result is given as well."
        )
    if not series.has_spread and setup.costs.cost_bp + setup.costs.commission_bp == 0:
        warnings.append("No spread in the file and no cost given: no market trades for nothing.")
    if (trades.reason == REASON_END).any():
        warnings.append("The last trade was still open and is closed at the last close.")
    if run.resets:
        warnings.append(
            f"{len(run.resets)} times a breaker latched, which only a person resets: taken as "
            "done on the next day."
        )
    refused = dict(run.refusals)
    if refused.get("SIZE"):
        warnings.append(
            f"{refused['SIZE']} signals were too large for what was left of the account, or their "
            "stop lay within the spread."
        )
    return tuple(warnings)


def _list_rows(
    run: BacktestRun, series: BarSeries, plain: Floats, over_roll: Flags
) -> tuple[BacktestTrade, ...]:
    times = series.time_ms
    return tuple(
        BacktestTrade(
            number=index + 1,
            side="buy" if each.side is Side.BUY else "sell",
            entry_ms=int(times[each.entry_bar]),
            entry_price=each.entry / PRICE_SCALE,
            stop=each.stop / PRICE_SCALE,
            target=each.target / PRICE_SCALE,
            exit_ms=int(times[each.exit_bar]),
            exit_price=each.exit / PRICE_SCALE,
            reason=REASONS[each.reason],
            is_gap=each.is_gap,
            is_ambiguous=each.is_ambiguous,
            is_over_roll=bool(over_roll[index]),
            bars_held=each.exit_bar - each.entry_bar + 1,
            net_return=float(run.trades.net_return[index]),
            gross_return=float(plain[index]),
            profit=each.profit / MONEY_SCALE,
            why=each.entry_reason,
        )
        for index, each in enumerate(run.paper)
    )
