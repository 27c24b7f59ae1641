"""Keeps the pair of tokens alive: one refresher at a time, stored before use, told when it ages.

A renewal has three steps, and a crash between any two of them is survived:

    begin   takes the lock, reads the file again, leaves a note that a renewal is under way
    (the broker makes a new pair; the old one dies with that)
    keep    puts the new pair under the final name, then takes the note away and the lock back

A new file that is complete but not in its place yet is found by the next start. Only between the
broker's step and the end of that file can both pairs be lost, and no client can close that gap. The
note tells the next start about it, so that the person who has to log in again learns why.
"""

import fcntl
import os
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Final

from palmbot.adapters.token_file import TokenFile
from palmbot.ctrader.session import Credentials
from palmbot.ctrader.tokens import RenewedTokens
from palmbot.domain.commands import RaiseAlarm, Severity
from palmbot.domain.errors import ConfigInvalid, ConnectionLost, PalmbotError, TokenRefused
from palmbot.domain.events import TokenChecked
from palmbot.domain.secret import Secret
from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE, MS_PER_SECOND, TimestampMs
from palmbot.ports import UNKNOWN_TIME, Clock, EventSink, Tokens

LIVES_LEFT: Final = 5
"""Renewed when a fifth of the life is left: most of a week for whatever may go wrong."""
DUE_MS: Final = 3 * MS_PER_DAY
RETRY_MS: Final = 15 * MS_PER_MINUTE
"""Between two attempts that fail while the pair at hand still lives."""
TELL_MS: Final = 60 * MS_PER_MINUTE
"""Between two words to the core about the age, while nothing happens."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenSource:
    """Where a bot's pair of tokens comes from."""

    store: TokenFile
    seed: Tokens | None
    """A pair from `.env`, used until the file is there."""


@dataclass(slots=True)
class _Attempt:
    """A renewal under way: the lock is held."""

    descriptor: int
    pair: Tokens


