"""The connection as the core sees it: when books and bars are read, how far they are trusted."""

from msgspec.structs import replace

from palmbot.core.breakers.rules import Unknown
from palmbot.core.intents import turn_all_unknown
from palmbot.core.state import (
    NO_TIME,
    Discrepancy,
    DiscrepancyClass,
    EngineState,
    LinkPhase,
    LinkState,
    QuarantineItem,
)
from palmbot.core.step import Step
from palmbot.domain.commands import LoadBars, QueryBooks, Reconnect, Severity
from palmbot.domain.events import (
    AccountChanged,
    LinkLost,
    LinkReady,
    StampMissing,
    SymbolChanged,
)
from palmbot.domain.market import Account
from palmbot.domain.orders import IN_FLIGHT, Environment
from palmbot.domain.units import MS_PER_MINUTE, TimestampMs

RETRY_DELAYS_S = (0.0, 1.0, 2.0, 4.0, 8.0, 16.0, 30.0)
"""Link seconds before the next reading, by readings since the last clean one; the last repeats."""
OVERLAP_MS = MS_PER_MINUTE
"""How far a reading of fills reaches back behind what is settled."""
FIRST_WINDOW_MS = 25 * 60 * MS_PER_MINUTE  # the longest day has 25 hours
"""The same for a bot that has no books yet: what the day has lost is in the broker's."""
ACCOUNT_ITEM = "account"
SETTLE_COMMAND = "palmbot reconcile ack"
"""Stands in the alarm of every quarantine."""
REMINDER_MS = 60 * MS_PER_MINUTE
"""Market time between two alarms about the same item that waits for a person."""


def on_link_ready(step: Step, event: LinkReady) -> None:
    """Start over on a new connection: nothing is trusted until the books were compared."""
    state = step.state
    if event.generation <= state.link.generation:
        step.say(f"connection {event.generation} is older than {state.link.generation}")
        return
    turn_all_unknown(step, "the connection changed")
    _note_contract_change(step, event)
    own_clock_until = read_own_clock_until(state)
    step.state = replace(
        step.state,
        account=event.account,
        symbol=event.symbol,
        conversion=event.conversion,
        market=replace(state.market, leg_ticks={}),
        link=LinkState(
            phase=LinkPhase.SYNCING,
            reason="connected, comparing the books",
            generation=event.generation,
            history_generation=0,
            ready_at=state.market.time if state.market.time > own_clock_until else NO_TIME,
            confirmed_at=state.link.confirmed_at,
            readings_due=state.link.readings_due,
            own_clock_until=own_clock_until,
        ),
    )
    if not state.books.positions and state.link.confirmed_at is None:
        step.set_books(
            replace(
                step.books,
                balance=event.account.balance,
                balance_version=event.account.balance_version,
            )
        )
    _check_account(step, event.account)
    step.say(f"connection {event.generation} is up")
    ask_books(step, "connected, comparing the books")
    ask_bars(step)


def on_link_lost(step: Step, event: LinkLost) -> None:
    """Trust nothing from here on; what was in flight is unknown."""
    state = step.state
    if event.generation != state.link.generation or state.link.phase is LinkPhase.DISCONNECTED:
        step.say(f"connection {event.generation} was gone already")
        return
    turn_all_unknown(step, "the connection was lost before the answer")
    step.set_link(replace(step.link, phase=LinkPhase.DISCONNECTED, reason=event.reason))
    step.set_tally(replace(step.state.tally, links_lost=step.state.tally.links_lost + 1))
    step.say(f"connection {event.generation} lost: {event.reason}")


def on_stamp_missing(step: Step, event: StampMissing) -> None:
    """Take no proof from market time from here on: our own clock may be a day ahead."""
    if event.generation != step.link.generation or step.link.is_unstamped:
        step.say(f"connection {event.generation}: a price without the broker's time")
        return
    step.set_link(replace(step.link, is_unstamped=True))
    step.alarm(
        Severity.WARNING,
        "the broker sends prices without its time: what rests on it is not believed "
        "(no limit order, no proof that an unanswered one has expired)",
    )


def read_own_clock_until(state: EngineState) -> TimestampMs:
    """Return up to which market time our own clock may have stood in for the broker's."""
    return state.market.time if state.link.is_unstamped else state.link.own_clock_until


def on_account_changed(step: Step, event: AccountChanged) -> None:
    """Take over the facts of the account; compare the books if it is no longer the same one."""
    old = step.state.account
    step.state = replace(step.state, account=event.account)
    if not _check_account(step, event.account):
        ask_books(step, "the account changed")
    elif old is not None and old.can_trade != event.account.can_trade:
        step.say(f"the account may {'now' if event.account.can_trade else 'no longer'} trade")


def on_symbol_changed(step: Step, event: SymbolChanged) -> None:
    """Connect anew, because only a new connection reads the contract again."""
    if step.link.phase is LinkPhase.DISCONNECTED:
        step.say(f"contract changed: {event.reason}")
        return
    step.set_link(
        replace(step.link, phase=LinkPhase.SYNCING, reason=f"contract changed: {event.reason}")
    )
    step.say(f"contract changed: {event.reason}")
    step.command(Reconnect(generation=step.link.generation, reason=event.reason))


def ask_books(step: Step, reason: str, *, attempt: int | None = None) -> None:
    """Stop trusting our books and read the broker's, after the delay of this attempt."""
    link = step.link
    if link.phase is LinkPhase.DISCONNECTED:
        return
    attempt = link.attempt if attempt is None else attempt
    phase = LinkPhase.QUARANTINED if step.books.quarantine else LinkPhase.SYNCING
    step.set_link(replace(link, phase=phase, reason=reason, attempt=attempt))
    _query(step, RETRY_DELAYS_S[min(attempt, len(RETRY_DELAYS_S) - 1)])


