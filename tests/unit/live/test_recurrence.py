"""Something is done at an even pace until it is stopped."""

from harness.manual_clock import ManualClock
from palmbot.live.recurrence import Recurrence


def test_it_calls_once_a_period_and_no_more_after_the_stop():
    clock = ManualClock()
    calls = []
    recurrence = Recurrence(clock=clock, every_s=0.5, call=lambda: calls.append(clock.link_s()))
    recurrence.start()
    clock.advance(1.6)
    assert calls == [0.5, 1.0, 1.5]
    recurrence.stop()
    clock.advance(5)
    assert len(calls) == 3


def test_a_call_that_fails_does_not_end_the_pace():
    clock = ManualClock()
    calls = []

    def fail_first():
        calls.append(1)
        if len(calls) == 1:
            raise OSError

    Recurrence(clock=clock, every_s=1.0, call=fail_first).start()
    for _ in range(2):
        try:
            clock.advance(1.0)
        except OSError:
            clock.now_s = 1.0
    assert len(calls) == 2


def test_to_stop_what_never_started_is_harmless():
    Recurrence(clock=ManualClock(), every_s=1.0, call=lambda: None).stop()
