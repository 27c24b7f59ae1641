"""Does one thing again and again, at an even pace of link time."""

from collections.abc import Callable

from palmbot.ports import Clock, Timer


class Recurrence:
    """Calls something every so many link seconds, from `start` to `stop`."""

    def __init__(self, *, clock: Clock, every_s: float, call: Callable[[], None]) -> None:
        self._clock = clock
        self._every_s = every_s
        self._call = call
        self._timer: Timer | None = None

    def start(self) -> None:
        """Call for the first time after one period; needs a running event loop."""
        self._timer = self._clock.call_at(self._clock.link_s() + self._every_s, self._recur)

    def stop(self) -> None:
        """Call no more."""
        if self._timer is not None:
            self._timer.cancel()

    def _recur(self) -> None:
        self.start()
        self._call()
