"""What the orchestrator asks of the outside, as Protocols.

All methods block; the loop calls what may take long in threads. Adapters translate foreign
exceptions into those of `domain.errors`.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from orchestrator.domain.agents import AgentEvent, AttemptSighting, Brief, Ending, Launch, Probe
from orchestrator.domain.checks import Check
from orchestrator.domain.events import Event, Recorded
from orchestrator.domain.proofs import CheckResult, TamperFinding


class Clock(Protocol):
    """Wall time; nothing else in the project reads it."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970."""


class EventLog(Protocol):
    """The state of a project: an append-only, hash-chained log that several processes share."""

    def append(self, *events: Event) -> tuple[Recorded, ...]:
        """Store durably, all or none, before returning; other writers may have come between.

        Raises:
            LogWriteFailed: nothing was stored; nothing may be started on its account.
        """

    def read(self, after: int = 0) -> tuple[Recorded, ...]:
        """Return the events behind a sequence number, oldest first.

        Raises:
            LogDamaged: a row does not verify or cannot be decoded.
        """


class ArtifactStore(Protocol):
    """Bytes kept under their own SHA-256."""

    def put(self, content: bytes) -> str:
        """Store and return the digest, 64 hex digits."""

    def get(self, digest: str) -> bytes:
        """Return what was stored.

        Raises:
            InputInvalid: nothing is stored under that digest, or it does not match.
        """


class Adapter(Protocol):
    """One agent command line: how it is started and what its output means. Starts nothing."""

    name: str

    def probe(self) -> Probe:
        """Look for the program, its version and its login, without spending anything."""

    def build(self, brief: Brief) -> Launch:
        """Return the process to start, from a fixed template.

        Raises:
            AgentUnusable: the program is missing or cannot do what the brief asks.
        """

    def parse(self, line: bytes) -> AgentEvent | None:
        """Understand one line of standard output; None for what says nothing to us."""

    def classify(
        self, exit_code: int | None, events: Sequence[AgentEvent], stderr_tail: bytes
    ) -> Ending:
        """Judge how a process ended that nobody stopped. Never judges the work."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StopOutcome:
    """What the kill ladder met."""

    ending: Ending
    orphans_killed: int
    orphans_left: int


class AgentRunner(Protocol):
    """Starts, watches and stops agent processes so that they survive a restart of ours.

    An attempt is identified by its directory and its id. A process is started at most once for
    an attempt, however often and from wherever `launch` is called.
    """

    def launch(self, launch: Launch, brief: Brief, *, deadline_ms: int) -> None:
        """Start the process in its own session, unless this attempt has started before.

        Args:
            deadline_ms: Longest life in milliseconds, enforced even if we are killed.

        Raises:
            AgentUnusable: the program cannot be started.
        """

    def look(self, adapter: Adapter, attempt_id: str, attempt_dir: str) -> AttemptSighting:
        """Say how the attempt stands; cheap enough to ask ten times a second."""

    def stop(self, adapter: Adapter, attempt_id: str, attempt_dir: str) -> StopOutcome:
        """Interrupt, terminate, then kill all that carries the marker; return when gone.

        Also sweeps what an ended agent left behind: then the ending is its own.
        """


class Worktrees(Protocol):
    """Git worktrees: one for each batch at work, one for judging, one for merging.

    Never touches the user's own checkout.
    """

    def head(self) -> str:
        """Return the commit that the next batch starts from: the tip of the merged work."""

    def prepare(self, batch_id: str, base_commit: str) -> str:
        """Make the batch's worktree, or return it if it exists; return its absolute path."""

    def commit(
        self,
        worktree: str,
        base_commit: str,
        message: str,
        *,
        keep_out: Sequence[str],
        wanted: Sequence[str] = (),
    ) -> str:
        """Commit all that differs from the base, except the paths to keep out.

        Args:
            worktree: Of a batch, made by `prepare`.
            base_commit: What it started from.
            message: Of the commit.
            keep_out: Paths that stay as they were.
            wanted: Files that belong to the work even if git ignores them.

        Returns:
            The commit; the base commit if nothing changed.

        Raises:
            WorktreeFailed: the worktree cannot be read any more.
        """

    def changed_paths(self, base_commit: str, commit: str) -> tuple[str, ...]:
        """Return the paths that differ between two commits, sorted."""

    def escaping_links(self, checkout: str, paths: Sequence[str]) -> tuple[str, ...]:
        """Return those of the paths that are symbolic links out of the tree, as links resolve."""

    def checkout(self, commit: str, purpose: str) -> str:
        """Make a clean detached checkout and return its absolute path; `discard` it after use."""

    def restore(self, checkout: str, base_commit: str, paths: Sequence[str]) -> None:
        """Put the base commit's version of paths into a checkout; paths new since are removed."""

    def discard(self, checkout: str) -> None:
        """Remove a checkout made by `checkout`."""

    def is_merged(self, commit: str) -> bool:
        """Tell whether a commit is part of the merged work."""

    def integrate(self, commit: str, message: str, judge: Callable[[str], str]) -> str:
        """Merge into the integration branch if the judge has no objection.

        Args:
            judge: Called with the path of the merged tree; an empty answer accepts, any other
                text is the reason for refusal.

        Returns:
            The new tip. A commit that is merged already gives the present tip.

        Raises:
            MergeConflict: the merge failed; the branch stands where it stood.
            WorktreeFailed: the judge refused, or git did; likewise.
        """

    def archive(self, worktree: str, target: str) -> None:
        """Keep what a worktree holds beyond the merged work as a patch file, then remove it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """All that one tree showed."""

    results: tuple[CheckResult, ...]
    tampering: tuple[TamperFinding, ...] = ()


class Prover(Protocol):
    """Runs checks in a tree that no agent can reach, and keeps their output as evidence."""

    def run(self, checks: Sequence[Check], root: str, changed: Sequence[str] | None) -> Judgement:
        """Run checks in order; a check that cannot run is NOT_MEASURED with the reason.

        Args:
            root: Absolute path of the tree.
            changed: Paths that differ from the base commit; None before any work was done.
        """


class Project(Protocol):
    """The files of a project that people, agents and we share."""

    def read_document(self) -> bytes:
        """Return the session document.

        Raises:
            InputInvalid: it is missing, too large or no regular file.
        """

    def write_document(self, content: bytes, expected: bytes) -> bool:
        """Replace the session document unless it has changed; return whether it was replaced."""

    def read_central(self, worktree: str | None) -> bytes | None:
        """Return the central file of the project, or of a worktree; None if it is as last read.

        Raises:
            InputInvalid: too large or no regular file.
        """

    def read_inbox(self) -> tuple[tuple[str, bytes | None], ...]:
        """Return the spooled reports with their names; each is complete, or None if too large."""

    def release(self, name: str) -> None:
        """Drop a spooled report whose event is stored."""

    def write_digests(self, section: str, digests: Mapping[str, str]) -> bool:
        """Bring our lines in the central file up to date; return whether one had to change.

        Raises:
            InputInvalid: the file cannot be read, or another program writes it all the time.
        """

    def keep_report(self, batch_id: str, text: str) -> None:
        """Write the full report of a batch for people to read."""

    def attempt_dir(self, batch_id: str, attempt: int, attempt_id: str) -> str:
        """Make the folder of an attempt and return its absolute path."""

    def write_prompt(self, attempt_dir: str, prompt: str) -> str:
        """Write the prompt of an attempt and return its absolute path."""

    def last_change_ms(self, worktree: str) -> int:
        """Return when the newest file of a worktree was written, wall clock."""
