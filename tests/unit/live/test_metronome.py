"""Market time goes on while no tick arrives."""

from harness.manual_clock import ManualClock
from palmbot.core.state import Decision, EngineState
from palmbot.domain.events import TimePassed
from palmbot.domain.market import Tick
from palmbot.domain.units import Price, SymbolId, TimestampMs
from palmbot.live.inbox import Inbox
from palmbot.live.metronome import Metronome

NOTHING = Decision(state=EngineState())


class Sink:
    def __init__(self):
        self.events = []

    def put(self, event):
        self.events.append(event)


def tick(time):
    return Tick(symbol_id=SymbolId(1), time=TimestampMs(time), bid=Price(100), ask=Price(101))


def test_a_beat_tells_the_time_of_the_last_tick_plus_what_has_passed_since():
    clock, sink = ManualClock(), Sink()
    metronome = Metronome(sink=sink, clock=clock)
    metronome.start()
    metronome.observe(tick(50_000), NOTHING)
    clock.advance(2.0)
    assert sink.events == [
        TimePassed(time=TimestampMs(51_000)),
        TimePassed(time=TimestampMs(52_000)),
    ]


def test_before_the_first_tick_there_is_no_market_time_to_tell():
    clock, sink = ManualClock(), Sink()
    Metronome(sink=sink, clock=clock).start()
    clock.advance(5.0)
    assert sink.events == []


def test_a_stopped_metronome_is_silent():
    clock, inbox = ManualClock(), Inbox()
    metronome = Metronome(sink=inbox, clock=clock)
    metronome.start()
    metronome.observe(tick(50_000), NOTHING)
    metronome.stop()
    clock.advance(5.0)
    assert len(inbox) == 0
