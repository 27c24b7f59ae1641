"""The tables of a run on disk: CSV in UTF-8 with LF, whole or not at all.

`tp`, `sl`, `win_rate` and everything that is a return or a drawdown is in percent; what is
undefined is an empty cell, never `inf` or `nan`.
"""

import csv
import math
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from palmbot.domain.errors import InputInvalid
from palmbot.research.findings import Judged
from palmbot.research.outcome import OptimizeOutcome
from palmbot.research.rules import PERCENT, read_sharpe_of_sums

RESULT_COLUMNS: Final = ("rsi_buy", "rsi_sell", "tp", "sl", "profit_factor", "win_rate")
STATISTIC_COLUMNS: Final = (
    *RESULT_COLUMNS[:4],
    "trades",
    "wins",
    "longs",
    "shorts",
    "gross_profit",
    "gross_loss",
    "expectancy",
    "net_return",
    "max_drawdown",
    "sharpe_daily",
    "ambiguous",
    "gap_exits",
    "trades_over_rolls",
    "open_at_end",
    "pf_double_cost",
    "neighbour_median_pf",
    "is_pf",
    "is_trades",
    "oos_pf",
    "oos_trades",
    "p_value",
    "verdict",
    "reason",
)
FILE_MODE: Final = 0o644


def check_folder(path: Path) -> None:
    """Refuse a place where results cannot be written, before the work for them is done.

    Raises:
        InputInvalid: see `write_results`.
    """
    if path.is_dir():
        raise InputInvalid(f"--output: {path} is a folder; name a file in it.")
    try:
        with tempfile.TemporaryFile(dir=path.parent):
            pass
    except OSError as e:
        raise _refuse(path, e) from e


def write_results(path: Path, outcome: OptimizeOutcome) -> None:
    """Write one row for each combination, in grid order, with exactly the owner's six columns.

    Raises:
        InputInvalid: the place cannot be written; nothing is left under the name.
    """
    table = outcome.stretches.whole
    rows = zip(
        outcome.grid.points(), table.profit_factor.tolist(), table.win_rate.tolist(), strict=True
    )
    _write_lines(
        path,
        RESULT_COLUMNS,
        (
            (*(f"{value:g}" for value in point), _say(factor), _say(rate * PERCENT, 4))
            for point, factor, rate in rows
        ),
    )


def write_statistics(path: Path, outcome: OptimizeOutcome) -> None:
    """Write everything else that is known of each combination, with the same keys and order.

    Raises:
        InputInvalid: the place cannot be written; nothing is left under the name.
    """
    _write_lines(path, STATISTIC_COLUMNS, _tell_rows(outcome))


def _tell_rows(outcome: OptimizeOutcome) -> Iterator[Sequence[str]]:
    whole = outcome.stretches.whole
    held_in, held_out = outcome.stretches.held_in, outcome.stretches.held_out
    judged = Judged(
        grid=outcome.grid,
        stretches=outcome.stretches,
        neighbours=outcome.neighbours,
        evidence=outcome.evidence,
        min_trades=outcome.min_trades,
        target=outcome.target,
    )
    p_value = _say(outcome.evidence.null.p_value)
    columns = zip(
        outcome.grid.points(),
        whole.trades.tolist(),
        whole.wins.tolist(),
        whole.longs.tolist(),
        whole.gross_profit.tolist(),
        whole.gross_loss.tolist(),
        whole.net_return.tolist(),
        whole.max_drawdown.tolist(),
        whole.daily_sum.tolist(),
        whole.daily_squares.tolist(),
        whole.ambiguous.tolist(),
        whole.gap_exits.tolist(),
        whole.over_rolls.tolist(),
        whole.open_at_end.tolist(),
        whole.profit_factor.tolist(),
        outcome.stretches.double_cost.profit_factor.tolist(),
        outcome.neighbours.tolist(),
        held_in.profit_factor.tolist(),
        held_in.trades.tolist(),
        held_out.profit_factor.tolist(),
        held_out.trades.tolist(),
        strict=True,
    )
    for row, (
        point,
        trades,
        wins,
        longs,
        gain,
        loss,
        net,
        drawdown,
        daily_sum,
        daily_squares,
        ambiguous,
        gaps,
        rolls,
        ended,
        factor,
        double,
        neighbours,
        in_factor,
        in_trades,
        out_factor,
        out_trades,
    ) in enumerate(columns):
        kind = reason = ""
        if factor > outcome.target:
            verdict = judged.judge(row)
            kind, reason = verdict.kind.value, verdict.reasons[0]
        sharpe = read_sharpe_of_sums(daily_sum, daily_squares, whole.days)
        yield (
            *(f"{value:g}" for value in point),
            str(trades),
            str(wins),
            str(longs),
            str(trades - longs),
            _say(gain * PERCENT),
            _say(loss * PERCENT),
            _say((gain - loss) / trades * PERCENT if trades else math.nan),
            _say(net * PERCENT),
            _say(drawdown * PERCENT),
            _say(math.nan if sharpe is None else sharpe),
            str(ambiguous),
            str(gaps),
            str(rolls),
            str(ended),
            _say(double),
            _say(neighbours),
            _say(in_factor),
            str(in_trades),
            _say(out_factor),
            str(out_trades),
            p_value,
            kind,
            reason,
        )


def _say(value: float, digits: int = 6) -> str:
    """Return a number in decimals, empty if undefined."""
    return "" if math.isnan(value) else f"{value:.{digits}f}"


def _write_lines(path: Path, header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    draft: Path | None = None
    try:
        with tempfile.NamedTemporaryFile(
            mode="w",
            encoding="utf-8",
            newline="",
            dir=path.parent,
            prefix=f".{path.name}.",
            delete=False,
        ) as file:
            draft = Path(file.name)
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(header)
            writer.writerows(rows)
        draft.chmod(FILE_MODE)
        draft.replace(path)
    except BaseException as e:
        if draft is not None:
            draft.unlink(missing_ok=True)
        if isinstance(e, OSError):
            raise _refuse(path, e) from e
        raise


def _refuse(path: Path, error: OSError) -> InputInvalid:
    return InputInvalid(
        f"--output: {path} cannot be written ({error.strerror or error}); name a file in a folder "
        "that exists and can be written."
    )
