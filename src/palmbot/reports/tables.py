"""Tables and lists of a demo run as HTML. Every value is escaped here, once."""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from palmbot.domain.units import MS_PER_DAY, TimestampMs
from palmbot.reports import wording
from palmbot.reports.demo_run import DemoRun, MoodUse, ReportedTrade
from palmbot.reports.verdict import Check, list_checks

NONE = "\N{EM DASH}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column of a table."""

    title: str
    is_number: bool = False
    is_wide: bool = False
    """Takes a whole line of the card that a row becomes on a phone."""


def render_table(columns: Sequence[Column], rows: Iterable[Sequence[str]], empty: str) -> str:
    """Return a table whose cells are already HTML, or the sentence `empty` if there is no row.

    Each cell carries the title of its column, because on a phone a row becomes a card.
    """
    body = [_render_row(columns, row) for row in rows]
    if not body:
        return f"<p>{escape(empty)}</p>"
    head = "".join(
        f'<th scope="col"{_class(column)}>{escape(column.title)}</th>' for column in columns
    )
    return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(body)}</tbody></table>"


def render_trades(run: DemoRun) -> str:
    """Return every trade with its reasons, and the position still open, oldest first."""
    columns = (
        Column(title="Trade"),
        Column(title="Entry"),
        Column(title="Volume", is_number=True),
        Column(title="Price in", is_number=True),
        Column(title="Stop", is_number=True),
        Column(title="Target", is_number=True),
        Column(title="Price out", is_number=True),
        Column(title="Held", is_number=True),
        Column(title="Result", is_number=True),
        Column(title="Reasons", is_wide=True),
    )
    rows = [
        _trade_row(number, each, run) for number, each in enumerate(run.trades, start=1)
    ] + _open_rows(run)
    return render_table(columns, rows, "The bot did not trade.")


def render_links(run: DemoRun) -> str:
    """Return every loss of the link with its length and cause."""
    rows = [
        (
            escape(wording.render_time(each.lost_at)),
            escape(_render_end(each.regained_at)),
            escape(_render_length(each.lost_at, each.regained_at)),
            escape(each.reason),
        )
        for each in run.links
    ]
    columns = (
        Column(title="Lost"),
        Column(title="Trading again"),
        Column(title="After", is_number=True),
        Column(title="Reason", is_wide=True),
    )
    return render_table(columns, rows, "The link held from beginning to end.")


def render_breakers(run: DemoRun) -> str:
    """Return every circuit breaker that tripped."""
    rows = [
        (
            escape(each.name),
            escape(wording.render_time(each.tripped_at)),
            escape(_render_end(each.cleared_at)),
            escape(each.reason),
        )
        for each in run.breakers
    ]
    columns = (
        Column(title="Breaker"),
        Column(title="Tripped"),
        Column(title="Cleared"),
        Column(title="Reason", is_wide=True),
    )
    return render_table(columns, rows, "No circuit breaker tripped.")


def render_refusals(run: DemoRun) -> str:
    """Return why signals did not become orders, the most frequent reason first."""
    ranked = sorted(run.refusals, key=lambda each: (-each.count, each.code))
    rows = [
        (escape(f"{each.count:,}"), escape(each.text), f"<code>{escape(each.code)}</code>")
        for each in ranked
    ]
    columns = (
        Column(title="Times", is_number=True),
        Column(title="Reason", is_wide=True),
        Column(title="Code"),
    )
    return render_table(columns, rows, "No signal was refused.")


def render_mood(mood: MoodUse) -> str:
    """Return how the cache and the sources of sentiment fared, and who stood in for whom."""
    rate = NONE if mood.hit_rate is None else wording.render_percent(mood.hit_rate)
    predicted = wording.render_percent(mood.hit_rate_predicted)
    pairs = (
        ("Lookups", f"{mood.lookups:,}"),
        ("Hits", f"{mood.hits:,}"),
        ("Misses", f"{mood.cold_misses:,} cold, {mood.expired_misses:,} expired"),
        ("Failed a moment ago", f"{mood.negative_hits:,}"),
        ("Hit rate", f"{rate} ({predicted} expected without renewal in the background)"),
        ("Served although expired", f"{mood.stale_served:,}"),
        ("Served as unknown", f"{mood.unknown_served:,}"),
        ("Renewals", f"{mood.refreshes:,}"),
        ("Answers not believed", f"{mood.quarantined:,}"),
        ("Signals that met a known mood", f"{mood.known_signals:,} of {mood.signals:,}"),
        ("Signals that mode veto blocks", f"{mood.veto_blocks:,}"),
        ("Signals that mode confirm blocks", f"{mood.confirm_blocks:,}"),
    )
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs
    )
    return (
        "<p>The sources are twins on this machine, their news is invented and follows no price: "
        "this shows that the machinery works, not that sentiment pays.</p>"
        f'<dl class="settings">{cells}</dl>{_render_sources(mood)}{_render_fallbacks(mood)}'
    )


def _render_sources(mood: MoodUse) -> str:
    columns = (
        Column(title="Source"),
        Column(title="Asked", is_number=True),
        Column(title="Answered", is_number=True),
        Column(title="Failures", is_wide=True),
    )
    rows = [
        (
            escape(each.name),
            f"{each.asked:,}",
            f"{each.answered:,}",
            escape(", ".join(f"{count} {_plain(kind)}" for kind, count in each.errors) or "none"),
        )
        for each in mood.sources
    ]
    return render_table(columns, rows, "No source was set up.")


