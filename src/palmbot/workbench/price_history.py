"""A broker's price history into a file, over links that break and runs that are broken off."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from palmbot.adapters.ctrader_broker import Backoff
from palmbot.adapters.ctrader_inquirer import BrokerAccess, CtraderInquirer, open_inquiry
from palmbot.ctrader.catalogue import Contract, enter_account, find_contract, read_version
from palmbot.ctrader.readings import bar_window_ms, read_bar_page
from palmbot.domain.errors import InputInvalid, ProtocolViolation, TransientError
from palmbot.domain.orders import Environment
from palmbot.domain.units import TimestampMs
from palmbot.ports import Clock
from palmbot.pricefiles.bar_writer import write_bars
from palmbot.pricefiles.missing_bars import GapReport, find_gaps
from palmbot.pricefiles.part_file import SUFFIX, HistoryRequest, PartFile, read_request

FAILURES_MAX = 8
"""Broken connections in a row without a page in between: a few minutes of waiting, then a
person decides. What is on disk stays."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryOptions:
    """What a person asks for."""

    symbol: str
    period_ms: int
    since: TimestampMs
    """Earliest opening time."""
    until: TimestampMs | None
    """Latest opening time; None for everything up to now."""
    output: Path
    """A Parquet file that is not there yet; its pages gather in `<output>.part`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryProgress:
    """How far a download is."""

    fraction: float
    bars: int
    requests: int
    note: str
    """What is going on besides; empty if all is well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HistoryResult:
    """What a finished download brought."""

    request: HistoryRequest
    bars: int
    requests: int
    """Pages asked for in this run."""
    pages_resumed: int
    """Pages that an earlier run had left on disk."""
    reconnects: int
    first: TimestampMs
    """Opening time of the oldest bar: where the broker's history begins, if after `since`."""
    gaps: GapReport
    """From the first bar on."""


class _Download:
    """One run of a download."""

    def __init__(
        self,
        access: BrokerAccess,
        options: HistoryOptions,
        clock: Clock,
        tell: Callable[[HistoryProgress], None],
    ) -> None:
        self._access = access
        self._options = options
        self._clock = clock
        self._tell = tell
        self._window_ms = bar_window_ms(options.period_ms)
        self._part: PartFile | None = None
        self.request: HistoryRequest | None = None
        self.contract: Contract | None = None
        self.requests = 0
        self.bars = 0
        self.failures = 0
        """Connections in a row that brought no page."""

    @property
    def part(self) -> PartFile | None:
        """What is on disk, once the broker has told what the symbol is."""
        return self._part

    async def run_on_one_connection(self) -> None:
        """Fetch page after page until nothing is missing.

        Raises:
            TransientError, ProtocolViolation: connect again and go on.
            RequestRefused, InputInvalid, FatalError: another try would not help.
        """
        access = self._access
        async with open_inquiry(access, self._clock) as inquirer:
            await inquirer.ask(enter_account(access.credentials, access.target()))
            contract = await inquirer.ask(find_contract(access.account_id, self._options.symbol))
            self.contract = contract
            if self._part is None:
                await inquirer.ask(read_version())
                self._begin(contract, self._read_now(inquirer))
            await self._fetch(inquirer, contract)

    def tell(self, note: str = "") -> None:
        """Report how far it is."""
        fraction = 0.0
        if self.request is not None and self._part is not None:
            span = self.request.until - self.request.since + 1
            fraction = (self.request.until - self._part.missing_until) / span
        self._tell(
            HistoryProgress(fraction=fraction, bars=self.bars, requests=self.requests, note=note)
        )

    def close(self) -> None:
        """Let go of the part file."""
        if self._part is not None:
            self._part.close()

    def _read_now(self, inquirer: CtraderInquirer) -> TimestampMs:
        """Return the time at the broker: the simulator lives in a time of its own."""
        is_simulated = self._access.environment is Environment.SIMULATOR
        quote = inquirer.quote if is_simulated else None
        return self._clock.wall_ms() if quote is None else quote.time

    def _begin(self, contract: Contract, now: TimestampMs) -> None:
        options = self._options
        part_path = _part_path(options.output)
        closed = TimestampMs(now - options.period_ms)
        request = HistoryRequest(
            account=f"{self._access.environment} {self._access.account_id}",
            symbol=options.symbol,
            symbol_id=contract.symbol_id,
            period_ms=options.period_ms,
            since=options.since,
            until=closed if options.until is None else min(options.until, closed),
            asked_until=options.until,
        )
        if request.until < request.since:
            raise InputInvalid("--from lies in the future, or the first bar has not closed yet")
        earlier = read_request(part_path)
        if earlier is not None and earlier.asked_until == request.asked_until:
            # "Up to now" means the now of the first run: pages would not fit together otherwise.
            request = replace(request, until=earlier.until)
        self._part = PartFile(part_path, request)
        self.request = request
        self.bars = sum(1 for _ in self._part.bars())

    async def _fetch(self, inquirer: CtraderInquirer, contract: Contract) -> None:
        part, request = self._part, self.request
        assert part is not None
        assert request is not None
        self.tell()
        while not part.is_complete:
            self.requests += 1
            page = await inquirer.ask(
                read_bar_page(
                    self._access.account_id,
                    contract.symbol_id,
                    request.period_ms,
                    (request.since, part.missing_until),
                    self._window_ms,
                )
            )
            self._window_ms = page.window_ms
            part.add(page.since, page.bars)
            self.bars += len(page.bars)
            self.failures = 0
            self.tell()


