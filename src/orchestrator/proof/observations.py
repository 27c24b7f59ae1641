"""What looking at one thing gave, before it is bound to a check."""

from dataclasses import dataclass

from orchestrator.domain.proofs import CheckOutcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """The outcome of one look, with its output as evidence."""

    outcome: CheckOutcome
    value: str = ""
    reason: str = ""
    output: bytes = b""


def passed(value: str, output: bytes = b"") -> Observation:
    """Return that a check holds."""
    return Observation(outcome=CheckOutcome.PASS, value=value, output=output)


def failed(reason: str, value: str = "", output: bytes = b"") -> Observation:
    """Return that a check does not hold, and why."""
    return Observation(outcome=CheckOutcome.FAIL, value=value, reason=reason, output=output)


def not_measured(reason: str) -> Observation:
    """Return that a check could not be run here."""
    return Observation(outcome=CheckOutcome.NOT_MEASURED, reason=reason)
