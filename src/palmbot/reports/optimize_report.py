"""The report of a search over a grid: one HTML page that stands alone, its verdict first."""

from collections.abc import Sequence

from palmbot.domain.units import TimestampMs
from palmbot.reports import wording
from palmbot.reports.backtest_report import render_section, render_tiles
from palmbot.reports.backtest_words import render_factor
from palmbot.reports.optimize_charts import (
    make_equity_figure,
    make_heat_figure,
    make_null_figure,
    make_parallel_figure,
    make_walk_figure,
)
from palmbot.reports.optimize_run import (
    Candidate,
    OptimizePicture,
    Scored,
    WalkForwardRun,
)
from palmbot.reports.page import render_page
from palmbot.reports.tables import NONE, Column, escape, render_list, render_table
from palmbot.reports.wording import count

ABOVE_SHOWN_MAX = 40

HEADLINES = {
    "ROBUST": "The result stands up to every test made here.",
    "FRAGILE": "Better than noise, but not in every respect: do not rely on it yet.",
    "NOISE": "Not told apart from luck: the same search does as well on bars without direction.",
}


def render_optimize_report(picture: OptimizePicture) -> str:
    """Return a self-contained HTML page that asks nothing of any server."""
    best = picture.best.point if picture.best is not None else None
    sections = [
        _render_header(picture),
        render_section("chance", "Would noise do the same?", _render_null(picture)),
        render_section("sample", "Best and defaults, seen and unseen", _render_compare(picture)),
    ]
    more = {"null": make_null_figure(picture.null, picture.target)}
    if picture.curves:
        sections.append(
            render_section(
                "equity",
                "Equity of the best and of its neighbours",
                '<div id="curves" class="middle-plot"></div><p class="hint">Right of the dashed '
                "line are bars that the choice of the best did not see.</p>",
            )
        )
        more["curves"] = make_equity_figure(picture)
    if any(run.windows for run in picture.walk_forward):
        sections.append(
            render_section(
                "walk", "Walk-forward: chosen on the past, judged on what came after",
                '<div id="windows" class="middle-plot"></div>'
                + "".join(_render_walk(run) for run in picture.walk_forward),
            )
        )  # fmt: skip
        more["windows"] = make_walk_figure(picture.walk_forward)
    if picture.heat_maps:
        sections += [
            render_section(
                "factors",
                "Profit factor, two parameters at a time",
                '<div id="heat-factor" class="tall-plot"></div><p class="hint">Each cell is the '
                "median over all values of the other two parameters; the frame is the best. A "
                "lone bright cell is luck, a bright region may be more.</p>",
            ),
            render_section(
                "counts",
                "Trades behind it",
                '<div id="heat-trades" class="tall-plot"></div>',
            ),
        ]
        more["heat-factor"] = make_heat_figure(picture.heat_maps, best, "profit_factor")
        more["heat-trades"] = make_heat_figure(picture.heat_maps, best, "trades")
    if picture.rows:
        sections.append(
            render_section(
                "parallel",
                "Every combination",
                '<div id="lines" class="middle-plot"></div>' + _note_sample(picture),
            )
        )
        more["lines"] = make_parallel_figure(picture)
    sections += [
        render_section("above", f"Combinations above {picture.target:g}", _render_above(picture)),
        render_section("settings", "Settings and source", _render_settings(picture)),
    ]
    return render_page(
        title=f"{picture.source}: {picture.verdict}", body="\n".join(sections), more=more
    )


