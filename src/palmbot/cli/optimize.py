"""`palmbot optimize`: a grid of combinations on one price file, and whether to believe the best."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, Literal

from cyclopts import Parameter
from rich import box
from rich.progress import (
    BarColumn,
    Progress,
    SpinnerColumn,
    TaskProgressColumn,
    TextColumn,
    TimeRemainingColumn,
)
from rich.table import Table

from palmbot.cli.output import (
    EXIT_DONE,
    EXIT_INTERRUPTED,
    EXIT_REFUSED,
    print_json,
    report_error,
    stderr,
    stdout,
)
from palmbot.core.params import SentimentMode
from palmbot.domain.errors import InputInvalid
from palmbot.pricefiles.bar_reader import ReadOptions
from palmbot.pricefiles.roll_adjustment import RollTreatment
from palmbot.reports.optimize_report import render_optimize_report
from palmbot.reports.page_file import check_place, write_page
from palmbot.research.grid import make_grid
from palmbot.research.optimize import OptimizeSettings, Stage
from palmbot.research.outcome import (
    ABOVE_LISTED_MAX,
    Evidence,
    Finding,
    OptimizeOutcome,
    Score,
    VerdictKind,
    WalkForward,
)
from palmbot.research.rules import CostModel
from palmbot.research.sweep import SweepOptions
from palmbot.workbench.optimize import OptimizePlan, OptimizeResult, run_optimize
from palmbot.workbench.optimize_picture import make_optimize_picture
from palmbot.workbench.roll_report import list_adjustments

LISTED_MAX = 12
"""Combinations above the target in the table for people; the files hold all."""
STYLES = {
    VerdictKind.ROBUST: "bold green",
    VerdictKind.FRAGILE: "bold yellow",
    VerdictKind.NOISE: "bold red",
}


def optimize(  # noqa: PLR0913  (options of one command)
    file: Path,
    *,
    rsi_buy: str = "20:35:5",
    rsi_sell: str = "65:80:5",
    tp: str = "1.5:3:0.5",
    sl: str = "1:2:0.5",
    cost_bp: float = 5.0,
    period_rsi: int = 14,
    breakers: Literal["on", "off"] = "off",
    sentiment: Path | None = None,
    sentiment_mode: Literal["veto", "confirm"] = "veto",
    min_trades: int = 30,
    target: float = 1.5,
    in_sample: float = 0.7,
    resamples: int = 200,
    seed: int = 0,
    output: Path = Path("backtest_results.csv"),
    engine: Literal["local", "dask"] = "local",
    address: str | None = None,
    workers: int | None = None,
    require: Literal["found", "robust"] | None = None,
    zone: str = "UTC",
    accept_bad_bars: bool = False,
    rolls: Literal["flag", "adjust"] = "flag",
    roll_calendar: Path | None = None,
    report: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Try every combination of a grid on a price file, and say whether the best is more than luck.

    Writes the owner's table, and `backtest_statistics.csv` with everything else beside it. The
    best is chosen on the first part of the file alone. The verdict holds it against the same
    search on bars without direction, against bars it did not see, its neighbours and double cost.
    A run that was broken off goes on where it stopped.

    Example: `palmbot optimize gold.parquet --cost-bp 3 --output gold.csv`

    Args:
        file: Bars, CSV or Parquet.
        rsi_buy: Buy below, as first:last:step, a list 20,25,30 or one value.
        rsi_sell: Sell above.
        tp: Target, percent of the entry.
        sl: Stop, percent of the entry.
        cost_bp: Cost of each side, basis points of the price; the spread of the file comes on top.
        period_rsi: Closes in one RSI window.
        breakers: Circuit breakers as in live trading, on an account of 100,000 that risks 1 per
            cent a trade; slower, and the resamples have them too.
        sentiment: What a bot recorded, or a CSV with time_ms, score, confidence, domains,
            has_driver; each score counts from when it was known. Resamples keep the hours of it.
        sentiment_mode: What a score may do to a signal.
        min_trades: Combinations with fewer are never called the best.
        target: Profit factor hoped for.
        in_sample: Share of the bars on which the best is chosen.
        resamples: Searches on bars without direction, and again on shuffled ones; at least 200.
        seed: Chooses the resamples.
        output: Where the table goes.
        engine: Threads of this process, or a Dask cluster.
        address: Of a Dask scheduler, as in tcp://host:8786; without it a cluster on this machine.
        workers: Threads, or processes of a cluster on this machine; one for each core.
        require: Exit code 1 unless something exceeds the target, or the verdict is ROBUST.
        zone: Time zone of times that carry none.
        accept_bad_bars: Leave bad bars out, counted, instead of refusing the file.
        rolls: What to do where a contract changes: count its trades apart, or multiply earlier
            prices so that the jump is gone.
        roll_calendar: CSV of known rolls: date, and the new price over the old one if known.
        report: Where a page with the pictures goes.
        as_json: Print one JSON document.
    """
    if report is not None:
        check_place(report)
    if period_rsi < 2:  # noqa: PLR2004 - with one bar the RSI is 0 or 100
        raise InputInvalid(f"--period-rsi: need at least 2, was {period_rsi}; change it.")
    try:
        costs = CostModel(cost_bp=cost_bp)
    except ValueError as e:
        raise InputInvalid(f"--cost-bp: {e}; change it.") from e
    plan = OptimizePlan(
        data=file,
        reading=ReadOptions(
            zone=zone,
            drops_bad_bars=accept_bad_bars,
            rolls=RollTreatment(rolls),
            roll_calendar=roll_calendar,
        ),
        settings=OptimizeSettings(
            grid=make_grid(rsi_buy, rsi_sell, tp, sl),
            options=SweepOptions(costs=costs, rsi_period=period_rsi, has_breakers=breakers == "on"),
            min_trades=min_trades,
            target=target,
            in_sample=in_sample,
            resamples=resamples,
            seed=seed,
        ),
        sentiment=sentiment,
        sentiment_mode=SentimentMode(sentiment_mode),
        output=output,
        uses_dask=engine == "dask",
        address=address,
        workers=workers,
    )
    try:
        with _show_progress() as tell:
            result = run_optimize(plan, tell)
    except KeyboardInterrupt:
        report_error("interrupted; the same command goes on where this one stopped")
        return EXIT_INTERRUPTED
    if report is not None:
        notes = (*result.rolls.notes, *list_off_rolls(result))
        picture = make_optimize_picture(result.outcome, notes)
        write_page(report, render_optimize_report(picture))
    if as_json:
        print_json(render_document(result))
    else:
        _print_result(plan, result)
        if report is not None:
            stdout.print(f"Report:     {report}", soft_wrap=True)
    return EXIT_DONE if _is_met(require, result.outcome) else EXIT_REFUSED


