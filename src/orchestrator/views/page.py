"""A run as one static HTML page; every text in it is escaped, nothing is loaded from anywhere."""

from collections.abc import Sequence
from datetime import UTC, datetime
from html import escape
from pathlib import PurePath
from typing import Final, TypeAlias

from orchestrator.core.state import PROVEN, RunState
from orchestrator.domain.claims import Mark
from orchestrator.domain.events import Recorded
from orchestrator.domain.proofs import CheckOutcome
from orchestrator.views.terminal import describe
from orchestrator.views.timeline import draw_timeline

Rows: TypeAlias = Sequence[Sequence[tuple[str, str]]]
_STYLE: Final = """
:root{--ink:#1c2521;--paper:#fbfbf8;--line:#dcded6;--soft:#6a746e;--good:#18703c;--bad:#b3261e;
--warn:#8a5a00;--work:#8fa7c4}
@media(prefers-color-scheme:dark){:root{--ink:#e4e8e5;--paper:#161a18;--line:#333a36;--soft:#9aa39d;
--good:#6fcf97;--bad:#ff8a80;--warn:#e9b949;--work:#4d6787}}
body{font:15px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:76rem;padding:0 1rem;
color:var(--ink);background:var(--paper)}
h1{margin-bottom:.2rem}h2{margin:2.2rem 0 .4rem;font-size:1.15rem}
p{margin:.2rem 0;color:var(--soft)}
table{border-collapse:collapse;width:100%}
th,td{border-bottom:1px solid var(--line);padding:.35rem .6rem;text-align:left;vertical-align:top}
th{font-weight:600;color:var(--soft)}td{overflow-wrap:anywhere}
td:first-child{white-space:nowrap}
.cards{display:flex;flex-wrap:wrap;gap:.8rem;margin:1.2rem 0}
.cards div{border:1px solid var(--line);border-radius:.5rem;padding:.6rem 1rem;min-width:8rem}
.cards b{display:block;font-size:1.6rem;line-height:1.2}
.pass,.done,.weak,.done_weak{color:var(--good);font-weight:600}
.fail,.failed,.lie,.conflict{color:var(--bad);font-weight:600}
.partial,.blocked,.vacuous,.awaiting_approval{color:var(--warn);font-weight:600}
.none,.not_measured{color:var(--soft)}
.timeline{width:100%;height:auto;font-size:12px}
.timeline text{fill:var(--ink)}.timeline text.tick{fill:var(--soft);text-anchor:middle}
.timeline line{stroke:var(--line)}.timeline .sign{text-anchor:middle;font-size:15px}
.timeline .working{fill:var(--work)}.timeline .held{fill:var(--good)}
.timeline .refuted{fill:var(--bad)}.timeline .claim{fill:var(--ink)}
"""
_KEY: Final = (
    "Each bar is an attempt: blue while the agent works, then green where the checks held, red "
    "where they did not. ◆ a report, ◇ one that was not accepted, ✓ merged."
)


def render_page(state: RunState, events: Sequence[Recorded]) -> str:
    """Return the page: summary, course, batches, attempts, metrics, honesty and all events."""
    timeline = draw_timeline([each.plan.id for each in state.scheduled()], events)
    parts = [
        _cards(state),
        f"<h2>The course</h2>{timeline}<p>{_KEY}</p>" if timeline else "",
        _section(
            "Batches",
            ("batch", "state", "task", "exec", "claim", "proof", "why"),
            _task_rows(state),
        ),
        _section(
            "Attempts",
            ("batch", "attempt", "ended", "claimed", "proven", "what failed first"),
            _attempt_rows(state),
        ),
        _section(
            "Success, measured",
            ("criterion", "target", "status", "value", "why", "evidence"),
            _metric_rows(state),
        ),
        _section(
            "Claimed against verified",
            ("agent", "claimed", "verified", "honesty"),
            _ledger_rows(state),
        ),
        _section(
            "What happened",
            ("", "time (UTC)", "event"),
            [
                (("", str(each.sequence)), ("none", _time(each.at_ms)), ("", describe(each.event)))
                for each in events
            ],
        ),
    ]
    title = f"orchestrate: {state.finished or 'running'}"
    document = PurePath(state.started.document_path).name if state.started else ""
    begun = datetime.fromtimestamp(events[0].at_ms / 1000, UTC) if events else None
    when = f"{document}, begun {begun:%Y-%m-%d %H:%M} UTC" if begun else document
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{escape(title)}</title><style>{_STYLE}</style></head>"
        f"<body><h1>{escape(title)}</h1><p>{escape(when)}</p>{''.join(parts)}</body></html>\n"
    )


