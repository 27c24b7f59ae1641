"""The clock of the demo moves only when told, and keeps the order of its calls."""

from palmbot.domain.units import TimestampMs
from palmbot.workbench.lockstep_clock import LockstepClock


def test_time_stands_still_until_it_is_moved():
    clock = LockstepClock(TimestampMs(1_000))
    assert (clock.link_s(), clock.wall_ms()) == (0.0, 1_000)
    clock.advance_to(2.5)
    assert (clock.link_s(), clock.wall_ms()) == (2.5, 3_500)


def test_time_never_steps_back():
    clock = LockstepClock(TimestampMs(0))
    clock.advance_to(5.0)
    clock.advance_to(3.0)
    assert clock.link_s() == 5.0


def test_calls_are_made_in_order_of_time_then_of_asking_and_at_their_instant():
    clock = LockstepClock(TimestampMs(0))
    made = []
    for name, due_s in (("late", 3.0), ("first", 1.0), ("second", 1.0)):
        clock.call_at(due_s, lambda name=name: made.append((name, clock.link_s())))
    clock.advance_to(2.0)
    assert made == [("first", 1.0), ("second", 1.0)]
    assert clock.next_deadline_s == 3.0
    clock.advance_to(3.0)
    assert made[-1] == ("late", 3.0)


def test_a_cancelled_call_is_never_made_and_is_no_deadline():
    clock = LockstepClock(TimestampMs(0))
    made = []
    clock.call_at(1.0, lambda: made.append("cancelled")).cancel()
    assert clock.next_deadline_s is None
    clock.advance_to(2.0)
    assert made == []


def test_a_call_may_ask_for_another_one_that_is_due_in_the_same_move():
    clock = LockstepClock(TimestampMs(0))
    made = []
    clock.call_at(1.0, lambda: clock.call_at(2.0, lambda: made.append(clock.link_s())))
    clock.advance_to(5.0)
    assert made == [2.0]
