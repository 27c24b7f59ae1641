"""What a demo run proved, in sentences and in checks that pass or fail."""

from dataclasses import dataclass

from palmbot.reports import wording
from palmbot.reports.demo_run import DemoFigures, DemoRun

TRADES_FOR_EVIDENCE = 100
"""Below it a profit factor is mostly luck: with 30 trades, 1.5 lies within chance."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Check:
    """One promise of the bot, and whether the run kept it."""

    promise: str
    evidence: str
    is_kept: bool | None
    """None: no promise, but good to know."""


def render_result(run: DemoRun) -> str:
    """Say in one sentence what the trading came to."""
    figures = run.figures
    days = wording.count(figures.simulated_days, "trading day")
    if not figures.trades:
        return f"No trade in {days} of {run.symbol}."
    factor = wording.render_profit_factor(figures.profit_factor, has_trades=True)
    net = wording.render_percent(figures.net_return, is_signed=True)
    worst = wording.render_percent(figures.max_drawdown)
    return (
        f"{wording.count(figures.trades, 'trade')} in {days} of {run.symbol}: {net} net, "
        f"profit factor {factor}, worst drawdown {worst}."
    )


def render_trust(run: DemoRun) -> str:
    """Say in one sentence whether the books can be believed."""
    figures = run.figures
    failed = [check.promise for check in list_checks(figures) if check.is_kept is False]
    if failed:
        return f"Not kept: {'; '.join(failed)}."
    links = wording.count(figures.reconnects, "reconnect")
    orders = wording.count(figures.orders_sent, "order")
    return (
        f"Through {links}: {orders} sent and each accounted for, no position without a stop, "
        "the journal verified, its replay identical."
    )


def render_caution(run: DemoRun) -> str:
    """Say how much the result tells about the strategy."""
    source = (
        "These prices are synthetic and have no built-in edge: the run shows that the machinery "
        "works, not what the strategy would earn."
        if run.data_name is None
        else f"Prices replayed from {run.data_name}."
    )
    if not 0 < run.figures.trades < TRADES_FOR_EVIDENCE:
        return source
    return f"{source} Fewer than {TRADES_FOR_EVIDENCE} trades: the profit factor is mostly chance."


def is_sound(run: DemoRun) -> bool:
    """Tell whether every promise was kept."""
    return all(check.is_kept is not False for check in list_checks(run.figures))


def list_checks(figures: DemoFigures) -> tuple[Check, ...]:
    """Return the promises in the order of their weight, each with the figures behind it."""
    return (
        Check(
            promise="Every order accounted for",
            evidence=f"{figures.orders_sent} sent = {figures.orders_at_broker} at the broker + "
            f"{figures.refused_unplaced} refused + {figures.never_arrived} never arrived",
            is_kept=figures.orders_sent
            == figures.orders_at_broker + figures.refused_unplaced + figures.never_arrived,
        ),
        Check(
            promise="No order doubled",
            evidence=wording.count(figures.duplicates, "duplicate"),
            is_kept=figures.duplicates == 0,
        ),
        Check(
            promise="No position without a stop",
            evidence=wording.count(figures.positions_without_stop, "unprotected position"),
            is_kept=figures.positions_without_stop == 0,
        ),
        Check(
            promise="No order left unknown"
            if figures.unknown_open == 0
            else f"{wording.count(figures.unknown_open, 'order')} of unknown fate at the end",
            evidence=f"{wording.count(round(figures.frozen_minutes), 'market minute')} frozen "
            f"meanwhile, {wording.count(figures.operator_acks, 'order')} settled by the operator",
            is_kept=True if figures.unknown_open == 0 else None,
        ),
        Check(
            promise="Journal verified",
            evidence="the chain of hashes is whole" if figures.journal_verified else "chain broken",
            is_kept=figures.journal_verified,
        ),
        Check(
            promise="Replay identical",
            evidence="the recorded inputs give the same commands"
            if figures.replay_identical
            else "the recorded inputs give other commands",
            is_kept=figures.replay_identical,
        ),
    )
