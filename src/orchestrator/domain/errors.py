"""What can go wrong, sorted by what the caller does next.

Expected outcomes, such as a refuted claim or a malformed report, are values with a reason.
"""


class OrchestratorError(Exception):
    """Base of every error a person may read: one sentence that says what, where, what to do."""


class DocumentInvalid(OrchestratorError):
    """A session document cannot be run as it stands; the sentence carries the line."""


class SidecarInvalid(OrchestratorError):
    """`acceptance.toml` cannot be used; the sentence carries the key."""


class InputInvalid(OrchestratorError):
    """A file or an argument cannot be used; the sentence says where and what to do."""


class UsageInvalid(InputInvalid):
    """A command was called in a way that has no meaning; the sentence says how to call it."""


class AgentUnusable(OrchestratorError):
    """An agent command line is missing or not logged in: block the batch, spend nothing."""


class WorktreeFailed(OrchestratorError):
    """Git refused; the batch stops, nothing of the user's checkout was touched."""


class MergeConflict(WorktreeFailed):
    """Two batches changed the same lines; the attempt is kept for a person or another try."""


class FatalError(OrchestratorError):
    """Stop the run, exit with code 3, wake a person."""


class ConfigInvalid(FatalError):
    """A setting is missing, unknown or out of range."""


class LogWriteFailed(FatalError):
    """An event is not on disk; nothing may be started on its account."""


class LogDamaged(FatalError):
    """The event log does not verify or cannot be read by this version."""


class AlreadyRunning(FatalError):
    """Another orchestrator holds this project; the sentence names its process id."""
