"""Spot events to ticks: an absent side means unchanged, never zero."""

from collections.abc import Callable

from palmbot.ctrader.generated.quote_messages_pb2 import ProtoOASpotEvent
from palmbot.ctrader.translate import PRICE_MAX
from palmbot.domain.market import Tick
from palmbot.domain.units import TimestampMs

SPOT_TIME_MS_MIN = 10**12
SPOT_TIME_MS_MAX = 10**14
"""2001 to 5138. The unit of ProtoOASpotEvent.timestamp is not documented: outside of these it
cannot be milliseconds and the caller's time is used instead."""

_make_tick: Callable[..., Tick] = Tick
"""Unchecked on purpose: calling four NewTypes would take a tenth of the time of a tick."""


class Quotes:
    """The last quote of every symbol on one connection."""

    __slots__ = ("_sides", "_ticks", "dropped", "unstamped")

    def __init__(self) -> None:
        self._sides: dict[int, tuple[int, int]] = {}
        """Bid and ask where the last event gave no tick; 0 is not known yet."""
        self._ticks: dict[int, Tick] = {}
        self.dropped = 0
        """Spot events that gave no tick because bid and ask together are impossible."""
        self.unstamped = 0
        """Ticks that carry the caller's time."""

    def update(self, event: ProtoOASpotEvent, now_ms: TimestampMs) -> Tick | None:
        """Fold one spot event in; return the tick, or None until both sides are sane.

        `now_ms` stands in where the event carries no usable time. The live bar some events
        carry is not looked at: it has no close, and bars are made from ticks.
        """
        symbol_id = event.symbolId
        bid = event.bid
        ask = event.ask
        if not (bid and ask):
            known_bid, known_ask = self._read_sides(symbol_id)
            bid, ask = bid or known_bid, ask or known_ask
        if not 0 < bid <= ask < PRICE_MAX:
            self._sides[symbol_id] = bid, ask
            self.dropped += bool(bid and ask)
            return None
        time = event.timestamp
        if not SPOT_TIME_MS_MIN < time < SPOT_TIME_MS_MAX:
            time = now_ms
            self.unstamped += 1
        tick = _make_tick(symbol_id=symbol_id, time=time, bid=bid, ask=ask)
        self._ticks[symbol_id] = tick
        if self._sides:
            self._sides.pop(symbol_id, None)
        return tick

    def _read_sides(self, symbol_id: int) -> tuple[int, int]:
        if symbol_id in self._sides:
            return self._sides[symbol_id]
        tick = self._ticks.get(symbol_id)
        return (0, 0) if tick is None else (tick.bid, tick.ask)

    @property
    def has_ticks(self) -> bool:
        """True once any symbol had a tick."""
        return bool(self._ticks)

    def last_ticks(self) -> tuple[Tick, ...]:
        """Return the newest tick of every symbol that had one."""
        return tuple(self._ticks.values())
