"""Names of conversations, which come out of an agent's output and go back into an argument."""

import re
import uuid
from typing import Final

from orchestrator.domain.agents import Brief
from orchestrator.domain.errors import AgentUnusable

_SAFE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{3,127}")


def safe_conversation(name: object) -> str | None:
    """Return a name that cannot be read as an option or a path; None for any other."""
    return name if isinstance(name, str) and _SAFE.fullmatch(name) else None


def resumed(brief: Brief) -> str | None:
    """Return the conversation to go on with.

    Raises:
        AgentUnusable: its name could be read as something else than a name.
    """
    if brief.conversation is None:
        return None
    if safe_conversation(brief.conversation) is None:
        raise AgentUnusable(
            f"the conversation of {brief.batch_id} has a name that no agent gives: "
            f"{brief.conversation[:40]!r}; run the batch anew"
        )
    return brief.conversation


def new_session(brief: Brief) -> str:
    """Return the session id of an attempt, the same for the same attempt."""
    return str(uuid.uuid5(uuid.NAMESPACE_OID, brief.attempt_id))
