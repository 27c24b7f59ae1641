"""A file of bars, judged: `palmbot data check`."""

from pathlib import Path

import numpy as np

from palmbot.domain.units import MS_PER_DAY
from palmbot.pricefiles.bar_reader import ReadOptions, inspect_bars
from palmbot.pricefiles.series import BarSeries, Floats
from palmbot.reports.backtest_run import Curve
from palmbot.reports.data_check import CheckedItem, DataCheck, DataPicture
from palmbot.workbench.curves import thin
from palmbot.workbench.roll_report import list_adjustments

MS_PER_HOUR = 3_600_000
HOURS = 24


def check_file(path: Path, options: ReadOptions) -> DataPicture:
    """Read a file and say everything that is to be known of it.

    Raises:
        InputInvalid: it cannot even be judged; the sentence says where and what to do.
    """
    result = inspect_bars(path, options)
    series, quality = result.series, result.quality
    rolls = series.rolls
    return DataPicture(
        check=DataCheck(
            file=path.name,
            grade=quality.grade.value,
            rows=quality.rows,
            bars=quality.bars,
            start_ms=quality.first_ms,
            end_ms=quality.last_ms,
            period_ms=quality.period_ms,
            zone=quality.zone,
            digits=series.digits,
            has_quotes=series.ask is not None,
            sha256=quality.digest,
            items=tuple(
                CheckedItem(
                    name=item.name,
                    grade=item.grade.value,
                    text=item.text,
                    count=item.count,
                    share=item.share,
                    example_ms=item.example,
                )
                for item in quality.items
            ),
            notes=quality.notes,
            rolls=result.rolls.treatment.value,
            adjusted=list_adjustments(result.rolls),
        ),
        price=thin(series, series.close),
        marks=Curve(
            time_ms=tuple(series.time_ms[rolls].tolist()), value=tuple(series.open[rolls].tolist())
        ),
        hours=_by_hour(series, (series.high - series.low) / series.open * 100),
        spreads=_by_hour(series, series.spread) if series.has_spread else (),
    )


def _by_hour(series: BarSeries, values: Floats) -> tuple[float, ...]:
    """Return the median of each UTC hour, 0 where it has no bar; empty for daily bars."""
    if series.period_ms >= MS_PER_DAY:
        return ()
    hour = series.time_ms // MS_PER_HOUR % HOURS
    return tuple(
        float(np.median(values[hour == each])) if (hour == each).any() else 0.0
        for each in range(HOURS)
    )