def _render_header(picture: OptimizePicture) -> str:
    best = picture.best
    span = f"{wording.render_date(picture.start_ms)} to {wording.render_date(picture.end_ms)}"
    found = (
        "No combination made enough trades to be judged."
        if best is None
        else f"Best of {count(picture.combinations, 'combination')}: {best.point.render()}, "
        f"profit factor {render_factor(best.in_sample.profit_factor)} on "
        f"{count(best.in_sample.trades, 'trade')} it was chosen by, "
        f"{render_factor(best.out_of_sample.profit_factor)} on "
        f"{count(best.out_of_sample.trades, 'trade')} it had not seen."
    )
    reasons = "".join(
        f"<li>{escape(reason[:1].upper() + reason[1:])}</li>" for reason in picture.reasons
    )
    tone = picture.verdict.lower()
    return (
        '<header><p class="badges"><span>palm-oil-bot search</span>'
        f'<span class="source">{escape(picture.source)}</span><span>{escape(span)}</span>'
        f"<span>{picture.bars:,} bars</span><span>{picture.cost_bp:g} bp a side</span></p>"
        f'<p class="verdict {escape(tone)}">{escape(picture.verdict)}</p>'
        f"<h1>{escape(HEADLINES.get(picture.verdict, picture.verdict))}</h1>"
        f"<p>{escape(found)}</p>"
        f'<ul class="reasons">{reasons}</ul>{_render_tiles(picture)}</header>'
    )


def _render_tiles(picture: OptimizePicture) -> str:
    best = picture.best
    seen = NONE if best is None else render_factor(best.in_sample.profit_factor)
    unseen = NONE if best is None else render_factor(best.out_of_sample.profit_factor)
    walk = next((run for run in picture.walk_forward if run.trades), None)
    return render_tiles(
        (
            ("In sample", seen),
            ("Out of sample", unseen),
            ("Trades, whole file", NONE if best is None else f"{best.whole.trades:,}"),
            ("Chance by noise, p", f"{picture.null.p_value:.3f}"),
            ("Walk-forward", NONE if walk is None else render_factor(walk.profit_factor)),
            (
                f"Above {picture.target:g}",
                f"{picture.above_target:,} of {picture.combinations:,}",
            ),
        )
    )


def _render_null(picture: OptimizePicture) -> str:
    null = picture.null
    flips = len(null.flipped)
    words = (
        f"The same search over the same bars with their directions flipped at random, {flips:,} "
        f"times: in {null.target_share:.0%} of them the best profit factor exceeds "
        f"{picture.target:g}. "
        + (
            "On the real bars no combination qualified."
            if null.statistic is None
            else f"The real one, {null.statistic:.2f}, is reached or beaten with p = "
            f"{null.p_value:.3f}"
            + (
                f"; with the bars in another order, p = {null.shuffle_p_value:.3f}."
                if null.shuffled
                else "."
            )
        )
    )
    return f'<p>{escape(words)}</p><div id="null" class="small-plot"></div>{_render_tests(picture)}'


def _render_tests(picture: OptimizePicture) -> str:
    texts = []
    if picture.pbo is not None:
        texts.append(
            f"Probability of backtest overfitting {picture.pbo:.0%}: how often the best of one "
            "half of the days falls below the median in the other half."
        )
    if picture.sharpe is not None:
        test = picture.sharpe
        texts.append(
            f"Deflated Sharpe {test.value:.2f}: the probability that the best Sharpe ratio of "
            f"{test.trials:,} trials (effectively {test.effective_trials:.1f}) is more than luck."
        )
    return "".join(f'<p class="hint">{escape(text)}</p>' for text in texts)


def _render_compare(picture: OptimizePicture) -> str:
    columns = (
        Column(title="Combination", is_wide=True),
        Column(title="In sample", is_number=True),
        Column(title="Out of sample", is_number=True),
        Column(title="Whole file", is_number=True),
        Column(title="90 % interval", is_number=True),
        Column(title="Double cost", is_number=True),
        Column(title="Neighbours", is_number=True),
        Column(title="Net return", is_number=True),
        Column(title="Drawdown", is_number=True),
    )
    rows = [] if picture.best is None else [_compare_row("Best: ", picture.best)]
    rows.append(_compare_row("Owner's defaults: ", picture.defaults))
    return render_table(columns, rows, "") + (
        '<p class="hint">Profit factor and, after it, the number of trades. In sample is what the '
        "best was chosen by; out of sample are the bars after "
        f"{escape(wording.render_date(picture.split_ms))}.</p>"
    )


