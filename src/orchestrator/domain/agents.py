"""What is known of agent command lines: capabilities, one launch, how it ended."""

from dataclasses import dataclass, field
from enum import StrEnum

from orchestrator.domain.verdicts import Execution


class Tier(StrEnum):
    """How far an adapter has been tested; printed, so that nobody over-reads a green test."""

    NONE = "none"
    CONTRACT = "T0"
    """Against a fake that refuses unknown options and replays recorded event shapes."""
    SCRIPTED_MODEL = "T1"
    """The real program with a scripted model on loopback."""
    LIVE = "T2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """What an agent command line can do for us."""

    has_cost_usd: bool = False
    has_tokens: bool = False
    can_resume: bool = False
    can_preassign_session: bool = False
    has_tool_allowlist: bool = False
    has_sandbox: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Probe:
    """What was found of an agent command line on this machine."""

    adapter: str
    path: str | None
    """None: not installed."""
    version: str | None
    is_version_tested: bool
    capabilities: Capabilities
    tier: Tier
    tier_note: str = ""
    """Why the tests go no further than this tier; empty if only the live test is missing."""
    problem: str
    """Why it cannot be used, one sentence; empty if it can."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Brief:
    """What an adapter needs to build one launch."""

    attempt_id: str
    """ULID; the marker `ORCH_RUN` of every process of this attempt."""
    batch_id: str
    attempt: int
    prompt_file: str
    """Absolute path of the prompt, UTF-8."""
    worktree: str
    """Absolute path; the working directory."""
    attempt_dir: str
    """Absolute path for the adapter's own files; outside of the worktree."""
    agents: tuple[str, ...]
    conversation: str | None = None
    """Conversation to resume in the same worktree; None for a new one."""
    budget_usd: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """One process to start: built from a fixed template, never from text of a document."""

    argv: tuple[str, ...]
    stdin_file: str | None
    """Fed and closed; None means /dev/null."""
    environment: tuple[tuple[str, str], ...] = ()
    """Added to the allow-listed environment."""


class AgentEventKind(StrEnum):
    """What a line of an agent's output means to us."""

    SESSION = "session"
    TEXT = "text"
    TOOL = "tool"
    USAGE = "usage"
    DENIED = "denied"
    ERROR = "error"
    """Not terminal: agents reconnect and go on."""
    FINAL = "final"


@dataclass(frozen=True, slots=True, kw_only=True)
class AgentEvent:
    """One line of an agent's output, understood."""

    kind: AgentEventKind
    text: str = ""
    conversation: str | None = None
    cost_usd: float | None = None
    tokens: int | None = None
    is_error: bool = False
    denied: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """How an attempt ended, judged by its adapter. Says nothing about the work."""

    execution: Execution
    detail: str
    exit_code: int | None = None
    """Negative: ended by that signal. None: unknown."""
    cost_usd: float | None = None
    tokens: int | None = None
    denied: tuple[str, ...] = field(default=())
    conversation: str | None = None
    retry_at_ms: int | None = None
    """For a quota: when it is worth another try, wall clock; None if the agent did not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AttemptSighting:
    """What can be seen of an attempt's process right now, also after a restart of ours."""

    is_started: bool
    is_alive: bool
    """The agent's own process, identified by process id and start time."""
    pid: int | None
    last_activity_ms: int
    """Wall clock of the last byte of output or, if none, of the start."""
    has_final_event: bool
    """The agent's output says that it is done, though the process may live on."""
    ending: Ending | None
    """Set once the process has ended; LOST if it vanished without a trace."""
