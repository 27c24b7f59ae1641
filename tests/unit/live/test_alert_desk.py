"""What is sent, what is not, and when the sign of life ends."""

import pytest
from msgspec.structs import replace

from harness import journal_story as story
from harness.manual_clock import ManualClock
from palmbot.core.engine import decide
from palmbot.core.state import Decision, LinkPhase, initial_state
from palmbot.domain.commands import RaiseAlarm, Severity
from palmbot.domain.events import AlertUndelivered, StopRequested
from palmbot.domain.orders import IntentState
from palmbot.live.alert_desk import AlertDesk, AlertRules

EVENT = StopRequested(reason="x")


class Outside:
    """Implements `ports.AlertChannel` and `ports.EventSink` by keeping everything."""

    def __init__(self):
        self.texts = []
        self.beats = 0
        self.events = []

    def send(self, alarm):
        self.texts.append(alarm.text)

    def beat(self):
        self.beats += 1

    def put(self, event):
        self.events.append(event)


@pytest.fixture
def outside():
    return Outside()


@pytest.fixture
def clock():
    return ManualClock()


def make_desk(outside, clock, **rules):
    return AlertDesk(channel=outside, clock=clock, rules=AlertRules(**rules))


def alarm(text, severity=Severity.WARNING):
    return RaiseAlarm(severity=severity, text=text)


def test_alarms_below_the_level_stay_inside(outside, clock):
    desk = make_desk(outside, clock, level=Severity.CRITICAL)
    for severity in Severity:
        desk.raise_alarm(alarm(severity.value, severity))
    assert outside.texts == ["critical"]


def test_an_alarm_that_repeats_within_ten_minutes_is_sent_once(outside, clock):
    desk = make_desk(outside, clock)
    for _ in range(5):
        desk.raise_alarm(alarm("same"))
        clock.advance(100.0)
    desk.raise_alarm(alarm("other"))
    assert outside.texts == ["same", "other"]
    clock.advance(200.0)
    desk.raise_alarm(alarm("same"))
    assert outside.texts == ["same", "other", "same"]


def test_a_failed_message_becomes_an_event_and_no_message(outside, clock):
    desk = make_desk(outside, clock)
    desk.note_failure("early", "before there was a bot")
    desk.attach(outside, lambda: initial_state(story.PARAMS))
    desk.note_failure("breaker tripped", "address 1 (json): it was not accepted")
    (event,) = outside.events
    assert event == AlertUndelivered(
        text="breaker tripped", reason="address 1 (json): it was not accepted"
    )
    assert outside.texts == []


def test_the_core_records_a_failed_message_and_changes_nothing_else():
    state = initial_state(story.PARAMS)
    event = AlertUndelivered(text="breaker tripped", reason="address 1 (json): no answer")
    decision = decide(state, event, story.PARAMS)
    assert decision.commands == ()
    assert "breaker tripped" in decision.reason
    assert "address 1 (json): no answer" in decision.reason
    assert decision.state == replace(state, sequence=state.sequence + 1)


def test_an_order_without_an_answer_is_told_once_until_it_is_known(outside, clock):
    desk = make_desk(outside, clock)
    intent = replace(story.intent(1, IntentState.UNKNOWN), resolution="no answer in time")
    state = initial_state(story.PARAMS)

    def observe(changed):
        desk.observe(EVENT, Decision(state=state, changed_intents=(changed,)))

    observe(intent)
    observe(intent)
    assert outside.texts == [f"order unknown: entry {intent.intent_id}: no answer in time"]
    observe(replace(intent, state=IntentState.FILLED))
    clock.advance(700.0)
    observe(intent)
    assert len(outside.texts) == 2


def test_a_link_that_is_down_for_long_is_told_and_ends_the_heartbeat(outside, clock):
    desk = make_desk(outside, clock, link_down_s=300.0)
    state = initial_state(story.PARAMS)

    def pass_time(phase, seconds):
        nonlocal state
        state = replace(state, link=replace(state.link, phase=phase, reason="the line is cut"))
        for _ in range(int(seconds // 5)):
            desk.check_link()
            clock.advance(5.0)
        desk.check_link()
        desk.beat()

    desk.check_link()  # nobody to watch yet
    desk.attach(outside, lambda: state)
    pass_time(LinkPhase.DISCONNECTED, 295)
    assert (outside.texts, outside.beats) == ([], 1)
    pass_time(LinkPhase.DISCONNECTED, 1_000)
    assert outside.texts == ["no connection to the broker for 5 min: the line is cut"]
    assert outside.beats == 1
    pass_time(LinkPhase.SYNCING, 10)
    assert outside.texts[1] == "the connection to the broker is back after 22 min"
    assert outside.beats == 2
    pass_time(LinkPhase.DISCONNECTED, 100)
    pass_time(LinkPhase.CONSISTENT, 10)
    assert len(outside.texts) == 2
