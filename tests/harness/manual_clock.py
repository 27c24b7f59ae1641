"""A clock that a test moves by hand; written apart from the lockstep clock it resembles."""

from palmbot.domain.units import TimestampMs


class ManualTimer:
    def __init__(self, due_s, callback):
        self.due_s = due_s
        self.callback = callback

    def cancel(self):
        self.callback = None


class ManualClock:
    """Implements `ports.Clock`."""

    def __init__(self, now_s=0.0, epoch_ms=1_700_000_000_000):
        self.now_s = now_s
        self.epoch_ms = epoch_ms
        self.timers = []

    def link_s(self):
        return self.now_s

    def wall_ms(self):
        return TimestampMs(self.epoch_ms + round(self.now_s * 1000))

    def call_at(self, link_s, callback):
        timer = ManualTimer(link_s, callback)
        self.timers.append(timer)
        return timer

    def advance(self, seconds):
        """Pass time and make every call that falls due, in order."""
        end_s = self.now_s + seconds
        while True:
            self.timers = [timer for timer in self.timers if timer.callback is not None]
            due = [timer for timer in self.timers if timer.due_s <= end_s]
            if not due:
                break
            timer = min(due, key=lambda each: each.due_s)
            self.now_s = max(self.now_s, timer.due_s)
            callback, timer.callback = timer.callback, None
            callback()
        self.now_s = end_s
