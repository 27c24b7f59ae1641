"""The one reader of the clock."""

import time


class WallClock:
    """Implements `ports.Clock`."""

    def now_ms(self) -> int:
        """Return milliseconds since 1970."""
        return time.time_ns() // 1_000_000
