"""The breakers about what the bot runs on: the machine's clock, its disk, the key to the account.

The edges measure (`domain.events.ClockChecked`, `DiskMeasured`, `TokenChecked`), the thresholds
are in here. What cannot be measured counts as bad where a measure is due.
"""

from msgspec.structs import replace

from palmbot.core.breakers.book import MachineView
from palmbot.core.breakers.machine import close, trip
from palmbot.core.link import ask_books, quarantine
from palmbot.core.reconcile import CLOCK_ITEM
from palmbot.core.state import Discrepancy, DiscrepancyClass, LinkPhase
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.commands import Severity
from palmbot.domain.events import ClockChecked, DiskMeasured, TokenChecked
from palmbot.domain.orders import Environment
from palmbot.domain.units import MS_PER_MINUTE, MS_PER_SECOND

MS_PER_HOUR = 60 * MS_PER_MINUTE
HOURS_PER_DAY = 24
BYTES_PER_MB = 1_000_000
SPACE_BACK_PERCENT = 125
"""Share of the smallest free space at which entries flow again, so that a disk that hovers about
the limit does not trip all day."""


def on_clock_checked(step: Step, event: ClockChecked) -> None:
    """Trip on a clock that was set or is wrong; far off, distrust the books as well.

    Its end needs both clocks in agreement, which only stamped prices can show on a broker
    account: without any it stays tripped.
    """
    rules = step.params.breakers
    jump_ms, offset_ms = abs(event.jump_ms), abs(event.offset_ms or 0)
    if jump_ms <= rules.clock_jump_ms and offset_ms <= rules.clock_offset_ms:
        # A simulator may run faster than the day: its time is none to compare with.
        is_shown = event.offset_ms is not None or step.params.environment is Environment.SIMULATOR
        if is_shown and not step.state.breakers.machine.is_clock_right:
            _note_clock(step, is_right=True)
        return
    _note_clock(step, is_right=False)
    is_jump = jump_ms > rules.clock_jump_ms
    reason = (
        f"the clock of this machine was set by {event.jump_ms / MS_PER_SECOND:+.1f} s"
        if is_jump
        else f"this machine's clock is {(event.offset_ms or 0) / MS_PER_SECOND:+.1f} s off the "
        "broker's"
    )
    if max(jump_ms, offset_ms) > rules.clock_skew_ms:
        _distrust_books(step, reason)
    if not _is_tripped(step, BreakerName.CLOCK_JUMP):
        trip(
            step,
            BreakerName.CLOCK_JUMP,
            reason,
            measured=jump_ms if is_jump else offset_ms,
            threshold=rules.clock_jump_ms if is_jump else rules.clock_offset_ms,
        )
        ask_books(step, reason, attempt=0)


def on_disk_measured(step: Step, event: DiskMeasured) -> None:
    """Deny entries while the journal may soon find no room; a full disk would end the bot."""
    least = step.params.breakers.disk_free_min_mb * BYTES_PER_MB
    free = event.free_bytes
    is_tripped = _is_tripped(step, BreakerName.DISK_SPACE)
    if free is None or free < least:
        if not is_tripped:
            have = "cannot be measured" if free is None else f"is {free // BYTES_PER_MB} MB"
            trip(
                step,
                BreakerName.DISK_SPACE,
                f"the free space for the journal {have}, make room: "
                f"{least // BYTES_PER_MB} MB are needed",
                measured=free or 0,
                threshold=least,
            )
    elif is_tripped and free * 100 >= least * SPACE_BACK_PERCENT:
        close(step, BreakerName.DISK_SPACE, f"{free // BYTES_PER_MB} MB are free")


def on_token_checked(step: Step, event: TokenChecked) -> None:
    """Tell a person of a token that dies and is not renewed; in its last day deny entries.

    Positions stay manageable until its end, and keep the stops that the broker holds after it.
    """
    rules = step.params.breakers
    machine = step.state.breakers.machine
    hours = event.left_ms // MS_PER_HOUR
    why = f"; its renewal failed: {event.failure}" if event.failure else ""
    text = f"the access token lives for {max(0, hours)} more hours{why}"
    is_tripped = _is_tripped(step, BreakerName.TOKEN_EXPIRY)
    if event.left_ms < rules.token_stop_hours * MS_PER_HOUR:
        if not is_tripped:
            trip(
                step,
                BreakerName.TOKEN_EXPIRY,
                f"{text}, authorise again",
                measured=event.left_ms,
                threshold=rules.token_stop_hours * MS_PER_HOUR,
            )
        return
    if not event.failure:
        if is_tripped:
            close(step, BreakerName.TOKEN_EXPIRY, text)
        if machine.token_told_hours is not None:
            _set_machine(step, replace(machine, token_told_hours=None))
        return
    told = machine.token_told_hours
    is_news = told is None or hours <= told - HOURS_PER_DAY
    if event.left_ms < rules.token_warn_hours * MS_PER_HOUR and is_news:
        step.alarm(Severity.WARNING, f"{text}, authorise again")
        _set_machine(step, replace(machine, token_told_hours=hours))


def release_clock(step: Step) -> None:
    """Close the open breaker once the clocks agree and the books were compared since."""
    is_right = step.breakers.machine.is_clock_right
    is_clean = step.link.phase is LinkPhase.CONSISTENT
    if is_right and is_clean:
        close(step, BreakerName.CLOCK_JUMP, "both clocks agree, and the books are clean")


def _distrust_books(step: Step, reason: str) -> None:
    if CLOCK_ITEM in step.books.quarantine:
        return
    found = Discrepancy(
        kind=DiscrepancyClass.CLOCK_SKEW,
        item=CLOCK_ITEM,
        detail=reason,
        action="no entries until both clocks agree and two readings of the books are clean",
    )
    step.report(found)
    quarantine(step, found)
    ask_books(step, reason, attempt=0)


def _note_clock(step: Step, *, is_right: bool) -> None:
    machine = step.state.breakers.machine
    if machine.is_clock_right is not is_right:
        _set_machine(step, replace(machine, is_clock_right=is_right))


def _set_machine(step: Step, machine: MachineView) -> None:
    step.set_breakers(replace(step.state.breakers, machine=machine))


def _is_tripped(step: Step, name: BreakerName) -> bool:
    return step.state.breakers.read(name).phase is not BreakerPhase.CLOSED
