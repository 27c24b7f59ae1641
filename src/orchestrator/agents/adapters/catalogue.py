"""All known agents by name."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Final

from orchestrator.agents.adapters.aider import AiderAdapter
from orchestrator.agents.adapters.amp import AmpAdapter
from orchestrator.agents.adapters.claude_code import ClaudeCodeAdapter
from orchestrator.agents.adapters.codex import CodexAdapter
from orchestrator.agents.adapters.gemini import GeminiAdapter
from orchestrator.agents.adapters.opencode import OpencodeAdapter
from orchestrator.ports import Adapter, Clock

ADAPTERS: Final[Mapping[str, Callable[[Mapping[str, str], Clock], Adapter]]] = MappingProxyType(
    {
        ClaudeCodeAdapter.name: ClaudeCodeAdapter,
        CodexAdapter.name: CodexAdapter,
        GeminiAdapter.name: GeminiAdapter,
        OpencodeAdapter.name: OpencodeAdapter,
        AmpAdapter.name: AmpAdapter,
        AiderAdapter.name: AiderAdapter,
    }
)
"""Name to constructor, in the order in which they are shown."""


def known_adapters(environment: Mapping[str, str], clock: Clock) -> dict[str, Adapter]:
    """Return every known agent by name.

    Args:
        environment: Ours, with `PATH` and `ORCH_INBOX` as agents shall see them. Each adapter
            hands on what its own list allows, its login included, and nothing else.
        clock: For quotas that are free again "in 20 minutes".
    """
    return {name: make(environment, clock) for name, make in ADAPTERS.items()}