def _is_met(require: Literal["found", "robust"] | None, outcome: OptimizeOutcome) -> bool:
    if require == "found":
        return outcome.above_target > outcome.above_target_thin
    if require == "robust":
        return outcome.verdict.kind is VerdictKind.ROBUST
    return True


def render_document(result: OptimizeResult) -> dict[str, Any]:
    """Return the JSON of a run; returns, drawdowns and win rates are fractions."""
    outcome = result.outcome
    evidence = outcome.evidence
    best, defaults = result.best_off_rolls, result.defaults_off_rolls
    return {
        "source": outcome.source,
        "sha256": outcome.digest,
        "code_sha256": outcome.code_digest,
        "settings": outcome.settings_text,
        "breakers": outcome.has_breakers,
        "sentiment": outcome.sentiment,
        "warnings": list(result.warnings),
        "rolls": {
            "treatment": result.rolls.treatment.value,
            "adjusted": [asdict(each) for each in list_adjustments(result.rolls)],
            "best_without": None if best is None else asdict(best),
            "defaults_without": None if defaults is None else asdict(defaults),
        },
        "bars": outcome.bars,
        "combinations": outcome.grid.size,
        "target": outcome.target,
        "above_target": outcome.above_target,
        "above_target_with_enough_trades": outcome.above_target - outcome.above_target_thin,
        "best": None if outcome.best is None else render_finding(outcome.best),
        "defaults": render_finding(outcome.defaults),
        "above": [render_finding(each) for each in outcome.above],
        "verdict": outcome.verdict.kind.value,
        "reasons": list(outcome.verdict.reasons),
        "null_p_value": evidence.null.p_value,
        "null_statistic": evidence.null.statistic,
        "null_resamples": evidence.null.flipped.size,
        "null_share_above_target": evidence.null.target_share,
        "shuffle_p_value": evidence.null.shuffle_p_value,
        "walk_forward": {
            "anchored": _render_forward(evidence.walk_forward[0], outcome),
            "rolling": _render_forward(evidence.walk_forward[1], outcome),
        },
        "pbo": evidence.pbo,
        "deflated_sharpe": None
        if evidence.deflated_sharpe is None
        else evidence.deflated_sharpe.value,
        "deflated_sharpe_details": None
        if evidence.deflated_sharpe is None
        else asdict(evidence.deflated_sharpe),
        "seconds": outcome.seconds,
    }