async def download_history(
    access: BrokerAccess,
    options: HistoryOptions,
    clock: Clock,
    tell: Callable[[HistoryProgress], None],
) -> HistoryResult:
    """Fetch a history into `options.output`, which appears when it is whole.

    Raises:
        InputInvalid: the file is there already or cannot be written, there is no such symbol,
            or the broker cannot be reached for long. What was fetched is kept for the next run.
        RequestRefused: the broker does not give this history.
        FatalError: it refuses us for good.
    """
    if options.output.exists():
        raise InputInvalid(
            f"{options.output}: it is there already; remove it, or name another file by --output"
        )
    backoff = Backoff()
    download = _Download(access, options, clock, tell)
    reconnects = 0
    try:
        while True:
            try:
                await download.run_on_one_connection()
                break
            except (TransientError, ProtocolViolation) as e:
                download.failures += 1
                if download.failures > FAILURES_MAX:
                    raise InputInvalid(_give_up(e, options.output)) from e
                reconnects += 1
                wait_s = backoff.delay_s(download.failures - 1, 0.5)
                download.tell(f"{e}; again in {wait_s:.0f} s")
                await _wait(clock, wait_s)
        return _finish(download, options.output, reconnects)
    finally:
        download.close()


def _finish(download: _Download, output: Path, reconnects: int) -> HistoryResult:
    part, request, contract = download.part, download.request, download.contract
    assert part is not None
    assert request is not None
    assert contract is not None
    bars = list(part.bars())
    if not bars:
        _part_path(output).unlink()
        raise InputInvalid(
            f"the broker has no bar of {request.symbol} in that time: choose a later --from or --to"
        )
    first = bars[0].open_time
    write_bars(output, bars)
    _part_path(output).unlink()
    return HistoryResult(
        request=request,
        bars=len(bars),
        requests=download.requests,
        pages_resumed=part.pages_resumed,
        reconnects=reconnects,
        first=first,
        gaps=find_gaps(
            [bar.open_time for bar in bars],
            (first, request.until),
            request.period_ms,
            contract.hours,
        ),
    )


async def _wait(clock: Clock, seconds: float) -> None:
    over = asyncio.Event()
    timer = clock.call_at(clock.link_s() + seconds, over.set)
    try:
        await over.wait()
    finally:
        timer.cancel()


def _part_path(output: Path) -> Path:
    return output.with_name(output.name + SUFFIX)


def _give_up(error: Exception, output: Path) -> str:
    return (
        f"the broker cannot be reached ({error}); what is here is kept in {_part_path(output)}: "
        "run the same command again to go on"
    )
