"""Every step past every breaker: what `core.engine` and `core.feed` call.

The order counts: money before days, trades before streaks, trips before releases, and all of
it before an entry is decided.
"""

from collections.abc import Callable
from typing import Final, TypeAlias

from msgspec.structs import replace

from palmbot.core.breakers import daily_loss, loss_streak
from palmbot.core.breakers.book import Outcome, Result, VolatilityView
from palmbot.core.breakers.companions import (
    QUIET_MS,
    count_mishaps,
    count_start,
    release_crash_loop,
    release_gap,
    release_rejects,
    release_stale,
    watch_opening,
    watch_silence,
)
from palmbot.core.breakers.host import release_clock
from palmbot.core.breakers.machine import (
    are_entries_forbidden,
    cancel_resting_entries,
    note_probe,
    read_now,
)
from palmbot.core.breakers.money import account_for_money
from palmbot.core.breakers.tape import is_beyond, judge_tape
from palmbot.core.breakers.volatility import judge_bar, release_volatility, take_bars
from palmbot.core.flatten import pursue_flatten
from palmbot.core.state import EngineState
from palmbot.core.step import Step
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.commands import Severity
from palmbot.domain.errors import PalmbotError
from palmbot.domain.events import (
    BarClosed,
    BarsLoaded,
    Event,
    LinkLost,
    LinkReady,
    OrderAccepted,
    Started,
    TimePassed,
)
from palmbot.domain.market import Tick
from palmbot.domain.orders import IN_FLIGHT
from palmbot.domain.units import MS_PER_SECOND, IntentId, TimestampMs

ProcessEvent: TypeAlias = Started | LinkLost | LinkReady
PROCESS_EVENTS: Final = (Started, LinkLost, LinkReady)
REVIEW_MS = MS_PER_SECOND
"""Market time between two reviews on ticks alone, while there is something to watch."""
RELEASES: Final[tuple[tuple[BreakerName, Callable[[Step], None]], ...]] = (
    (BreakerName.LOSS_STREAK, loss_streak.release_streak),
    (BreakerName.DAILY_LOSS, daily_loss.release_day),
    (BreakerName.VOLATILITY, release_volatility),
    (BreakerName.DATA_STALE, release_stale),
    (BreakerName.GAP_GUARD, release_gap),
    (BreakerName.REJECT_RATE, release_rejects),
    (BreakerName.CRASH_LOOP, release_crash_loop),
    (BreakerName.CLOCK_JUMP, release_clock),
)
"""What lets an open breaker go by itself, in this order."""


def review(step: Step, before: EngineState, event: Event) -> None:
    """Let every breaker see this step. One that fails denies every entry until it no longer does.

    Args:
        step: The step, with its event applied; entries are decided after this.
        before: The state before the event.
        event: What happened.
    """
    book = step.breakers
    try:
        _review(step, before, event)
    except PalmbotError:
        raise
    except Exception as e:  # noqa: BLE001 - whatever it is, it must deny and not let pass
        defect = f"{type(e).__name__}: {e}"
        if book.defect != defect:
            step.alarm(Severity.CRITICAL, f"a breaker failed, no entries: {defect}")
            step.say(f"a breaker failed: {defect}")
        step.set_breakers(replace(step.breakers, defect=defect))
    else:
        if step.breakers.defect:
            step.set_breakers(replace(step.breakers, defect=""))


def note_requests(step: Step, before: EngineState) -> None:
    """Take note of what became of entries in this step."""
    if step.changed_intents or step.tally is not before.tally:
        count_mishaps(step, before)
    if step.breakers.is_alert:
        _follow_probes(step)


def is_review_due(step: Step, before: EngineState, tick: Tick) -> bool:
    """Tell whether a tick is more than one more price. On the hot path."""
    book = before.breakers
    day = book.day
    last = before.market.tick
    if day is None or tick.time >= day.ends_at or not day.has_prices:
        return True
    if last is None or tick.time - last.time >= QUIET_MS:
        return True
    if step.market.closed_until != before.market.closed_until:
        return True
    if tick.time - book.reviewed_at < REVIEW_MS:
        return False
    return (
        bool(before.books.positions)
        or day.baseline is None
        or before.flatten is not None
        or book.is_alert
        or is_beyond(step.tape, tick, step.params.breakers)
    )


def _review(step: Step, before: EngineState, event: Event) -> None:
    if isinstance(event, PROCESS_EVENTS):
        _note_process(step, event)
    account_for_money(step, event)
    daily_loss.turn_day(step)
    if step.closed_trades:
        _judge_probes(step, loss_streak.enter_outcomes(step))
    note_requests(step, before)
    _take_bars(step, event)
    if isinstance(event, Tick):
        step.set_breakers(replace(step.breakers, reviewed_at=event.time))
        _note_prices(step)
        _judge_price(step, before.market.tick, event)
    elif isinstance(event, BarClosed) and event.opening is not None:
        _note_prices(step)
        _judge_price(step, _read_close(step, event), event.opening)
    elif isinstance(event, TimePassed):
        watch_silence(step, event)
    daily_loss.measure_day(step, event)
    loss_streak.review_streak(step)
    if step.breakers.is_alert and not isinstance(event, Started):  # to start releases nothing
        _release(step)
    if isinstance(event, OrderAccepted) and are_entries_forbidden(step):
        cancel_resting_entries(step, "accepted after a breaker tripped")
    pursue_flatten(step)