class TokenKeeper:
    """The pair of one account's owner in one environment, for one process.

    Several processes may share the file. Each reads it anew at every connection; the lock
    decides who renews, and whoever comes second finds the new pair already there.
    """

    def __init__(
        self,
        source: TokenSource,
        *,
        clock: Clock,
        can_renew: bool,
        raise_alarm: Callable[[RaiseAlarm], None],
        sink: EventSink | None = None,
    ) -> None:
        """Read nothing yet.

        Args:
            source: The pair; the age of a seed is not known, so it is renewed at once.
            can_renew: False for one who only looks on, such as the stop watch.
            sink: Who judges the age of the pair, by `TokenChecked`.
        """
        self._sink = sink
        self._store = source.store
        self._seed = source.seed
        self._clock = clock
        self._can_renew = can_renew
        self._raise_alarm = raise_alarm
        self._attempt: _Attempt | None = None
        self._used: Tokens | None = None
        self._refused: Secret | None = None
        """Refresh token that the broker does not take any more."""
        self._must_renew = False
        self._was_renewed_first = False
        self._failure = ""
        self._retry_at: TimestampMs = TimestampMs(0)
        self._told_at: TimestampMs | None = None

    def read(self) -> Tokens:
        """Return the newest pair, for a connection about to be made.

        Raises:
            ConfigInvalid: there is none, or it cannot be read; log in again.
        """
        try:
            self._store.recover()
            found = self._store.load() or self._seed
        except ConfigInvalid as e:
            if self._used is None:
                raise
            # In the middle of a run the pair at hand is worth more than the file.
            self._alarm(Severity.CRITICAL, str(e))
            return self._used
        if found is None:
            raise ConfigInvalid(f"there are no tokens in {self._store.path}: run `palmbot login`")
        self._used = found
        return found

    def open_with(self, credentials: Credentials) -> Credentials:
        """Return the credentials for a new connection, with the newest token in them.

        Raises:
            ConfigInvalid: see `read`.
        """
        renew_with = self.begin() if self._must_renew and self._can_renew else None
        self._was_renewed_first = renew_with is not None
        pair = self.read()
        return replace(credentials, access_token=pair.access_token, renew_with=renew_with)

    def is_due(self) -> bool:
        """Tell whether the pair wants to be renewed now; otherwise say how old it is."""
        pair = self._used
        if pair is None:
            return False
        now = self._clock.wall_ms()
        may_try = now >= self._retry_at and pair.refresh_token != self._refused
        if self._can_renew and may_try and is_due(pair, now):
            return True
        if self._told_at is None or now - self._told_at >= TELL_MS:
            self._tell_age()
        return False

    def begin(self) -> Secret | None:
        """Take the lock and return the refresh token to use; None if it is not our turn.

        Not our turn: another process renews at this moment, or has just done so.

        Raises:
            ConfigInvalid: the file or its lock cannot be used.
        """
        if self._attempt is not None:
            return None
        descriptor = self._store.take_lock()
        if descriptor is None:
            self._postpone()
            return None
        try:
            pair = self.read()
            if not self._must_renew and not is_due(pair, self._clock.wall_ms()):
                os.close(descriptor)  # somebody was faster; closing gives the lock back
                return None
            self._store.note_renewal()
        except BaseException:
            os.close(descriptor)
            raise
        self._attempt = _Attempt(descriptor, pair)
        return pair.refresh_token

    def keep(self, renewed: RenewedTokens) -> Secret:
        """Store the new pair durably and return the access token, which may be used from then on.

        Raises:
            ConfigInvalid: it is not on disk, and the old pair is dead; a person has to log in.
        """
        now = self._clock.wall_ms()
        pair = Tokens(
            access_token=renewed.access_token,
            refresh_token=renewed.refresh_token,
            issued_at=now,
            expires_at=TimestampMs(now + renewed.life_s * MS_PER_SECOND),
        )
        try:
            self._store.save(pair)
            self._store.forget_renewal()
        finally:
            self._release()
        self._used = pair
        self._must_renew = False
        self._failure = ""
        self._tell_age()
        return pair.access_token

    def give_up(self, error: PalmbotError) -> None:
        """The renewal failed; the pair at hand stays, and is tried again later if it may live."""
        attempt = self._attempt
        if attempt is None:
            return
        self._failure = str(error)
        if isinstance(error, TokenRefused):
            self._refused = attempt.pair.refresh_token
            self._alarm(Severity.CRITICAL, str(error))
            self._store.forget_renewal()
        self._postpone()
        self._release()
        self._tell_age()

    def judge_refusal(self, refused: TokenRefused) -> PalmbotError:
        """Return what a refused access token means: try again, or a person is needed."""
        self._must_renew = False
        used = self._used
        newest = self._store.load() or self._seed
        if newest is not None and used is not None and newest != used:
            return ConnectionLost("the tokens were renewed meanwhile; trying the new ones")
        if not self._can_renew:
            return ConnectionLost(f"{refused}; waiting for the bot to renew them")
        if self._was_renewed_first or used is None or used.refresh_token == self._refused:
            lost = self._store.read_note()
            return TokenRefused(f"{refused}{f' ({lost})' if lost else ''}")
        self._must_renew = True
        return ConnectionLost("the access token is not accepted any more; renewing it")

    def _tell_age(self) -> None:
        """Let the core judge: it warns a person, and stops entries when the end is near."""
        pair = self._used
        if self._sink is None or pair is None or pair.expires_at == UNKNOWN_TIME:
            return
        now = self._clock.wall_ms()
        self._told_at = now
        self._sink.put(TokenChecked(left_ms=pair.expires_at - now, failure=self._failure))

    def _alarm(self, severity: Severity, text: str) -> None:
        self._raise_alarm(RaiseAlarm(severity=severity, text=text))

    def _postpone(self) -> None:
        self._retry_at = TimestampMs(self._clock.wall_ms() + RETRY_MS)

    def _release(self) -> None:
        attempt, self._attempt = self._attempt, None
        if attempt is not None:
            with suppress(OSError):
                fcntl.flock(attempt.descriptor, fcntl.LOCK_UN)
            os.close(attempt.descriptor)


def is_due(pair: Tokens, now: TimestampMs) -> bool:
    """Tell whether a pair is old enough to be renewed; one of unknown age is."""
    left_ms = pair.expires_at - now
    life_ms = pair.expires_at - pair.issued_at
    return left_ms <= max(life_ms // LIVES_LEFT, min(DUE_MS, life_ms // 2))
