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
from orchestrator.domain.errors import AgentUnusable
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


def make_adapter(name: str, environment: Mapping[str, str], clock: Clock) -> Adapter:
    """Return the adapter of that name.

    Raises:
        AgentUnusable: there is none.
    """
    if name not in ADAPTERS:
        known = ", ".join((*ADAPTERS, "command"))
        raise AgentUnusable(f"no adapter is called {name!r}; known are {known}")
    return ADAPTERS[name](environment, clock)