def _note_process(step: Step, event: ProcessEvent) -> None:
    """Take note of what happens to the program and its link."""
    if isinstance(event, Started):
        count_start(step, event)
        daily_loss.tighten_limits(step)
    elif isinstance(event, LinkLost):
        step.set_breakers(replace(step.breakers, is_blind=True))
    elif event.generation == 1:
        _check_boundary(step)


def _check_boundary(step: Step) -> None:
    """Say so if the trading day begins while the market is open."""
    day = step.breakers.day
    symbol = step.symbol
    if day is None or symbol is None:
        return
    if symbol.hours.are_open(day.ends_at) and symbol.hours.are_open(TimestampMs(day.ends_at - 1)):
        step.say("the trading day begins while the market is open: see breakers.day_start")


def _read_close(step: Step, event: BarClosed) -> Tick | None:
    """Return the last price of a bar from a file, if the market may have paused since."""
    opening = event.opening
    end = TimestampMs(event.bar.open_time + step.params.bar_period_ms)
    if opening is None or opening.time - end < QUIET_MS:
        return None
    return Tick(symbol_id=opening.symbol_id, time=end, bid=event.bar.close, ask=event.bar.close)


def _note_prices(step: Step) -> None:
    """Remember that the trading day has had a price."""
    book = step.breakers
    if book.day is not None and not book.day.has_prices:
        step.set_breakers(replace(book, day=replace(book.day, has_prices=True)))


def _release(step: Step) -> None:
    for name, release in RELEASES:
        if step.breakers.read(name).phase is BreakerPhase.OPEN:
            release(step)


def _judge_price(step: Step, last: Tick | None, tick: Tick) -> None:
    watch_opening(step, last, tick)
    judge_tape(step, tick)


def _take_bars(step: Step, event: Event) -> None:
    """Take bars that closed, or came with the history, and judge the newest."""
    symbol = step.symbol
    market = step.market
    if symbol is None:
        return
    view = step.volatility
    if isinstance(event, BarsLoaded) and event.generation == step.link.generation and event.bars:
        if 0 < view.seen_until < event.bars[0].open_time:
            # Bars are missing in between: the ATR starts anew, what is usual is kept.
            view = VolatilityView(
                recent=view.recent,
                ordered=view.ordered,
                hours=view.hours,
                today=view.today,
                day=view.day,
            )
        view = take_bars(
            view, event.bars, step.params.bar_period_ms, symbol.hours, step.params.breakers
        )
    if market.closed_until > view.seen_until:
        bars = market.recent_bars
        if len(bars) > 1 and bars[-2].open_time < view.seen_until:
            bars = bars[-1:]  # in a backtest every time: do not look at all of them for one
        view = take_bars(view, bars, step.params.bar_period_ms, symbol.hours, step.params.breakers)
    is_new = view is not step.volatility
    if is_new:
        step.set_volatility(view)
    if read_now(step) > 0 and (is_new or _is_closed(step, BreakerName.VOLATILITY)):
        judge_bar(step)


def _is_closed(step: Step, name: BreakerName) -> bool:
    return step.breakers.read(name).phase is BreakerPhase.CLOSED


def _judge_probes(step: Step, fresh: tuple[Outcome, ...]) -> None:
    for outcome in fresh:
        for name, judge in (
            (BreakerName.DAILY_LOSS, daily_loss.judge_probe),
            (BreakerName.LOSS_STREAK, loss_streak.judge_probe),
        ):
            record = step.breakers.read(name)
            is_probe = record.probe == outcome.intent_id
            if is_probe and record.phase is BreakerPhase.HALF_OPEN:
                judge(step, Result(outcome.result))


def _follow_probes(step: Step) -> None:
    """Bind the entry that leaves to every breaker that waits for a probe; let go of a dead one."""
    for record in tuple(step.breakers.records.values()):
        if record.phase is not BreakerPhase.HALF_OPEN:
            continue
        if record.probe is not None:
            if not _is_alive(step, record.probe):
                note_probe(step, replace(record, probe=None))
        elif (sent := _find_sent(step)) is not None:
            note_probe(step, replace(record, probe=sent))


def _find_sent(step: Step) -> IntentId | None:
    return next(
        (
            each.intent_id
            for each in step.changed_intents
            if each.kind.is_risk_increasing and each.state in IN_FLIGHT and each.sent_at is not None
        ),
        None,
    )


def _is_alive(step: Step, intent_id: IntentId) -> bool:
    intent = step.books.intents.get(intent_id)
    if intent is not None and intent.state in IN_FLIGHT:
        return True
    return any(each.intent_id == intent_id for each in step.books.positions.values())