def render_finding(finding: Finding) -> dict[str, Any]:
    """Return one combination as JSON."""
    verdict = finding.verdict
    return {
        "rsi_buy": finding.point.rsi_buy,
        "rsi_sell": finding.point.rsi_sell,
        "tp": finding.point.take_profit,
        "sl": finding.point.stop_loss,
        "profit_factor": finding.whole.profit_factor,
        "trades": finding.whole.trades,
        "win_rate": finding.whole.win_rate,
        "interval_90": finding.interval,
        "in_sample": asdict(finding.in_sample),
        "out_of_sample": asdict(finding.out_of_sample),
        "double_cost_profit_factor": finding.double_cost,
        "neighbour_median_profit_factor": finding.neighbours,
        "net_return": finding.net_return,
        "max_drawdown": finding.max_drawdown,
        "sharpe": finding.sharpe,
        "ambiguous": finding.ambiguous,
        "gap_exits": finding.gap_exits,
        "trades_over_rolls": finding.over_rolls,
        "noise_chance": finding.noise_chance,
        "verdict": None if verdict is None else verdict.kind.value,
        "reasons": [] if verdict is None else list(verdict.reasons),
    }


def _render_forward(forward: WalkForward, outcome: OptimizeOutcome) -> dict[str, Any]:
    times = outcome.time_ms
    return {
        "profit_factor": forward.profit_factor,
        "trades": forward.trades,
        "efficiency": forward.efficiency,
        "folds": [
            {
                "train_from_ms": int(times[fold.train_start]),
                "test_from_ms": int(times[fold.test_start]),
                "test_to_ms": int(times[fold.test_stop - 1]),
                "point": None if fold.point is None else fold.point._asdict(),
                "train": None if fold.train is None else asdict(fold.train),
                "test": None if fold.test is None else asdict(fold.test),
            }
            for fold in forward.folds
        ],
    }


def _print_result(plan: OptimizePlan, result: OptimizeResult) -> None:
    outcome = result.outcome
    for warning in result.warnings:
        stderr.print(f"[yellow]warning:[/] {warning}", highlight=False, soft_wrap=True)
    if result.is_resumed:
        stderr.print("Went on with the finished part of an earlier run.", soft_wrap=True)
    stdout.print(render_verdict(outcome), soft_wrap=True, highlight=False)
    stdout.print(render_findings(outcome))
    stdout.print(_tell_count(outcome), soft_wrap=True, highlight=False)
    breakers = "on" if outcome.has_breakers else "off"
    stdout.print(
        f"Breakers {breakers}, sentiment {outcome.sentiment}.", soft_wrap=True, highlight=False
    )
    stdout.print(render_evidence(outcome.evidence, outcome))
    for sentence in list_off_rolls(result):
        stdout.print(sentence, soft_wrap=True, highlight=False)
    stdout.print(f"Results:    {plan.output}", soft_wrap=True)
    stdout.print(f"Statistics: {plan.statistics}", soft_wrap=True)


def render_verdict(outcome: OptimizeOutcome) -> str:
    """Return the verdict and its reasons, in rich markup."""
    verdict = outcome.verdict
    best = outcome.best
    figures = ""
    if best is not None:
        figures = (
            f"  best in-sample: {_say_point(best)}, profit factor {_say(best.whole.profit_factor)} "
            f"in {best.whole.trades} trades on the whole file"
        )
    reasons = "".join(f"\n  - {reason}" for reason in verdict.reasons)
    return f"[{STYLES[verdict.kind]}]{verdict.kind}[/]{figures}{reasons}"


def render_findings(outcome: OptimizeOutcome) -> Table:
    """Return best, defaults and the combinations above the target, side by side."""
    table = Table(
        title=f"{outcome.source}: {outcome.bars:,} bars, {outcome.grid.size:,} combinations",
        box=box.SIMPLE_HEAD,
        padding=(0, 1, 0, 0),
    )
    for name in ("", "buy/sell tp/sl", "PF", "trades", "in-sample", "held out", "luck", "verdict"):
        is_text = name in {"", "verdict"}
        table.add_column(name, justify="left" if is_text else "right", no_wrap=True)
    rows = [] if outcome.best is None else [("best", outcome.best)]
    rows.append(("defaults", outcome.defaults))
    rows.extend((f"{number}.", each) for number, each in enumerate(outcome.above[:LISTED_MAX], 1))
    for name, finding in rows:
        verdict = "" if finding.verdict is None else finding.verdict.kind.value
        table.add_row(
            name,
            _say_point(finding),
            _say(finding.whole.profit_factor),
            str(finding.whole.trades),
            _say_score(finding.in_sample),
            _say_score(finding.out_of_sample),
            f"{finding.noise_chance:.0%}",
            verdict,
        )
    return table


