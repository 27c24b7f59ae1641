"""What a backtest proves, in sentences for page and terminal."""

from palmbot.reports import wording
from palmbot.reports.backtest_run import BacktestFigures

TRADES_FEW = 30


def render_judgement(figures: BacktestFigures) -> tuple[str, bool]:
    """Say in one sentence whether to believe the result; the flag tells if it is good news."""
    interval = figures.profit_factor_interval
    if figures.trades == 0:
        return "No trade: there is nothing to believe.", False
    if figures.trades < TRADES_FEW:
        few = wording.count(figures.trades, "trade")
        return f"Not evidence: {few}, which is chance, whatever they earned.", False
    if figures.profit_factor is None or interval is None:
        return "Not evidence: almost no losing trade, so the profit factor is not defined.", False
    low, high = interval
    between = f"90 % of resampled trade lists give {low:.2f} to {high:.2f}"
    if high < 1:
        return f"It loses: profit factor {figures.profit_factor:.2f}, {between}.", False
    if low <= 1:
        return (
            (
                f"Within chance: profit factor {figures.profit_factor:.2f}, {between}, break-even "
                "included."
            ),
            False,
        )
    return (
        (
            "Above break-even beyond chance on this file: profit factor "
            f"{figures.profit_factor:.2f}, {between}. If these settings were chosen on the same "
            "file, only `palmbot optimize` can tell luck from edge."
        ),
        True,
    )


def render_result(figures: BacktestFigures) -> str:
    """Say in one sentence what the trading came to."""
    bars = wording.count(figures.bars, "bar")
    if not figures.trades:
        return f"No trade in {bars} of {figures.source.file}."
    factor = wording.render_profit_factor(figures.profit_factor, has_trades=True)
    return (
        f"{wording.count(figures.trades, 'trade')} in {bars}: profit factor {factor}, "
        f"{wording.render_percent(figures.net_return, is_signed=True)} net, worst drawdown "
        f"{wording.render_percent(figures.max_drawdown)}."
    )


def render_factor(value: float | None) -> str:
    """Write a profit factor short."""
    return "undefined" if value is None else f"{value:.2f}"
