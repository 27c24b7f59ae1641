"""What of a price history is already here, on disk, so that a broken-off download goes on.

One JSON document a line: first what was asked for, then one page of bars after the other, from
the newest back. A page is on disk before the next one is asked for; a line that a crash cut
short is dropped, and asked for again.
"""

import fcntl
import os
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from palmbot.domain.errors import InputInvalid
from palmbot.domain.market import Bar
from palmbot.domain.units import MS_PER_MINUTE, MS_PER_SECOND, Price, TimestampMs

SUFFIX = ".part"


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryRequest:
    """Which bars are wanted; the first line of a part file."""

    account: str
    """Environment and number of the account: other servers have other prices."""
    symbol: str
    symbol_id: int
    period_ms: int
    since: TimestampMs
    """Earliest opening time, inclusive."""
    until: TimestampMs
    """Latest opening time, inclusive; bars up to it had closed when the download began."""
    asked_until: TimestampMs | None
    """What a person asked for, which may lie in the future; None for everything there is."""


class _Page(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    since: int
    times: list[int]
    prices: list[list[int]]
    """Open, high, low, close of each bar, 1/100_000."""
    volumes: list[int]


class PartFile:
    """The pages on disk, newest first. Close it, or use it in a `with`."""

    def __init__(self, path: Path, request: HistoryRequest) -> None:
        """Go on with the file of the same request, or begin it.

        Raises:
            InputInvalid: the file is of another request, is damaged, or cannot be written.
        """
        self._path = path
        self._request = request
        self._pages: list[_Page] = []
        self.missing_until = request.until
        """Latest opening time of which nothing is known yet; below `since` when all is here."""
        self._descriptor = -1
        try:
            self._descriptor = self._open()
            kept = self._read()
            os.ftruncate(self._descriptor, kept)
            os.lseek(self._descriptor, kept, os.SEEK_SET)
            if kept == 0:
                self._append(msgspec.json.encode(request))
        except InputInvalid:
            self.close()
            raise
        except OSError as e:
            self.close()
            raise self._explain(e) from e
        self.pages_resumed = len(self._pages)
        """Pages that were here already."""

    @property
    def is_complete(self) -> bool:
        """Tell whether nothing is missing any more."""
        return self.missing_until < self._request.since

    def add(self, since: TimestampMs, bars: tuple[Bar, ...]) -> None:
        """Put a page on disk: all bars from `since` to `missing_until`, oldest first.

        Raises:
            InputInvalid: the disk does not take it.
        """
        page = _Page(
            since=since,
            times=[bar.open_time for bar in bars],
            prices=[[bar.open, bar.high, bar.low, bar.close] for bar in bars],
            volumes=[bar.volume for bar in bars],
        )
        try:
            self._append(msgspec.json.encode(page))
        except OSError as e:
            raise self._explain(e) from e
        self._take(page)

    def bars(self) -> Iterable[Bar]:
        """Yield every bar that is here, oldest first."""
        for page in reversed(self._pages):
            for time, (first, high, low, last), volume in zip(
                page.times, page.prices, page.volumes, strict=True
            ):
                yield Bar(
                    open_time=TimestampMs(time),
                    open=Price(first),
                    high=Price(high),
                    low=Price(low),
                    close=Price(last),
                    volume=volume,
                )

    def close(self) -> None:
        """Let go of the file; it stays."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _open(self) -> int:
        flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW
        descriptor = os.open(self._path, flags, 0o644)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as e:
            os.close(descriptor)
            raise InputInvalid(
                f"{self._path}: another download writes it right now; wait for it to end"
            ) from e
        return descriptor

    def _take(self, page: _Page) -> None:
        self._pages.append(page)
        self.missing_until = TimestampMs(page.since - 1)

    def _append(self, line: bytes) -> None:
        left = memoryview(line + b"\n")
        while left:
            left = left[os.write(self._descriptor, left) :]
        os.fsync(self._descriptor)

    def _read(self) -> int:
        """Take what the file holds; return how many of its bytes are whole lines."""
        content = self._path.read_bytes()
        kept = content.rfind(b"\n") + 1
        lines = content[:kept].splitlines()
        if not lines:
            return 0
        try:
            request = msgspec.json.decode(lines[0], type=HistoryRequest)
            pages = [msgspec.json.decode(line, type=_Page) for line in lines[1:]]
        except (msgspec.MsgspecError, UnicodeDecodeError) as e:
            raise InputInvalid(
                f"{self._path}: it is damaged ({e}); remove it and start the download again"
            ) from e
        if request != self._request:
            raise InputInvalid(
                f"{self._path}: another download was broken off there ({_describe(request)}); "
                "repeat that one to finish it, remove the file, or choose another --output"
            )
        for page in pages:
            self._take(page)
        return kept

    def _explain(self, error: OSError) -> InputInvalid:
        return InputInvalid(
            f"{self._path}: it cannot be written ({error.strerror or error}); free space on the "
            "disk or choose another --output; what is there already is kept"
        )


def read_request(path: Path) -> HistoryRequest | None:
    """Return what a broken-off download asked for; None if there is none to go on with."""
    try:
        with path.open("rb") as file:
            return msgspec.json.decode(file.readline(), type=HistoryRequest)
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def _describe(request: HistoryRequest) -> str:
    minutes = request.period_ms // MS_PER_MINUTE
    return (
        f"{request.symbol} of {request.account}, bars of {minutes} min, "
        f"{render_day(request.since)} to {render_day(request.until)}"
    )


def render_day(time: TimestampMs) -> str:
    """Write a moment to the minute, in UTC."""
    return f"{datetime.fromtimestamp(time / MS_PER_SECOND, UTC):%Y-%m-%d %H:%M}"
