"""The sidecar `acceptance.toml`: everything a run needs that the document does not say."""

from dataclasses import dataclass, field

from orchestrator.domain.checks import Check
from orchestrator.domain.plans import OnFailure


@dataclass(frozen=True, slots=True, kw_only=True)
class BatchAcceptance:
    """What the sidecar says of one batch."""

    checks: tuple[Check, ...] = ()
    requires: tuple[str, ...] = ()
    """Programs that must be on PATH before anything is spent."""
    paths: tuple[str, ...] = ()
    deadline_min: float | None = None
    attempts_max: int | None = None
    adapter: str | None = None
    needs_approval: bool | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricBinding:
    """A row of the success table and the check that measures it."""

    criterion: str
    check: Check | None
    """None: declared as not measurable here."""
    not_measured: str = ""
    """Why there is no check; one sentence."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acceptance:
    """The whole sidecar. The empty one leaves everything to inference."""

    batches: tuple[tuple[str, BatchAcceptance], ...] = ()
    metrics: tuple[MetricBinding, ...] = ()
    path_map: tuple[tuple[str, str], ...] = ()
    """Path or basename in the document, path in the project."""
    protected: tuple[str, ...] = ()
    """Glob patterns, relative to the project, that no agent may change."""
    central_file: str | None = None
    agents_dir: str | None = None
    adapter: str | None = None
    agent_command: tuple[str, ...] = ()
    """Argument vector of the generic adapter: `{prompt_file}`, `{worktree}`, `{attempt_dir}`,
    `{python}` and `{batch}` are replaced, each within its own argument."""
    attempts_max: int = 2
    parallel_max: int = 2
    on_failure: OnFailure = OnFailure.BLOCK
    weak_releases: bool = True
    needs_approval: bool = False
    deadline_min: float = 60.0
    idle_min: float = 15.0
    report_grace_s: float = 60.0
    """How long an agent may go on after its report, before it is ended."""
    budget_usd: float | None = None
    attempts_total_max: int | None = None
    environment: tuple[str, ...] = field(default=())
    """Names of further environment variables that agents may see."""

    def of_batch(self, batch_id: str) -> BatchAcceptance:
        """Return what is said of a batch; the empty value if nothing is."""
        return next((said for name, said in self.batches if name == batch_id), BatchAcceptance())
