"""The rate budgets of one connection."""

from collections import deque

WINDOW_S = 1.0


class RateBudget:
    """Allows so many requests in any one second.

    A sliding window and no token bucket: a full bucket that refills lets through nearly twice
    its rate within one second, and the server counts seconds.
    """

    __slots__ = ("_ends_s", "_per_s")

    def __init__(self, per_s: int) -> None:
        self._per_s = per_s
        # When each spent request stops to count: kept as the sum, so that `next_s` and `left`
        # never differ by a rounding error and a caller who waits exactly that long gets on.
        self._ends_s: deque[float] = deque()

    def left(self, now_s: float) -> int:
        """Return how many requests are allowed now; below 0 after more than that were spent."""
        while self._ends_s and self._ends_s[0] <= now_s:
            self._ends_s.popleft()
        return self._per_s - len(self._ends_s)

    def spend(self, now_s: float) -> None:
        """Count one request, even if none is left."""
        self._ends_s.append(now_s + WINDOW_S)

    def next_s(self, now_s: float, spare: int) -> float:
        """Return the time from which one request is allowed that leaves `spare` behind."""
        short = 1 + spare - self.left(now_s)
        return now_s if short <= 0 else self._ends_s[short - 1]