def _tell_count(outcome: OptimizeOutcome) -> str:
    """Say how many combinations reach the target, and how often luck does the same."""
    count, thin = outcome.above_target, outcome.above_target_thin
    null = outcome.evidence.null
    luck = (
        f"Bars without direction exceed it in {null.target_share:.0%} of {null.flipped.size} "
        "resamples, with enough trades."
    )
    if count == 0:
        return f"No combination exceeds a profit factor of {outcome.target:g}. {luck}"
    hidden = ""
    if count > LISTED_MAX:
        more = "" if count <= ABOVE_LISTED_MAX else f" ({ABOVE_LISTED_MAX} of them in --json)"
        hidden = f"; the first {LISTED_MAX} are listed, all are in the files{more}"
    noun = "combination exceeds" if count == 1 else "combinations exceed"
    few = f", {thin} of them with fewer than {outcome.min_trades} trades" if thin else ""
    return (
        f"{count:,} {noun} a profit factor of {outcome.target:g}{few}{hidden}. {luck} "
        "The column luck: how often the best of such bars reaches that profit factor."
    )


def list_off_rolls(result: OptimizeResult) -> tuple[str, ...]:
    """Say what is left of the best and of the defaults without their trades over a roll."""
    named = (
        ("The best", result.outcome.best, result.best_off_rolls),
        ("The defaults", result.outcome.defaults, result.defaults_off_rolls),
    )
    return tuple(
        f"{name} on the whole file: profit factor (trades) {_say_score(finding.whole)}; without "
        f"the {finding.over_rolls} over a suspected change of contract {_say_score(left)}."
        for name, finding, left in named
        if finding is not None and left is not None
    )


def render_evidence(evidence: Evidence, outcome: OptimizeOutcome) -> Table:
    """Return what else was asked of the search."""
    table = Table(
        title="What speaks for and against", show_header=False, box=box.SIMPLE, padding=(0, 1, 0, 0)
    )
    table.add_column(style="dim", no_wrap=True)
    table.add_column()
    null = evidence.null
    table.add_row(
        "flipped bars",
        f"p {null.p_value:.3f}: best of the grid {_say(null.statistic)}, of flipped bars "
        f"{_median(null.flipped):.2f} in the median",
    )
    table.add_row(
        "shuffled bars", f"p {null.shuffle_p_value:.3f} (a low p above and a high one here: drift)"
    )
    for forward in evidence.walk_forward:
        table.add_row(
            f"walk-forward, {'anchored' if forward.is_anchored else 'rolling'}",
            f"profit factor {_say(forward.profit_factor)} out of sample in {forward.trades} trades "
            f"of {len(forward.folds)} windows; {_say(forward.efficiency)} of that in-sample",
        )
    pbo = "undefined" if evidence.pbo is None else f"{evidence.pbo:.0%}"
    table.add_row("overfitting (PBO)", f"{pbo}; noise gives about 50 %")
    deflated = evidence.deflated_sharpe
    if deflated is not None:
        table.add_row(
            "deflated Sharpe ratio",
            f"{deflated.value:.2f} with {deflated.effective_trials:.1f} effective trials, "
            f"{deflated.value_all_trials:.2f} with all {deflated.trials:,}",
        )
    best = outcome.best
    if best is not None:
        table.add_row(
            "best, whole file",
            f"net {best.net_return:+.1%}, drawdown {best.max_drawdown:.1%}, neighbours "
            f"{_say(best.neighbours)}, {best.gap_exits} gap exits, {best.ambiguous} ambiguous, "
            f"{best.over_rolls} over rolls",
        )
        if best.interval is not None:
            low, high = best.interval
            table.add_row("  profit factor", f"{low:.2f} to {high:.2f} in 90 % of redrawn trades")
    return table


def _median(values: Any) -> float:  # noqa: ANN401 - an array, whose library only research loads
    return float(values[len(values) // 2])


def _say(factor: float | None) -> str:
    return "-" if factor is None else f"{factor:.2f}"


def _say_score(score: Score) -> str:
    return f"{_say(score.profit_factor)} ({score.trades})"


def _say_point(finding: Finding) -> str:
    point = finding.point
    return f"{point.rsi_buy:g}/{point.rsi_sell:g} {point.take_profit:g}/{point.stop_loss:g}"


@contextmanager
def _show_progress() -> Iterator[Callable[[Stage], None]]:
    """Show a bar with the time left on stderr; without a terminal a line for each tenth."""
    if not stderr.is_terminal:
        yield _tell_in_lines()
        return
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
        console=stderr,
        transient=True,
    ) as bar:
        task = bar.add_task("reading", total=1.0)
        yield lambda stage: bar.update(task, description=stage.text, completed=stage.fraction)


def _tell_in_lines() -> Callable[[Stage], None]:
    told: tuple[str, int] = ("", 0)

    def tell(stage: Stage) -> None:
        nonlocal told
        now = (stage.text, int(stage.fraction * 10))
        if now != told:
            told = now
            stderr.print(f"{stage.fraction:4.0%}  {stage.text}", soft_wrap=True, highlight=False)

    return tell