def _render_fallbacks(mood: MoodUse) -> str:
    columns = (
        Column(title="Passed over"),
        Column(title="Asked instead"),
        Column(title="Because of"),
        Column(title="Times", is_number=True),
    )
    rows = [
        (
            escape(each.source),
            escape("nobody" if each.next_source == "none" else each.next_source),
            escape(_plain(each.kind)),
            f"{each.count:,}",
        )
        for each in sorted(mood.fallbacks, key=lambda each: -each.count)
    ]
    hint = (
        '<p class="hint">Nobody is asked instead of a source while its last score is fresh: the '
        "score stays, and no worse one replaces it.</p>"
    )
    return hint + render_table(columns, rows, "The first source always answered.")


def _plain(kind: str) -> str:
    return kind.replace("_", " ")


def render_figures(run: DemoRun) -> str:
    """Return the key figures as a list of large numbers."""
    figures = run.figures
    win_rate = NONE if figures.win_rate is None else wording.render_percent(figures.win_rate)
    shown = (
        ("Net return", wording.render_percent(figures.net_return, is_signed=True)),
        (
            "Profit factor",
            NONE if figures.profit_factor is None else f"{figures.profit_factor:.2f}",
        ),
        ("Win rate", win_rate),
        ("Worst drawdown", wording.render_percent(figures.max_drawdown)),
        ("Trades", f"{figures.trades:,}"),
        ("Reconnects", f"{figures.reconnects:,}"),
    )
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in shown
    )
    return f'<dl class="figures">{cells}</dl>'


def render_checks(run: DemoRun) -> str:
    """Return the promises with a mark each."""
    items = "".join(_render_check(each) for each in list_checks(run.figures))
    return f'<ul class="checks">{items}</ul>'


def render_settings(run: DemoRun) -> str:
    """Return the settings of the run, its seed first."""
    pairs = (("seed", str(run.seed)), ("faults", run.faults), *run.settings)
    cells = "".join(
        f"<div><dt>{escape(name)}</dt><dd>{escape(value)}</dd></div>" for name, value in pairs
    )
    return f'<dl class="settings">{cells}</dl>'


def render_list(sentences: Sequence[str]) -> str:
    """Return sentences as a list."""
    return f"<ul>{''.join(f'<li>{escape(each)}</li>' for each in sentences)}</ul>"


def escape(text: str) -> str:
    """Make text safe between tags and in attributes."""
    return html.escape(text, quote=True)


def _class(column: Column) -> str:
    if column.is_number:
        return ' class="number"'
    return ' class="wide"' if column.is_wide else ""


def _render_row(columns: Sequence[Column], cells: Sequence[str]) -> str:
    inside = "".join(
        f'<td data-title="{escape(column.title)}"{_class(column)}>{cell}</td>'
        for column, cell in zip(columns, cells, strict=True)
    )
    return f"<tr>{inside}</tr>"


def _trade_row(number: int, each: ReportedTrade, run: DemoRun) -> tuple[str, ...]:
    trade = each.trade
    side = wording.render_side(trade.side)
    show = (
        f'<button type="button" data-from="{trade.entry_time}" data-to="{trade.exit_time}"'
        f' title="Show on the chart">{number}</button> <span class="{side}">{side}</span>'
    )
    sign = "win" if trade.profit > 0 else "loss"
    profit = wording.render_money(trade.profit, run.currency, is_signed=True)
    stop = NONE if each.stop_loss is None else wording.render_price(each.stop_loss, run.digits)
    target = (
        NONE if each.take_profit is None else wording.render_price(each.take_profit, run.digits)
    )
    return (
        show,
        escape(wording.render_time(trade.entry_time, is_daily=_is_daily(run))),
        escape(wording.render_volume(trade.volume)),
        escape(wording.render_price(trade.entry_price, run.digits)),
        escape(stop),
        escape(target),
        escape(wording.render_price(trade.exit_price, run.digits)),
        escape(wording.render_span(trade.exit_time - trade.entry_time)),
        f'<span class="{sign}">{escape(profit)}</span>',
        f"{escape(trade.entry_reason)}<br>{escape(trade.exit_reason)}",
    )


def _open_rows(run: DemoRun) -> list[tuple[str, ...]]:
    held = run.open_position
    if held is None:
        return []
    side = wording.render_side(held.side)
    stop = NONE if held.stop_loss is None else wording.render_price(held.stop_loss, run.digits)
    target = (
        NONE if held.take_profit is None else wording.render_price(held.take_profit, run.digits)
    )
    return [
        (
            f'<span class="{side}">{side}</span>',
            escape(wording.render_time(held.opened_at, is_daily=_is_daily(run))),
            escape(wording.render_volume(held.volume)),
            escape(wording.render_price(held.entry_price, run.digits)),
            escape(stop),
            escape(target),
            NONE,
            NONE,
            "open",
            f"{escape(held.entry_reason)}<br>still open at the end, not counted as a trade",
        )
    ]


def _is_daily(run: DemoRun) -> bool:
    return run.bar_period_ms >= MS_PER_DAY


def _render_end(end: TimestampMs | None) -> str:
    return "not before the end" if end is None else wording.render_time(end)


def _render_length(start: int, end: int | None) -> str:
    return NONE if end is None else wording.render_span(end - start)


def _render_check(check: Check) -> str:
    mark, css, word = {
        True: ("\N{CHECK MARK}", "kept", "kept"),
        False: ("\N{BALLOT X}", "broken", "not kept"),
        None: ("\N{BULLET}", "open", "open"),
    }[check.is_kept]
    return (
        f'<li class="{css}"><span class="mark" role="img" aria-label="{word}">{mark}</span>'
        f"<div><strong>{escape(check.promise)}</strong> <small>{escape(check.evidence)}</small>"
        "</div></li>"
    )
