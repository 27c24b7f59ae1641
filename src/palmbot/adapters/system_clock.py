"""The machine's clocks. The only file that reads them."""

import asyncio
import time
from collections.abc import Callable

from palmbot.domain.units import TimestampMs

NS_PER_MS = 1_000_000

# CLOCK_MONOTONIC stops while a Linux machine is suspended, so that a price from before would look
# fresh afterwards. Where there is no better clock the monotonic one has to do.
_LINK_CLOCK = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


class SystemClock:
    """Implements `ports.Clock` for a process that lives in real time."""

    def link_s(self) -> float:
        """Return the seconds since the machine started, time in suspension included."""
        return time.clock_gettime(_LINK_CLOCK)

    def wall_ms(self) -> TimestampMs:
        """Return the time of day in UTC."""
        return TimestampMs(time.time_ns() // NS_PER_MS)

    def call_at(self, link_s: float, callback: Callable[[], None]) -> asyncio.TimerHandle:
        """Call `callback` in the running event loop, at once if the moment has passed."""
        delay_s = max(0.0, link_s - self.link_s())
        return asyncio.get_running_loop().call_later(delay_s, callback)
