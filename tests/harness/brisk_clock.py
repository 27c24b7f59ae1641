"""A clock whose link time runs many times as fast as real time, for waits that are the rule."""

import asyncio
import time

from palmbot.domain.units import TimestampMs


class BriskClock:
    """Implements `ports.Clock`; both ends of a link that share it agree on every second."""

    def __init__(self, factor=50.0, epoch_ms=1_795_000_000_000):
        self.factor = factor
        self.epoch_ms = epoch_ms
        self.began_s = time.monotonic()

    def link_s(self):
        return (time.monotonic() - self.began_s) * self.factor

    def wall_ms(self):
        return TimestampMs(self.epoch_ms + round(self.link_s() * 1000))

    def call_at(self, link_s, callback):
        delay_s = max(0.0, link_s - self.link_s()) / self.factor
        return asyncio.get_running_loop().call_later(delay_s, callback)
