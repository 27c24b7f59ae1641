"""What was made of contract rolls, in the words of the reports."""

from palmbot.pricefiles.bar_reader import RollReading
from palmbot.reports.backtest_run import RollAdjustment


def list_adjustments(reading: RollReading) -> tuple[RollAdjustment, ...]:
    """Return the rolls whose jump was taken out, ascending in time."""
    return tuple(
        RollAdjustment(
            time_ms=each.time_ms,
            evidence=each.evidence.value,
            ratio=each.ratio,
            is_estimated=not each.is_given,
        )
        for each in reading.adjustments
    )
