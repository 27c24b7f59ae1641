"""A made-up demo run, plausible to the eye: what the tests of its report are fed."""

import random

from palmbot.domain.market import Side
from palmbot.domain.orders import Trade
from palmbot.domain.units import (
    MONEY_SCALE,
    MS_PER_MINUTE,
    PRICE_SCALE,
    IntentId,
    Money,
    PositionId,
    Price,
    TimestampMs,
    Volume,
)
from palmbot.reports.demo_run import (
    BreakerEpisode,
    DemoFigures,
    DemoRun,
    EquityPoint,
    LinkEpisode,
    PricePoint,
    Refusal,
    ReportedTrade,
)

PERIOD_MS = 5 * MS_PER_MINUTE
MONDAY_MS = 1_772_409_600_000
"""2026-03-02 00:00 UTC."""
MINUTE_RANGES = ((150, 270), (390, 600), (780, 930))
"""Trading hours in minutes of a UTC day."""
START_BALANCE = Money(10_000 * MONEY_SCALE)


def make_demo_run(*, days: int = 30, seed: int = 7) -> DemoRun:
    """Return a run over `days` weekdays with a trade every few bars and some lost links."""
    rng = random.Random(seed)  # noqa: S311  (no secret depends on it)
    times = [
        TimestampMs(MONDAY_MS + day * 86_400_000 + minute * MS_PER_MINUTE)
        for day in range(days * 7 // 5)
        if day % 7 < 5
        for start, end in MINUTE_RANGES
        for minute in range(start, end, 5)
    ]
    price = 4_400.0
    prices = []
    for _ in times:
        price *= 1 + rng.gauss(0, 0.0014)
        prices.append(Price(round(price) * PRICE_SCALE))
    trades: list[ReportedTrade] = []
    equity: list[EquityPoint] = []
    balance = START_BALANCE
    index = 0
    while index + 40 < len(times):
        held = rng.randint(30, 120)
        last = min(index + held, len(times) - 1)
        reported = _make_trade(len(trades) + 1, (times[index], times[last]), prices[index], rng)
        trades.append(reported)
        for bar in range(index, last):
            share = (bar - index) / (last - index)
            noise = rng.gauss(0, 6)
            worth = balance + share * reported.trade.profit + noise * MONEY_SCALE
            equity.append(EquityPoint(time=times[bar], equity=Money(round(worth))))
        balance = Money(balance + reported.trade.profit)
        index = last
    wins = [each.trade.profit for each in trades if each.trade.profit > 0]
    losses = [each.trade.profit for each in trades if each.trade.profit <= 0]
    return DemoRun(
        seed=seed,
        faults="flaky",
        symbol="PALMOIL",
        digits=2,
        currency="USD",
        data_name=None,
        bar_period_ms=PERIOD_MS,
        figures=make_figures(
            trades=len(trades),
            profit_factor=sum(wins) / -sum(losses) if losses else None,
            win_rate=len(wins) / len(trades) if trades else None,
            net_return=balance / START_BALANCE - 1,
            simulated_days=days,
        ),
        prices=tuple(
            PricePoint(time=time, price=each) for time, each in zip(times, prices, strict=True)
        ),
        equity=tuple(equity),
        trades=tuple(trades),
        links=tuple(
            LinkEpisode(
                lost_at=times[at],
                regained_at=TimestampMs(times[at] + rng.randint(1, 30) * MS_PER_MINUTE),
                reason=rng.choice(("connection reset by the server", "no heartbeat for 25 s")),
            )
            for at in sorted(rng.sample(range(len(times)), 9))
        ),
        breakers=(
            BreakerEpisode(
                tripped_at=times[len(times) // 2],
                cleared_at=times[len(times) // 2 + 40],
                name="3 losses in a row",
                reason="the third loss in a row; entries stop until the next trading day",
            ),
        ),
        refusals=(
            Refusal(code="position_open", text="a position is open", count=412),
            Refusal(code="stale_tick", text="the last price is older than 5 s", count=3),
        ),
        settings=(
            ("bar period", "5 minutes"),
            ("RSI", "14, buy below 30, sell above 70"),
            ("stop and target", "1.5 % and 2.0 % of the entry price"),
            ("risk", "1 % of equity a trade"),
            ("balance at the start", "10,000.00 USD"),
        ),
        assumptions=(
            "Market orders fill at the next quote: a buy at the ask, a sell at the bid.",
            "A gap beyond the stop fills at the first price after it, not at the stop.",
            "Commission 30 USD per million traded; swap at 22:00 UTC, threefold on Wednesdays.",
        ),
    )


def _make_trade(
    number: int, times: tuple[TimestampMs, TimestampMs], price: Price, rng: random.Random
) -> ReportedTrade:
    side = rng.choice((Side.BUY, Side.SELL))
    is_win = rng.random() < 0.48
    stop = Price(round(price * (1 - side.sign * 0.015) / 1000) * 1000)
    target = Price(round(price * (1 + side.sign * 0.02) / 1000) * 1000)
    exit_price = target if is_win else stop
    level = "28.4 below 30" if side is Side.BUY else "71.9 above 70"
    return ReportedTrade(
        trade=Trade(
            position_id=PositionId(number),
            intent_id=IntentId(f"{number:026d}"),
            side=side,
            volume=Volume(15_000),
            entry_time=times[0],
            entry_price=price,
            exit_time=times[1],
            exit_price=exit_price,
            profit=Money(
                round(side.sign * (exit_price - price) * 1.5) * (MONEY_SCALE // PRICE_SCALE)
                - 2 * MONEY_SCALE
            ),
            entry_reason=f"RSI {level}: {side.name.lower()}",
            exit_reason="take profit" if is_win else "stop loss",
        ),
        stop_loss=stop,
        take_profit=target,
    )


def make_figures(  # noqa: PLR0913  (each test varies one of them)
    *,
    trades: int = 26,
    profit_factor: float | None = 1.12,
    win_rate: float | None = 0.48,
    net_return: float = 0.018,
    simulated_days: int = 30,
    orders_sent: int = 58,
    duplicates: int = 0,
    positions_without_stop: int = 0,
    unknown_open: int = 0,
    journal_verified: bool = True,
    replay_identical: bool = True,
) -> DemoFigures:
    """Return figures of a sound run; 58 orders were sent unless a test says otherwise."""
    return DemoFigures(
        trades=trades,
        profit_factor=profit_factor,
        win_rate=win_rate,
        net_return=net_return,
        max_drawdown=0.0321,
        orders_sent=orders_sent,
        orders_at_broker=55,
        refused_unplaced=2,
        never_arrived=1,
        duplicates=duplicates,
        positions_without_stop=positions_without_stop,
        unknown_open=unknown_open,
        reconnects=9,
        frozen_minutes=42.0,
        operator_acks=1,
        journal_verified=journal_verified,
        replay_identical=replay_identical,
        simulated_days=simulated_days,
        seconds=31.4,
    )
