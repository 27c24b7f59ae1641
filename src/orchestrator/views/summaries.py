"""The state of a run as plain values, for `--json` and for pages."""

from collections.abc import Sequence
from typing import Any

import msgspec

from orchestrator.core.state import RunState
from orchestrator.domain.events import Recorded
from orchestrator.domain.proofs import CheckOutcome, MetricResult

_STATUS = {CheckOutcome.PASS: "pass", CheckOutcome.FAIL: "fail"}


def summarize(state: RunState, events: Sequence[Recorded] = ()) -> dict[str, Any]:
    """Return the whole state as one JSON document.

    `batches[].tasks[]` hold the three facts apart; `metrics[].status` is `pass`, `fail` or
    `not_measured`.
    """
    return {
        "run_id": state.started.run_id if state.started else "",
        "finished": state.finished,
        "is_paused": state.is_paused,
        "batches": [
            {
                "id": record.plan.id,
                "state": record.state.value,
                "reason": record.reason,
                "attempts": len(record.attempts),
                "tasks": [
                    {
                        "ordinal": fact.ordinal,
                        "title": fact.title,
                        "exec": fact.execution.value,
                        "claim": fact.claim.value,
                        "proof": fact.proof.value,
                        "reason": fact.reason,
                    }
                    for fact in record.facts
                ],
            }
            for record in state.batches
        ],
        "metrics": summarize_metrics(state.metrics),
        "ledger": [
            {
                "agent": each.agent,
                "claimed": each.claimed,
                "verified": each.verified,
                "honesty": each.honesty,
            }
            for each in state.ledger()
        ],
        "cost_usd": state.cost_usd,
        "events": [render_event(each) for each in events],
    }


def summarize_metrics(metrics: Sequence[MetricResult]) -> list[dict[str, Any]]:
    """Return the rows of the success table; `status` is `pass`, `fail` or `not_measured`."""
    return [
        {
            "criterion": each.criterion,
            "target": each.target,
            "value": each.value,
            "status": _STATUS.get(each.outcome, "not_measured"),
            "reason": each.reason,
            "evidence": each.evidence,
        }
        for each in metrics
    ]


def render_event(recorded: Recorded) -> dict[str, Any]:
    """Return one event as plain values, its type and place first."""
    return {
        "sequence": recorded.sequence,
        "at_ms": recorded.at_ms,
        "type": type(recorded.event).__name__,
        **msgspec.to_builtins(recorded.event),
    }
