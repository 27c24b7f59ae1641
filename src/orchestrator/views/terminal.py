"""The terminal: how a run stands, claimed against verified, and why a batch is where it is."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import assert_never

from rich.console import Group, RenderableType
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from orchestrator.core.state import PROVEN, RunState
from orchestrator.document.vocabulary import clean_line
from orchestrator.domain.batches import Finding, Severity
from orchestrator.domain.events import (
    AttemptEnded,
    AttemptPlanned,
    AttemptQuiet,
    AttemptStarted,
    AttemptVerified,
    BaselineTaken,
    BatchIntegrated,
    DeadlineNear,
    Event,
    IntegrationFailed,
    MetricsMeasured,
    OperatorApproved,
    OperatorCancelled,
    OperatorPaused,
    OperatorResumed,
    PlanChanged,
    Recorded,
    ReportAccepted,
    ReportQuarantined,
    ReportRestored,
    RunFinished,
    RunResumed,
    RunStarted,
    TroubleNoted,
)
from orchestrator.domain.proofs import CheckOutcome, MetricResult, Proof
from orchestrator.domain.verdicts import BatchState, Claim

_SIGNS = {
    CheckOutcome.PASS: "[green]✓[/]",
    CheckOutcome.FAIL: "[red]✗[/]",
    CheckOutcome.NOT_MEASURED: "[dim]?[/]",
}
_PROOF_STYLES = {
    Proof.PASS: "green",
    Proof.WEAK: "green",
    Proof.FAIL: "red",
    Proof.VACUOUS: "yellow",
    Proof.NONE: "dim",
}
_STATE_STYLES = {
    BatchState.DONE: "bold green",
    BatchState.DONE_WEAK: "green",
    BatchState.FAILED: "bold red",
    BatchState.PARTIAL: "yellow",
    BatchState.BLOCKED: "yellow",
    BatchState.CONFLICT: "red",
    BatchState.CANCELLED: "dim",
}
_SEVERITIES = {Severity.ERROR: "red", Severity.WARNING: "yellow", Severity.NOTE: "dim"}


def render_state(state: RunState) -> RenderableType:
    """Return batches and tasks with their three facts apart."""
    table = Table(title=None, expand=False)
    for name in ("batch", "state", "task", "exec", "claim", "proof", "why"):
        table.add_column(name, overflow="fold")
    for record in state.scheduled():
        style = _STATE_STYLES.get(record.state, "")
        for position, fact in enumerate(record.facts):
            is_first = position == 0
            lie = fact.claim is Claim.OK and fact.proof is Proof.FAIL
            table.add_row(
                escape(record.plan.id) if is_first else "",
                Text(record.state.value, style=style) if is_first else "",
                escape(f"{fact.ordinal}. {clean_line(fact.title, 40)}"),
                fact.execution.value,
                Text(fact.claim.value, style="bold red" if lie else ""),
                Text(fact.proof.value, style=_PROOF_STYLES[fact.proof]),
                escape(clean_line(fact.reason or (record.reason if is_first else ""), 70)),
                end_section=position == len(record.facts) - 1,
            )
    return table


def render_metrics(metrics: Sequence[MetricResult]) -> RenderableType:
    """Return the success table, measured."""
    table = Table()
    for name in ("", "criterion", "target", "measured", "why", "proof"):
        table.add_column(name, overflow="fold")
    for each in metrics:
        table.add_row(
            _SIGNS[each.outcome],
            escape(clean_line(each.criterion, 40)),
            escape(clean_line(each.target, 30)),
            escape(clean_line(each.value, 60)),
            escape(clean_line(each.reason, 90)),
            each.evidence[:8],
        )
    return table


def render_ledger(state: RunState) -> RenderableType:
    """Return claimed against verified for each agent."""
    table = Table(title="claimed against verified")
    for name in ("agent", "claimed", "verified", "honesty"):
        table.add_column(name)
    for each in state.ledger():
        rate = "-" if each.honesty is None else f"{each.honesty:.0%}"
        is_short = each.verified < each.claimed
        table.add_row(
            escape(each.agent),
            str(each.claimed),
            Text(str(each.verified), style="red" if is_short else "green"),
            rate,
        )
    return table


def render_run(state: RunState) -> RenderableType:
    """Return everything about a run on one screen."""
    parts: list[RenderableType] = [render_state(state)]
    if state.metrics:
        parts.append(render_metrics(state.metrics))
    if any(each.attempts for each in state.batches):
        parts.append(render_ledger(state))
    if state.finished:
        parts.append(Text(state.finished))
    return Group(*parts)


def render_findings(findings: Sequence[Finding]) -> RenderableType:
    """Return what lint has to say, by line."""
    table = Table()
    for name in ("line", "", "code", "what", "what to do"):
        table.add_column(name, overflow="fold")
    for each in findings:
        table.add_row(
            str(each.line),
            Text(each.severity.value, style=_SEVERITIES[each.severity]),
            each.code,
            escape(clean_line(each.message, 300)),
            escape(clean_line(each.remedy, 200)),
        )
    return table


def render_reasons(batch_id: str, events: Sequence[Recorded]) -> RenderableType:
    """Return each event about one batch with its evidence, oldest first."""
    lines: list[RenderableType] = []
    for recorded in events:
        event = recorded.event
        named = getattr(event, "batch_id", None)
        if named != batch_id and not isinstance(event, RunStarted | RunFinished):
            continue
        lines.append(Text(f"{recorded.sequence:>4} {_time(recorded.at_ms)} {describe(event)}"))
        if isinstance(event, AttemptVerified | BaselineTaken):
            for each in event.results:
                said = each.value or each.reason
                proof = f"  [proof {each.evidence[:8]}]" if each.evidence else ""
                line = f"       {each.outcome.value:<12} {each.check_id}: {said}{proof}"
                lines.append(Text(clean_line(line, 240)))
    lines.append(Text("what a proof printed is in .orchestrator/artifacts", style="dim"))
    return Group(*lines)


def describe(event: Event) -> str:  # noqa: C901, PLR0911, PLR0912 - one line for each event
    """Return an event as one sentence, quoted texts made harmless."""
    match event:
        case RunStarted():
            return f"run {event.run_id} started with {count(len(event.batches), 'batch')}"
        case RunFinished():
            return f"run finished: {event.reason}"
        case BaselineTaken():
            red = sum(1 for each in event.results if each.outcome is not CheckOutcome.PASS)
            return f"{event.batch_id}: {red} of {len(event.results)} checks red before the work"
        case AttemptPlanned():
            return f"{event.batch_id}: attempt {event.attempt} planned"
        case AttemptStarted():
            return f"{event.batch_id}: agent started as process {event.pid}"
        case AttemptQuiet():
            return f"{event.batch_id}: silent for {event.quiet_ms / 1000:.1f} s"
        case ReportAccepted():
            claimed = sum(1 for each in event.report.claims if each.mark.value == "ok")
            return f"{event.batch_id}: {event.report.level} report claims {count(claimed, 'task')}"
        case ReportQuarantined():
            said = f"{event.code}: line {event.line} of {clean_line(event.source, 80)}: "
            tail = f" | propose: {event.corrected}" if event.corrected else ""
            return clean_line(f'{said}"{event.quote}": {event.message}{tail}', 400)
        case AttemptEnded():
            swept = f", {event.orphans_killed} orphans ended" if event.orphans_killed else ""
            return f"{event.batch_id}: {event.execution}: {clean_line(event.detail)}{swept}"
        case AttemptVerified():
            held = sum(1 for each in event.proofs if each.proof in PROVEN)
            said = f"{event.batch_id}: {held} of {len(event.proofs)} tasks proven"
            if event.tampering:
                said += f"; {event.tampering[0].path}: {event.tampering[0].message}"
            return clean_line(said, 300)
        case BatchIntegrated():
            return f"{event.batch_id}: merged as {event.commit[:12]}"
        case IntegrationFailed():
            return clean_line(f"{event.batch_id}: not merged: {event.detail}", 300)
        case TroubleNoted():
            return clean_line(event.message, 300)
        case MetricsMeasured():
            good = sum(1 for each in event.results if each.outcome is CheckOutcome.PASS)
            return f"{good} of {len(event.results)} metrics are green"
        case RunResumed():
            return f"an orchestrator goes on with the run, as process {event.pid}"
        case PlanChanged():
            return f"{event.batch.id}: the document was edited, the plan follows it"
        case DeadlineNear():
            return f"{event.batch_id}: 80 % of the time is used"
        case ReportRestored():
            return f"{event.batch_id}: its line in the central file had vanished and was restored"
        case OperatorApproved():
            return f"{event.batch_id}: approved by a person"
        case OperatorPaused():
            return "a person paused the run: nothing more is handed out"
        case OperatorResumed():
            return "a person lifted the pause"
        case OperatorCancelled():
            return f"a person cancelled {event.batch_id or 'everything'}"
        case _:
            assert_never(event)


def count(number: int, noun: str) -> str:
    """Return a number with its noun: `1 task`, `2 batches`."""
    ending = "es" if noun.endswith("ch") else "s"
    return f"{number} {noun}{'' if number == 1 else ending}"


def _time(at_ms: int) -> str:
    return datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%H:%M:%S.%f")[:-3]
