"""The bot as one pure function: state and event in, next state and commands out."""

from typing import TypeAlias, assert_never

from msgspec.structs import replace

from palmbot.core import feed, order_events
from palmbot.core.breakers import host
from palmbot.core.breakers.reset import on_reset
from palmbot.core.breakers.watch import review
from palmbot.core.intents import on_stored
from palmbot.core.link import (
    on_account_changed,
    on_link_lost,
    on_link_ready,
    on_stamp_missing,
    on_symbol_changed,
)
from palmbot.core.operator import (
    on_acknowledged,
    on_halted,
    on_reconciliation_requested,
    on_resumed,
    on_stop_requested,
)
from palmbot.core.params import EngineParams
from palmbot.core.settlement import on_books, on_books_unavailable
from palmbot.core.start import on_started
from palmbot.core.state import Decision, EngineState
from palmbot.core.step import Step
from palmbot.domain.events import (
    AccountChanged,
    AlertUndelivered,
    BalanceChanged,
    BarClosed,
    BarsLoaded,
    BarsUnavailable,
    BooksReported,
    BooksUnavailable,
    ClockChecked,
    DiskMeasured,
    Event,
    ExecutionUnreadable,
    IntentStored,
    LinkLost,
    LinkReady,
    OperatorAcknowledged,
    OperatorHalted,
    OperatorReset,
    OperatorResumed,
    OrderAccepted,
    OrderEnded,
    OrderFilled,
    OrderRefused,
    OrderUnanswered,
    PositionChanged,
    ReconciliationRequested,
    SendInterrupted,
    SentimentUpdated,
    StampMissing,
    Started,
    StopRequested,
    SymbolChanged,
    TimePassed,
    TokenChecked,
)
from palmbot.domain.market import Tick

FeedEvent: TypeAlias = BarsLoaded | BarsUnavailable | TimePassed | SentimentUpdated
RequestEvent: TypeAlias = IntentStored | SendInterrupted | OrderUnanswered | OrderRefused
BrokerEvent: TypeAlias = (
    OrderAccepted
    | OrderFilled
    | OrderEnded
    | PositionChanged
    | BalanceChanged
    | ExecutionUnreadable
)
HostEvent: TypeAlias = ClockChecked | DiskMeasured | TokenChecked
LinkEvent: TypeAlias = (
    Started
    | StampMissing
    | LinkReady
    | LinkLost
    | AccountChanged
    | SymbolChanged
    | BooksReported
    | BooksUnavailable
)
OperatorEvent: TypeAlias = (
    OperatorHalted
    | OperatorResumed
    | OperatorReset
    | OperatorAcknowledged
    | ReconciliationRequested
    | StopRequested
)


def decide(state: EngineState, event: Event, params: EngineParams) -> Decision:
    """Advance the whole bot by one event.

    Pure: the same state, event and parameters give the same decision, here and in replay.

    Raises:
        BooksDoNotBalance: an invariant about money is broken; nothing of this step may be done.
    """
    if isinstance(event, Tick):  # the one event that comes thousands of times a second
        return feed.on_tick(state, event, params)
    if isinstance(event, BarClosed):  # in a backtest, likewise
        return feed.on_bar_closed(state, event, params)
    step = Step(state, params)
    match event:
        case BarsLoaded() | BarsUnavailable() | TimePassed() | SentimentUpdated():
            _take_feed(step, event)
        case IntentStored() | SendInterrupted() | OrderUnanswered() | OrderRefused():
            _take_request(step, event)
        case ClockChecked() | DiskMeasured() | TokenChecked():
            _take_host(step, event)
        case (
            OrderAccepted()
            | OrderFilled()
            | OrderEnded()
            | PositionChanged()
            | BalanceChanged()
            | ExecutionUnreadable()
        ):
            _take_execution(step, event)
        case (
            Started()
            | StampMissing()
            | LinkReady()
            | LinkLost()
            | AccountChanged()
            | SymbolChanged()
            | BooksReported()
            | BooksUnavailable()
        ):
            _take_link(step, event)
        case (
            OperatorHalted()
            | OperatorResumed()
            | OperatorReset()
            | OperatorAcknowledged()
            | ReconciliationRequested()
            | StopRequested()
        ):
            _take_operator(step, event)
        case AlertUndelivered():
            step.say(f"an alarm did not get out, {event.reason}: {event.text}")
        case _:
            assert_never(event)
    review(step, state, event)
    return step.finish()


def _take_feed(step: Step, event: FeedEvent) -> None:
    match event:
        case TimePassed():
            feed.on_time(step, event)
        case BarsLoaded():
            feed.on_bars_loaded(step, event)
        case BarsUnavailable():
            feed.on_bars_unavailable(step, event)
        case SentimentUpdated():
            step.state = replace(step.state, sentiment=event)
        case _:
            assert_never(event)


def _take_request(step: Step, event: RequestEvent) -> None:
    match event:
        case IntentStored():
            on_stored(step, event)
        case SendInterrupted() | OrderUnanswered():
            order_events.on_unanswered(step, event)
        case OrderRefused():
            order_events.on_refused(step, event)
        case _:
            assert_never(event)


def _take_host(step: Step, event: HostEvent) -> None:
    match event:
        case ClockChecked():
            host.on_clock_checked(step, event)
        case DiskMeasured():
            host.on_disk_measured(step, event)
        case TokenChecked():
            host.on_token_checked(step, event)
        case _:
            assert_never(event)


def _take_execution(step: Step, event: BrokerEvent) -> None:
    match event:
        case OrderAccepted():
            order_events.on_accepted(step, event)
        case OrderFilled():
            order_events.on_filled(step, event)
        case OrderEnded():
            order_events.on_ended(step, event)
        case PositionChanged():
            order_events.on_position_changed(step, event)
        case BalanceChanged():
            order_events.on_balance_changed(step, event)
        case ExecutionUnreadable():
            order_events.on_unreadable(step, event)
        case _:
            assert_never(event)


def _take_link(step: Step, event: LinkEvent) -> None:
    match event:
        case Started():
            on_started(step, event)
        case StampMissing():
            on_stamp_missing(step, event)
        case LinkReady():
            on_link_ready(step, event)
        case LinkLost():
            on_link_lost(step, event)
        case AccountChanged():
            on_account_changed(step, event)
        case SymbolChanged():
            on_symbol_changed(step, event)
        case BooksReported():
            on_books(step, event)
        case BooksUnavailable():
            on_books_unavailable(step, event)
        case _:
            assert_never(event)


def _take_operator(step: Step, event: OperatorEvent) -> None:
    match event:
        case OperatorHalted():
            on_halted(step, event)
        case OperatorResumed():
            on_resumed(step, event)
        case OperatorReset():
            on_reset(step, event)
        case OperatorAcknowledged():
            on_acknowledged(step, event)
        case ReconciliationRequested():
            on_reconciliation_requested(step, event)
        case StopRequested():
            on_stop_requested(step, event)
        case _:
            assert_never(event)
