"""Which alarms leave the house, and when the outside hears that all is well.

Everything is written to the log. What is loud enough is sent, once: an alarm that repeats
within ten minutes says nothing new. A message that did not arrive becomes an event, so that the
journal tells later why nobody came.
"""

from collections.abc import Callable
from dataclasses import dataclass

import structlog

from palmbot.core.state import Decision, EngineState, LinkPhase
from palmbot.domain.commands import RaiseAlarm, Severity
from palmbot.domain.events import AlertUndelivered, Event
from palmbot.domain.orders import IntentState
from palmbot.domain.units import IntentId
from palmbot.ports import AlertChannel, Clock, EventSink

REPEAT_S = 600.0
BEAT_S = 60.0
"""Link seconds between two heartbeats; a watch outside should wait for several."""
CHECK_S = 5.0
TEXTS_MAX = 500
"""Alarms remembered as sent; the oldest are forgotten first."""

_LOUDNESS = {Severity.NOTICE: 0, Severity.WARNING: 1, Severity.CRITICAL: 2}

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AlertRules:
    """What is worth waking a person."""

    level: Severity = Severity.WARNING
    """Quieter alarms stay in the log."""
    link_down_s: float = 300.0
    """Without a connection for so long, link seconds, is worth an alarm and ends the heartbeat."""


class AlertDesk:
    """Judges alarms, watches the link, gives the sign of life."""

    def __init__(self, *, channel: AlertChannel, clock: Clock, rules: AlertRules) -> None:
        self._channel = channel
        self._clock = clock
        self._rules = rules
        self._sink: EventSink | None = None
        self._read_state: Callable[[], EngineState] | None = None
        self._sent_at_s: dict[str, float] = {}
        self._unknown: set[IntentId] = set()
        self._down_since_s: float | None = None
        self._is_down_told = False

    def attach(self, sink: EventSink, read_state: Callable[[], EngineState]) -> None:
        """Learn where events go and how the bot stands; before that there is no bot to watch."""
        self._sink = sink
        self._read_state = read_state

    def raise_alarm(self, alarm: RaiseAlarm) -> None:
        """Write the alarm to the log and send it if it is loud and new; never blocks."""
        log_alarm(alarm)
        if _LOUDNESS[alarm.severity] < _LOUDNESS[self._rules.level]:
            return
        now_s = self._clock.link_s()
        sent_at_s = self._sent_at_s.pop(alarm.text, None)
        is_repeated = sent_at_s is not None and now_s - sent_at_s < REPEAT_S
        self._sent_at_s[alarm.text] = sent_at_s if is_repeated and sent_at_s else now_s
        while len(self._sent_at_s) > TEXTS_MAX:
            del self._sent_at_s[next(iter(self._sent_at_s))]
        if not is_repeated:
            self._channel.send(alarm)

    def note_failure(self, text: str, reason: str) -> None:
        """Journal that a message did not arrive; never sent as a message itself."""
        log.warning("alert.undelivered", text=text, reason=reason)
        if self._sink is not None:
            self._sink.put(AlertUndelivered(text=text, reason=reason))

    def observe(self, _event: Event, decision: Decision) -> None:
        """Say that an order has no answer; an observer of `live.trader`."""
        for intent in decision.changed_intents:
            if intent.state is not IntentState.UNKNOWN:
                self._unknown.discard(intent.intent_id)
            elif intent.intent_id not in self._unknown:
                self._unknown.add(intent.intent_id)
                text = f"order unknown: {intent.kind} {intent.intent_id}: {intent.resolution}"
                self.raise_alarm(RaiseAlarm(severity=Severity.WARNING, text=text.rstrip(": ")))

    def check_link(self) -> None:
        """Look whether the connection is missing for long; call it every `CHECK_S`."""
        if self._read_state is None:
            return
        link = self._read_state().link
        now_s = self._clock.link_s()
        if link.phase is not LinkPhase.DISCONNECTED:
            if self._is_down_told and self._down_since_s is not None:
                down_s = now_s - self._down_since_s
                text = f"the connection to the broker is back after {down_s / 60:.0f} min"
                self.raise_alarm(RaiseAlarm(severity=self._rules.level, text=text))
            self._down_since_s, self._is_down_told = None, False
            return
        if self._down_since_s is None:
            self._down_since_s = now_s
        elif not self._is_down_told and now_s - self._down_since_s >= self._rules.link_down_s:
            self._is_down_told = True
            text = (
                f"no connection to the broker for {self._rules.link_down_s / 60:.0f} min: "
                f"{link.reason}"
            )
            self.raise_alarm(RaiseAlarm(severity=Severity.CRITICAL, text=text))

    def beat(self) -> None:
        """Give the sign of life unless the link is missing for long; call it every `BEAT_S`."""
        if not self._is_down_told:
            self._channel.beat()


def log_alarm(alarm: RaiseAlarm) -> None:
    """Write an alarm to the log, as loud as it is."""
    match alarm.severity:
        case Severity.NOTICE:
            log.info("alarm.raised", text=alarm.text)
        case Severity.WARNING:
            log.warning("alarm.raised", text=alarm.text)
        case Severity.CRITICAL:
            log.error("alarm.raised", text=alarm.text)