def _cards(state: RunState) -> str:
    """Return the figures that say how it went, at a glance."""
    done = sum(1 for each in state.batches if each.commit)
    facts = [fact for record in state.batches for fact in record.facts]
    green = sum(1 for each in state.metrics if each.outcome is CheckOutcome.PASS)
    claimed = sum(each.claimed for each in state.ledger())
    verified = sum(each.verified for each in state.ledger())
    proven = sum(1 for each in facts if each.proof in PROVEN)
    figures = [
        (f"{done} of {len(state.batches)}", "batches merged", done == len(state.batches)),
        (f"{proven} of {len(facts)}", "tasks proven", proven == len(facts)),
        (f"{green} of {len(state.metrics)}", "metrics green", green == len(state.metrics)),
        (f"{verified} of {claimed}", "claims that held", verified == claimed),
        (str(sum(len(each.attempts) for each in state.batches)), "attempts", None),
    ]
    if state.cost_usd:
        figures.append((f"{state.cost_usd:.2f} USD", "said to have cost", None))
    looks = {True: "pass", False: "fail", None: ""}
    return (
        '<div class="cards">'
        + "".join(
            f'<div><b class="{looks[is_good]}">{escape(figure)}</b>{escape(name)}</div>'
            for figure, name, is_good in figures
        )
        + "</div>"
    )


def _task_rows(state: RunState) -> Rows:
    return [
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


def _attempt_rows(state: RunState) -> Rows:
    """Return one row for each attempt, those that were refuted and repeated included."""
    rows: list[Sequence[tuple[str, str]]] = []
    for record in state.scheduled():
        for attempt in record.attempts:
            claims = attempt.reports[-1].claims if attempt.reports else ()
            claimed = sum(1 for each in claims if each.mark is Mark.OK)
            proofs = attempt.verified.proofs if attempt.verified else ()
            proven = sum(1 for each in proofs if each.proof in PROVEN)
            failed = next((each for each in proofs if each.proof not in PROVEN), None)
            why = f"task {failed.ordinal}: {failed.reason}" if failed else ""
            if attempt.verified and attempt.verified.tampering:
                first = attempt.verified.tampering[0]
                why = f"{first.path}: {first.message}"
            ended = attempt.ended.execution.value if attempt.ended else "running"
            rows.append(
                (
                    ("", record.plan.id),
                    ("", str(attempt.planned.attempt)),
                    ("", ended),
                    ("lie" if claimed > proven else "", str(claimed)),
                    ("pass" if proofs and not failed else "fail", str(proven)),
                    ("", why),
                )
            )
    return rows


def _metric_rows(state: RunState) -> Rows:
    return [
        (
            ("", each.criterion),
            ("", each.target),
            (each.outcome.value, each.outcome.value.replace("_", " ")),
            ("", each.value),
            ("", each.reason),
            ("none", each.evidence[:12]),
        )
        for each in state.metrics
    ]


def _ledger_rows(state: RunState) -> Rows:
    return [
        (
            ("", each.agent),
            ("", str(each.claimed)),
            ("pass" if each.verified == each.claimed else "fail", str(each.verified)),
            ("", "-" if each.honesty is None else f"{each.honesty:.0%}"),
        )
        for each in state.ledger()
    ]


def _section(title: str, heads: Sequence[str], rows: Rows) -> str:
    """Return a heading and a table, nothing without rows; cells are (class, text)."""
    if not rows:
        return ""
    head = "".join(f"<th>{escape(each)}</th>" for each in heads)
    body = "".join(
        "<tr>" + "".join(f'<td class="{escape(c)}">{escape(t)}</td>' for c, t in row) + "</tr>"
        for row in rows
    )
    return f"<h2>{escape(title)}</h2><table><tr>{head}</tr>{body}</table>"


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%H:%M:%S")
