"""One step under construction: collects what its `Decision` will carry."""

from collections.abc import Mapping
from typing import Any

from msgspec.structs import replace

from palmbot.core.breakers.book import (
    BreakerBook,
    BreakerChange,
    BreakerRecord,
    Tape,
    VolatilityView,
)
from palmbot.core.params import EngineParams
from palmbot.core.state import (
    Books,
    ClosedPosition,
    Decision,
    Discrepancy,
    EngineState,
    FlattenOrder,
    LinkState,
    MarketView,
    OpenPosition,
    Tally,
    TradingSwitch,
)
from palmbot.domain.breakers import BreakerName
from palmbot.domain.commands import Command, RaiseAlarm, Severity
from palmbot.domain.orders import IN_FLIGHT, Intent, Trade
from palmbot.domain.units import IntentId, PositionId

FINISHED_INTENTS_MAX = 64
"""Finished intents kept to recognise late arrivals; older ones turn into "ours without a row"."""
CLOSED_POSITIONS_MAX = 128


class Step:
    """Lives within one call of `decide` and is seen by nobody else: `decide` stays pure.

    The parts of the state lie open here under the names that they have in `EngineState`, to
    be read; the setters replace them, and the state before stays whole. The state itself is
    put together only when somebody asks for it, which for most events is once, at the end.
    """

    def __init__(self, state: EngineState, params: EngineParams) -> None:
        self.params = params
        self._take_apart(state)
        self._changes: dict[str, Any] = {"sequence": state.sequence + 1}
        self._state: EngineState | None = None
        self._commands: list[Command] = []
        self._reasons: list[str] = []
        self._intents: dict[IntentId, Intent] = {}
        self._positions: dict[PositionId, OpenPosition | ClosedPosition] = {}
        self._trades: list[Trade] = []
        self._discrepancies: list[Discrepancy] = []
        self._breakers: dict[BreakerName, BreakerRecord] = {}
        self._breaker_changes: list[BreakerChange] = []

    def _take_apart(self, state: EngineState) -> None:
        self._base = state
        self.intents_made = state.intents_made
        self.market = state.market
        self.link = state.link
        self.books = state.books
        self.switch = state.switch
        self.breakers = state.breakers
        self.tape = state.tape
        self.volatility = state.volatility
        self.flatten = state.flatten
        self.tally = state.tally
        self.account = state.account
        self.symbol = state.symbol
        self.conversion = state.conversion
        self.sentiment = state.sentiment

    @property
    def state(self) -> EngineState:
        """The whole state as it stands in this step."""
        if self._state is None:
            self._state = replace(self._base, **self._changes)
        return self._state

    @state.setter
    def state(self, state: EngineState) -> None:
        self._take_apart(state)
        self._changes = {}
        self._state = state

    @property
    def closed_trades(self) -> tuple[Trade, ...]:
        """Trades closed in this step so far."""
        return tuple(self._trades)

    @property
    def changed_intents(self) -> tuple[Intent, ...]:
        """Intents that changed in this step so far, as they stand now."""
        return tuple(self._intents.values())

    def set_market(self, market: MarketView) -> None:
        """Replace the market view."""
        self.market = self._changes["market"] = market
        self._state = None

    def set_link(self, link: LinkState) -> None:
        """Replace the link state."""
        self.link = self._changes["link"] = link
        self._state = None

    def set_books(self, books: Books) -> None:
        """Replace the books; positions and intents go through `put_*` to be recorded."""
        self.books = self._changes["books"] = books
        self._state = None

    def set_tally(self, tally: Tally) -> None:
        """Replace the counters."""
        self.tally = self._changes["tally"] = tally
        self._state = None

    def set_switch(self, switch: TradingSwitch) -> None:
        """Replace the trading switch."""
        self.switch = self._changes["switch"] = switch
        self._state = None

    def set_breakers(self, breakers: BreakerBook) -> None:
        """Replace what the breakers remember; a breaker itself goes through `put_breaker`."""
        self.breakers = self._changes["breakers"] = breakers
        self._state = None

    def set_flatten(self, order: FlattenOrder | None) -> None:
        """Replace the order to close everything."""
        self.flatten = self._changes["flatten"] = order
        self._state = None

    def set_tape(self, tape: Tape) -> None:
        """Replace what single ticks tell the breakers."""
        self.tape = self._changes["tape"] = tape
        self._state = None

    def set_volatility(self, view: VolatilityView) -> None:
        """Replace what closed bars tell the breakers."""
        self.volatility = self._changes["volatility"] = view
        self._state = None

    def put_breaker(self, record: BreakerRecord, change: BreakerChange | None = None) -> None:
        """Record a breaker as it stands now, and for the audit how it came there."""
        book = self.breakers
        self._breakers[record.name] = record
        self.set_breakers(replace(book, records={**book.records, record.name: record}))
        if change is not None:
            self._breaker_changes.append(change)

    def command(self, command: Command) -> None:
        """Ask the shell for something, after everything asked for before."""
        self._commands.append(command)

    def alarm(self, severity: Severity, text: str) -> None:
        """Tell a person."""
        self._commands.append(RaiseAlarm(severity=severity, text=text))

    def say(self, reason: str) -> None:
        """Add to the reason of the decision."""
        self._reasons.append(reason)

    def conclude(self, reason: str) -> None:
        """Add to the reason, and show it as the last decision."""
        self._reasons.append(reason)
        self._changes["last_decision"] = reason
        self._state = None

    def put_intent(self, intent: Intent) -> None:
        """Record an intent as it stands now; the oldest finished ones make room."""
        intents = dict(self.books.intents)
        intents[intent.intent_id] = intent
        self._intents[intent.intent_id] = intent
        self.set_books(replace(self.books, intents=_prune(intents, self.books.positions)))

    def put_position(self, position: OpenPosition) -> None:
        """Record an open position as it stands now."""
        positions = dict(self.books.positions)
        positions[position.position_id] = position
        self._positions[position.position_id] = position
        self.set_books(replace(self.books, positions=positions))

    def drop_position(self, gone: ClosedPosition, trade: Trade | None) -> None:
        """Take a position out of the books for good, with the trade it made if that is known."""
        positions = dict(self.books.positions)
        positions.pop(gone.position_id, None)
        self._positions[gone.position_id] = gone
        closed = (*self.books.closed_positions, gone.position_id)[-CLOSED_POSITIONS_MAX:]
        self.set_books(replace(self.books, positions=positions, closed_positions=closed))
        if trade is not None:
            self._trades.append(trade)

    def report(self, discrepancy: Discrepancy) -> None:
        """Record a difference between the books."""
        self._discrepancies.append(discrepancy)

    def finish(self) -> Decision:
        """Return the decision."""
        commands, reason = tuple(self._commands), "; ".join(self._reasons)
        if not (self._intents or self._positions or self._breakers or self._discrepancies):
            return Decision(state=self.state, commands=commands, reason=reason)
        return Decision(
            state=self.state,
            commands=commands,
            reason=reason,
            changed_intents=tuple(self._intents.values()),
            changed_positions=tuple(self._positions.values()),
            closed_trades=tuple(self._trades),
            discrepancies=tuple(self._discrepancies),
            changed_breakers=tuple(self._breakers.values()),
            breaker_changes=tuple(self._breaker_changes),
        )


def _prune(
    intents: dict[IntentId, Intent], positions: Mapping[PositionId, OpenPosition]
) -> dict[IntentId, Intent]:
    needed = {position.intent_id for position in positions.values()}
    finished = [
        intent.intent_id
        for intent in intents.values()
        if intent.state not in IN_FLIGHT and intent.intent_id not in needed
    ]
    for intent_id in finished[: max(0, len(finished) - FINISHED_INTENTS_MAX)]:
        del intents[intent_id]
    return intents
