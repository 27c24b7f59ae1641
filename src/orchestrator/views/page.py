"""A run as one static HTML page; every text in it is escaped, nothing is loaded from anywhere."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from html import escape
from typing import Final

from orchestrator.core.state import RunState
from orchestrator.domain.events import Recorded
from orchestrator.views.terminal import describe

_STYLE: Final = """
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem;
color:#1c2521;background:#fbfbf8}
table{border-collapse:collapse;width:100%;margin:.5rem 0 2rem}
th,td{border-bottom:1px solid #dcded6;padding:.35rem .6rem;text-align:left;vertical-align:top}
th{font-weight:600;color:#5b655f}td{overflow-wrap:anywhere}
.pass,.done,.weak,.done_weak{color:#18703c;font-weight:600}
.fail,.failed,.lie,.conflict{color:#b3261e;font-weight:600}
.partial,.blocked,.vacuous,.awaiting_approval{color:#8a5a00;font-weight:600}
.none,.not_measured,time{color:#77807a}
@media(prefers-color-scheme:dark){body{color:#e4e8e5;background:#161a18}
th,td{border-color:#333a36}th{color:#9aa39d}
.pass,.done,.weak,.done_weak{color:#6fcf97}.fail,.failed,.lie{color:#ff8a80}
.partial,.blocked,.vacuous{color:#e9b949}}
"""


def render_page(state: RunState, events: Sequence[Recorded]) -> str:
    """Return the page: batches, metrics, claimed against verified, and all that happened."""
    tasks = [
        (
            ("", record.plan.id if position == 0 else ""),
            (record.state.value, record.state.value if position == 0 else ""),
            ("", f"{fact.ordinal}. {fact.title}"),
            ("", fact.execution.value),
            ("lie" if (fact.claim, fact.proof) == ("ok", "fail") else "", fact.claim.value),
            (fact.proof.value, fact.proof.value),
            ("", fact.reason or (record.reason if position == 0 else "")),
        )
        for record in state.scheduled()
        for position, fact in enumerate(record.facts)
    ]
    metrics = [
        (
            ("", each.criterion),
            ("", each.target),
            (each.outcome.value, each.outcome.value.replace("_", " ")),
            ("", each.value),
            ("", each.reason),
            ("", each.evidence[:12]),
        )
        for each in state.metrics
    ]
    ledger = [
        (
            ("", each.agent),
            ("", str(each.claimed)),
            ("pass" if each.verified == each.claimed else "fail", str(each.verified)),
            ("", "-" if each.honesty is None else f"{each.honesty:.0%}"),
        )
        for each in state.ledger()
    ]
    log = [
        (("", str(each.sequence)), ("none", _time(each.at_ms)), ("", describe(each.event)))
        for each in events
    ]
    parts = [
        _section("Batches", ("batch", "state", "task", "exec", "claim", "proof", "why"), tasks),
        _section(
            "Success, measured",
            ("criterion", "target", "status", "value", "why", "evidence"),
            metrics,
        ),
        _section("Claimed against verified", ("agent", "claimed", "verified", "honesty"), ledger),
        _section("What happened", ("", "time", "event"), log),
    ]
    title = f"orchestrate: {state.finished or 'running'}"
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1>{''.join(parts)}</body></html>\n"
    )


def _section(title: str, heads: Sequence[str], rows: Iterable[Sequence[tuple[str, str]]]) -> str:
    """Return a heading and a table; cells are (class, text)."""
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join(
        "<tr>" + "".join(f'<td class="{escape(c)}">{escape(t)}</td>' for c, t in row) + "</tr>"
        for row in rows
    )
    return f"<h2>{escape(title)}</h2><table><tr>{head}</tr>{body}</table>"


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%H:%M:%S")
