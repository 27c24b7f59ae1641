"""What can go wrong, sorted by what the caller does next.

Expected outcomes, such as a refused signal, are values with a reason and not errors.
"""


class PalmbotError(Exception):
    """Base of every error a person may read: one sentence that says what, where, what to do."""


class TransientError(PalmbotError):
    """Try again with backoff, no trading meanwhile. Never repeats an order."""


class ConnectionLost(TransientError):
    """The connection to the broker is gone; what was in flight has an unknown outcome."""


class RequestTimedOut(TransientError):
    """The broker did not answer in time; for a query: ask again later."""


class SourceUnreachable(TransientError):
    """No whole answer came from a server on the web."""

    def __init__(self, reason: str, *, was_sent: bool) -> None:
        super().__init__(reason)
        self.was_sent = was_sent
        """The request may have reached it, and may be billed."""


class RequestRefused(PalmbotError):
    """The broker understood us and said no. Do not resend the same request."""

    def __init__(self, code: str, reason: str, *, retry_after_s: float | None = None) -> None:
        super().__init__(f"{code}: {reason}" if reason else code)
        self.code = code
        self.reason = reason
        self.retry_after_s = retry_after_s


class ProtocolViolation(PalmbotError):
    """The peer broke the protocol: drop the connection."""


class InputInvalid(PalmbotError):
    """A file or an argument cannot be used; the sentence says where and what to do."""


class FatalError(PalmbotError):
    """Stop trading, exit with code 3, wake a person."""


class ConfigInvalid(FatalError):
    """A setting is missing, unknown or out of range."""


class TokenRefused(ConfigInvalid):
    """The access token is no longer good: renew it, or have a person log in again."""


class AccountUnsuitable(FatalError):
    """The account or contract is of a kind the bot does not serve."""


class JournalWriteFailed(FatalError):
    """An event is not on disk; nothing may be sent on its account."""


class JournalDamaged(FatalError):
    """The journal does not verify, or belongs to another account or environment."""


class BooksDoNotBalance(FatalError):
    """An invariant about money does not hold."""