def _compare_row(title: str, found: Candidate) -> tuple[str, ...]:
    interval = found.interval
    return (
        escape(title + found.point.render()),
        _score(found.in_sample),
        _score(found.out_of_sample),
        _score(found.whole),
        NONE if interval is None else f"{interval[0]:.2f} to {interval[1]:.2f}",
        _factor(found.double_cost),
        _factor(found.neighbours),
        escape(wording.render_percent(found.net_return, is_signed=True)),
        escape(wording.render_percent(found.max_drawdown)),
    )


def _factor(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def _score(scored: Scored) -> str:
    if scored.trades == 0:
        return "no trade"
    return f"{escape(render_factor(scored.profit_factor))} ({scored.trades:,})"


def _render_walk(run: WalkForwardRun) -> str:
    chosen = {window.point.render() for window in run.windows if window.point is not None}
    share = "" if run.efficiency is None else f", {run.efficiency:.0%} of what the choices showed"
    words = (
        f"{run.name.capitalize()}: {count(len(run.windows), 'window')}, "
        f"{count(len(chosen), 'different choice')}, profit factor "
        f"{render_factor(run.profit_factor)} on {count(run.trades, 'trade')} out of "
        f"sample{share}."
    )
    return f'<p class="hint">{escape(words)}</p>'


def _note_sample(picture: OptimizePicture) -> str:
    if len(picture.rows) >= picture.combinations:
        return ""
    return (
        f'<p class="hint">{len(picture.rows):,} of {picture.combinations:,} combinations, evenly '
        "spread over the grid.</p>"
    )


def _render_above(picture: OptimizePicture) -> str:
    columns = (
        Column(title="Combination", is_wide=True),
        Column(title="Whole file", is_number=True),
        Column(title="In sample", is_number=True),
        Column(title="Out of sample", is_number=True),
        Column(title="Double cost", is_number=True),
        Column(title="Neighbours", is_number=True),
        Column(title="Verdict"),
        Column(title="First reason", is_wide=True),
    )
    rows = [
        (
            escape(each.point.render()),
            _score(each.whole),
            _score(each.in_sample),
            _score(each.out_of_sample),
            _factor(each.double_cost),
            _factor(each.neighbours),
            escape(each.verdict or NONE),
            escape(each.reason),
        )
        for each in picture.above[:ABOVE_SHOWN_MAX]
    ]
    thin = (
        f", {picture.above_target_thin:,} of them with fewer than {picture.min_trades} trades"
        if picture.above_target_thin
        else ""
    )
    words = (
        f"{count(picture.above_target, 'combination')} of {picture.combinations:,} exceed "
        f"{picture.target:g}{thin}. Without any direction in the bars, "
        f"{picture.null.target_share:.0%} of searches have at least one such with enough trades."
    )
    return f"<p>{escape(words)}</p>" + render_table(columns, rows, "None.")


def _render_settings(picture: OptimizePicture) -> str:
    values: Sequence[tuple[str, str]] = (
        ("Combinations", f"{picture.combinations:,}"),
        ("Cost a side", f"{picture.cost_bp:g} bp"),
        ("Breakers", "on" if picture.has_breakers else "off"),
        ("Sentiment", picture.sentiment),
        ("Least trades", str(picture.min_trades)),
        ("Target", f"{picture.target:g}"),
        ("Bars", f"{picture.bars:,} of {wording.render_span(picture.period_ms)}"),
        (
            "Span",
            (
                f"{wording.render_time(TimestampMs(picture.start_ms))} to "
                f"{wording.render_time(TimestampMs(picture.end_ms))} UTC"
            ),
        ),
        ("SHA-256 of the file", picture.sha256),
        ("SHA-256 of the code", picture.code_sha256),
        ("Time", f"{picture.seconds:,.1f} s"),
    )
    inside = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in values
    )
    notes = render_list(picture.notes) if picture.notes else ""
    return f'<dl class="settings">{inside}</dl>{notes}'
