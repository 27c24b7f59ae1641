"""The words written back into the document, in its own language."""

from datetime import UTC, datetime
from typing import Final

from orchestrator.core.state import BatchRecord, RunState
from orchestrator.domain.proofs import CheckOutcome, MetricResult
from orchestrator.domain.verdicts import BatchState

_WORDS: Final = {
    BatchState.PENDING: ("⏳ EN ATTENTE", "⏳ PENDING"),
    BatchState.BLOCKED: ("⛔ BLOQUÉ", "⛔ BLOCKED"),
    BatchState.READY: ("⏳ À DÉMARRER", "⏳ TO START"),
    BatchState.AWAITING_APPROVAL: ("✋ ATTEND UNE APPROBATION", "✋ AWAITS APPROVAL"),
    BatchState.BASELINE: ("🔄 EN COURS", "🔄 RUNNING"),
    BatchState.DISPATCHED: ("🔄 EN COURS", "🔄 RUNNING"),
    BatchState.RUNNING: ("🔄 EN COURS", "🔄 RUNNING"),
    BatchState.REPORTED: ("🔍 RAPPORT REÇU, À VÉRIFIER", "🔍 REPORTED, TO BE CHECKED"),
    BatchState.WAITING_QUOTA: ("⏸ ATTEND LE QUOTA", "⏸ WAITS FOR QUOTA"),
    BatchState.VERIFYING: ("🔍 EN VÉRIFICATION", "🔍 BEING CHECKED"),
    BatchState.REWORK: ("🔁 À REPRENDRE", "🔁 REWORK"),
    BatchState.INTEGRATING: ("🔍 EN INTÉGRATION", "🔍 BEING MERGED"),
    BatchState.CONFLICT: ("⚠️ CONFLIT", "⚠️ CONFLICT"),
    BatchState.DONE: ("✅ TERMINÉ", "✅ DONE"),
    BatchState.DONE_WEAK: ("☑ TERMINÉ, PREUVES FAIBLES", "☑ DONE, WEAK PROOFS"),
    BatchState.PARTIAL: ("⚠️ PARTIEL", "⚠️ PARTIAL"),
    BatchState.FAILED: ("❌ ÉCHEC", "❌ FAILED"),
    BatchState.CANCELLED: ("🚫 ANNULÉ", "🚫 CANCELLED"),
}
_COUNTED: Final = frozenset({BatchState.DONE, BatchState.DONE_WEAK, BatchState.PARTIAL})
_EXPLAINED: Final = frozenset({BatchState.BLOCKED, BatchState.FAILED, BatchState.CONFLICT})


def word_status(record: BatchRecord, language: str) -> str:
    """Return the live status of a batch; the number of proven tasks where it says something."""
    is_french = language == "fr"
    word = _WORDS[record.state][0 if is_french else 1]
    if record.state in _COUNTED:
        count = f"{record.proven}/{len(record.facts)}"
        return f"{word} - {count} {'prouvées' if is_french else 'proven'}"
    if record.state in _EXPLAINED and record.reason:
        return f"{word} - {record.reason}"
    return word


def word_metric(result: MetricResult, language: str, at_ms: int) -> str:
    """Return a status cell: measured value with proof and time, or why there is none."""
    if result.outcome is CheckOutcome.NOT_MEASURED:
        unknown = "non mesuré" if language == "fr" else "not measured"
        return f"❔ {unknown}: {result.reason}"
    proof = f" · {'preuve' if language == 'fr' else 'proof'} {result.evidence[:8]}"
    when = datetime.fromtimestamp(at_ms / 1000, UTC).strftime("%Y-%m-%d %H:%MZ")
    sign = "✅" if result.outcome is CheckOutcome.PASS else "❌"
    said = result.value or result.reason
    if result.outcome is CheckOutcome.FAIL and result.value and result.reason:
        said = f"{result.value}, {result.reason}"
    return f"{sign} {said}{proof if result.evidence else ''} · {when}"


def word_next_action(state: RunState, language: str) -> str:
    """Return what happens next, as the document's last line says it."""
    is_french = language == "fr"
    for record in state.scheduled():
        name, agents = record.plan.id, " + ".join(record.plan.agents)
        if record.state is BatchState.AWAITING_APPROVAL:
            return f"orchestrate approve {name}"
        if record.state is BatchState.READY:
            return f"Distribuer {name} à {agents}" if is_french else f"Hand {name} to {agents}"
        if record.state in {BatchState.FAILED, BatchState.CONFLICT, BatchState.PARTIAL}:
            return f"orchestrate why {name}"
    at_work = [each.plan.id for each in state.batches if each.attempt and not each.commit]
    if at_work:
        return f"Attendre {at_work[0]}" if is_french else f"Wait for {at_work[0]}"
    return "Aucune" if is_french else "None"


def word_digest(record: BatchRecord, language: str) -> str:
    """Return the line about a batch in the central file. Never of the form of a report."""
    attempt = record.attempt
    count = len(attempt.reports) if attempt else 0
    noun = ("rapport" if language == "fr" else "report") + ("" if count == 1 else "s")
    return (
        f"{word_status(record, language)} · {count} {noun} · "
        f".orchestrator/reports/{record.plan.id}.md"
    )