def schedule_check(step: Step) -> None:
    """Compare again after a while, trading meanwhile."""
    _query(step, step.params.books_interval_s)


def note_failed_reading(step: Step, reason: str) -> None:
    """Read again later. A failed reading says nothing, least of all that we are flat."""
    attempt = max(1, step.link.attempt + 1)
    step.report(
        Discrepancy(
            kind=DiscrepancyClass.QUERY_FAILED,
            item="books",
            detail=reason,
            action="read again",
        )
    )
    ask_books(step, f"the books could not be read: {reason}", attempt=attempt)
    step.set_link(replace(step.link, phase=LinkPhase.DEGRADED))
    step.say(f"the books could not be read: {reason}")


def ask_bars(step: Step) -> None:
    """Read the broker's bars, after the delay of this attempt."""
    link = step.link
    params = step.params
    needed = 0 if params.breakers.unknown is Unknown.ALLOW else params.breakers.history_bars
    step.command(
        LoadBars(
            generation=link.generation,
            period_ms=params.bar_period_ms,
            count=max(params.history_bars, params.warm_up_bars, needed),
            delay_s=RETRY_DELAYS_S[min(link.history_attempt, len(RETRY_DELAYS_S) - 1)],
        )
    )


def note_execution(step: Step, time: TimestampMs) -> None:
    """Remember how far the broker's executions have been heard of."""
    if time > step.link.executed_at:
        step.set_link(replace(step.link, executed_at=time))


def halt(step: Step, actor: str, reason: str) -> None:
    """Latch entries off until a person resumes; a second reason does not hide the first."""
    switch = step.state.switch
    if switch.halted_by is None:
        step.set_switch(replace(switch, epoch=switch.epoch + 1, halted_by=actor, reason=reason))
        step.say(f"halted by {actor}: {reason}")


def quarantine(step: Step, found: Discrepancy) -> None:
    """Leave a difference to a person, or to later evidence, and tell a person once."""
    if found.item in step.books.quarantine:
        return
    item = QuarantineItem(
        item=found.item, kind=found.kind, detail=found.detail, since=step.state.market.time
    )
    step.set_books(replace(step.books, quarantine={**step.books.quarantine, found.item: item}))
    step.alarm(Severity.CRITICAL, f"{found.item}: {found.detail}. {_advise(item)}")


def remind_of_quarantine(step: Step) -> None:
    """Tell a person once an hour of every item that still waits for one."""
    now = step.market.time
    for item in tuple(step.books.quarantine.values()):
        if now - (item.reminded_at or item.since) < REMINDER_MS:
            continue
        reminded = replace(item, reminded_at=now)
        step.set_books(
            replace(step.books, quarantine={**step.books.quarantine, item.item: reminded})
        )
        hours = (now - item.since) / REMINDER_MS
        step.alarm(
            Severity.CRITICAL,
            f"{item.item} has been waiting for a person for {hours:.0f} h, no entries meanwhile: "
            f"{item.detail}. {_advise(item)}",
        )


def release(step: Step, item: str) -> None:
    """Take an item out of quarantine and stop looking for it."""
    books = step.books
    if item in books.quarantine or item in books.absences:
        kept = {name: each for name, each in books.quarantine.items() if name != item}
        absences = {name: each for name, each in books.absences.items() if name != item}
        step.set_books(replace(books, quarantine=kept, absences=absences))


def read_window_start(state: EngineState) -> TimestampMs:
    """Return where a reading of fills and past orders has to begin to explain our books."""
    times: list[int] = [
        intent.created_at for intent in state.books.intents.values() if intent.state in IN_FLIGHT
    ]
    if state.link.confirmed_at is not None:
        times.append(state.link.confirmed_at)
    else:
        times.append(state.started_at - FIRST_WINDOW_MS)
        times.extend(position.opened_at for position in state.books.positions.values())
    return TimestampMs(max(0, min(times) - OVERLAP_MS))


def _advise(item: QuarantineItem) -> str:
    if item.kind is DiscrepancyClass.CLOCK_SKEW:
        return "Set the clock of this machine right"
    return (
        "Look it up at the broker, then settle it: "
        f"{SETTLE_COMMAND} {item.item} --action adopt|close|ignore --reason ..."
    )


def _query(step: Step, delay_s: float) -> None:
    link = replace(step.link, delay_s=delay_s)
    step.set_link(link)
    step.command(
        QueryBooks(generation=link.generation, since=read_window_start(step.state), delay_s=delay_s)
    )


def _check_account(step: Step, account: Account) -> bool:
    is_right = account.account_id == step.params.account_id and account.is_live == (
        step.params.environment is Environment.LIVE
    )
    if is_right:
        release(step, ACCOUNT_ITEM)
        return True
    found = Discrepancy(
        kind=DiscrepancyClass.ACCOUNT_MISMATCH,
        item=ACCOUNT_ITEM,
        detail=f"account {account.account_id} (live: {account.is_live}) instead of "
        f"{step.params.account_id} on {step.params.environment}",
        action="no entries until the right account is connected",
    )
    step.report(found)
    quarantine(step, found)
    return False


def _note_contract_change(step: Step, event: LinkReady) -> None:
    old = step.state.symbol
    if old is not None and old != event.symbol:
        step.report(
            Discrepancy(
                kind=DiscrepancyClass.SPEC_CHANGED,
                item="symbol",
                detail=f"the contract of {event.symbol.name} differs from the one known before",
                action="taken over; sizes and stops are computed anew",
            )
        )
        step.alarm(Severity.NOTICE, f"the contract of {event.symbol.name} changed")
