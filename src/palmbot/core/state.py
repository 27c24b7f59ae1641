"""All the engine remembers between two events, and what one decision hands to the shell.

Plain frozen values only: the state is stored as the journal's snapshot and read back from
JSON by these annotations. Mappings and tuples in it are never changed in place.
"""

from enum import StrEnum
from typing import Protocol

from msgspec import Struct, field

from palmbot.core.breakers.book import (
    BreakerBook,
    BreakerChange,
    BreakerRecord,
    Tape,
    VolatilityView,
)
from palmbot.core.params import EngineParams
from palmbot.core.rsi import RSI_START, RsiState
from palmbot.domain.commands import Command
from palmbot.domain.events import SentimentUpdated
from palmbot.domain.market import Account, Bar, ConversionLeg, Side, Symbol, Tick
from palmbot.domain.orders import Intent, Trade
from palmbot.domain.units import (
    DealId,
    IntentId,
    Money,
    OrderId,
    PositionId,
    Price,
    SymbolId,
    TimestampMs,
    Volume,
)

NO_TIME = TimestampMs(0)
NO_MONEY = Money(0)
NO_VOLUME = Volume(0)


class LinkPhase(StrEnum):
    """How far the books are trusted. Entries only while CONSISTENT."""

    DISCONNECTED = "disconnected"
    SYNCING = "syncing"
    """The broker's books are being read, or a difference is being worked on."""
    CONSISTENT = "consistent"
    """The last complete reading equals our books."""
    DEGRADED = "degraded"
    """A reading failed and is tried again. Unknown, never flat."""
    QUARANTINED = "quarantined"
    """A person has to settle an item first."""


class FormingBar(Struct, frozen=True, kw_only=True):
    """Bid prices of the period that still runs."""

    open_time: TimestampMs
    open: Price
    high: Price
    low: Price
    close: Price
    volume: int


class MarketView(Struct, frozen=True, kw_only=True):
    """Prices as they stand, and the indicator over closed bars."""

    time: TimestampMs = NO_TIME
    """Market time: the latest stamp seen. Never steps back."""
    tick: Tick | None = None
    """Last price of the traded symbol; kept after a link loss, see `tick_generation`."""
    tick_generation: int = 0
    """Connection on which `tick` arrived."""
    leg_ticks: dict[SymbolId, Tick] = field(default_factory=dict)
    """Last prices of the conversion symbols on this connection."""
    forming: FormingBar | None = None
    recent_bars: tuple[Bar, ...] = ()
    """Newest closed bars, oldest first, for merging with history that lags behind."""
    closed_until: TimestampMs = NO_TIME
    """End of the newest bar that the RSI has seen; earlier ticks make no bar."""
    rsi: RsiState = RSI_START
    undecided_bar: TimestampMs | None = None
    """Opening time of a closed bar whose signal waits for the first price after it."""
    bars_decided: int = 0
    """Bars closed by the live feed or a file, history left out."""


class LinkState(Struct, frozen=True, kw_only=True):
    """The connection and the comparison of books on it."""

    phase: LinkPhase = LinkPhase.DISCONNECTED
    reason: str = "not connected yet"
    """Why the phase is what it is, in words."""
    generation: int = 0
    """Connection in use or last used; 0 before the first of this process."""
    history_generation: int = 0
    """Connection on which the broker's bars were last merged."""
    attempt: int = 0
    """Readings of the books since the last clean one; sets the delay of the next."""
    history_attempt: int = 0
    delay_s: float = 0.0
    """Link seconds that the last reading asked for was told to wait."""
    executed_at: TimestampMs = NO_TIME
    """Broker time of the newest execution heard on this connection; a reading must not be older."""
    ready_at: TimestampMs = NO_TIME
    """Market time at which the connection became usable, never later than the true one; 0 if
    market time was our own clock's."""
    confirmed_at: TimestampMs | None = None
    """Broker time of the last clean comparison."""
    readings_due: int = 0
    """Clean readings still wanted before the books are trusted: after a quarantine that ended by
    evidence, one is not enough."""
    is_unstamped: bool = False
    """A price of this connection came without the broker's time."""
    own_clock_until: TimestampMs = NO_TIME
    """Up to here market time may be our own clock's; what it says proves nothing."""


class TradingSwitch(Struct, frozen=True, kw_only=True):
    """Whether entries are allowed at all; latched until a person resumes."""

    epoch: int = 0
    """Grows with every change, so that a decision made before a change is not sent after it."""
    halted_by: str | None = None
    """Who halted; None while entries are allowed."""
    reason: str = ""
    is_stopping: bool = False
    """The process is about to end; ends with it."""


class FlattenOrder(Struct, frozen=True, kw_only=True):
    """Every own position is to be closed; stands until the broker's books show none."""

    reason: str
    since: TimestampMs
    asked_at: TimestampMs | None = None
    """Market time of the newest attempt."""


class OpenPosition(Struct, frozen=True, kw_only=True):
    """A position of ours, with what its entry intended and what has been closed of it."""

    position_id: PositionId
    intent_id: IntentId
    symbol_id: SymbolId
    side: Side
    volume: Volume
    """Open now."""
    entry_price: Price
    entry_volume: Volume
    """Everything ever filled into it."""
    unexplained_volume: int = 0
    """Open volume beyond what the fills heard make of it, as the broker showed it; negative if it
    was less. Fills that are heard later explain it first and change the volume by the rest."""
    stop_loss: Price | None
    """As the broker last reported."""
    take_profit: Price | None
    intended_stop: Price
    """Where the entry wanted it: what a repair restores."""
    intended_target: Price
    opened_at: TimestampMs
    entry_reason: str
    swap: Money = NO_MONEY
    commission: Money = NO_MONEY
    closed_volume: Volume = NO_VOLUME
    closed_value: int = 0
    """Sum of price times volume over its closing fills."""
    closed_profit: Money = NO_MONEY
    """Net, over its closing fills."""
    is_yielding: bool = False
    """A person lets the broker's record correct side and volume at the next reading."""
    repairs: int = 0
    """Times a repair of its levels was refused or lost."""
    unprotected_s: float | None = None
    """Link seconds waited since the broker first showed it without a stop; None while it has one
    as far as we know."""


class ClosedPosition(Struct, frozen=True, kw_only=True):
    """A position of ours that is gone."""

    position_id: PositionId
    intent_id: IntentId
    closed_at: TimestampMs
    reason: str


class DiscrepancyClass(StrEnum):
    """Kinds of difference between our books and the broker's."""

    IN_FLIGHT_FOUND = "R1"
    IN_FLIGHT_LOST = "R2"
    IN_FLIGHT_UNDECIDED = "R3"
    CLOSED_WHILE_AWAY = "R4"
    LOCAL_ONLY = "R5"
    REMOTE_ONLY_OURS = "R6"
    REMOTE_ONLY_FOREIGN = "R7"
    VOLUME_SMALLER = "R9"
    VOLUME_LARGER = "R10"
    SIDE_DIFFERS = "R11"
    PRICE_DIFFERS = "R12"
    STOP_MISSING = "R13"
    LEVELS_MOVED = "R14"
    ORPHAN_ORDER = "R15"
    DUPLICATE = "R16"
    BALANCE_GAP = "R17"
    QUERY_FAILED = "R18"
    SPEC_CHANGED = "R19"
    ACCOUNT_MISMATCH = "R20"
    CLOCK_SKEW = "R21"


class Discrepancy(Struct, frozen=True, kw_only=True):
    """One difference, and what is done about it."""

    kind: DiscrepancyClass
    item: str
    """Id of an intent, `position:<id>`, `closed:<id>` (a position that its fills closed and that is
    still shown), `order:<id>`, `balance`, `account`, `symbol`, `clock` or `journal`."""
    detail: str
    """Both sides of it, with numbers."""
    action: str
    """In words: what the engine does, or for whom it waits."""
    intent_id: IntentId | None = None
    position_id: PositionId | None = None
    order_id: OrderId | None = None


class QuarantineItem(Struct, frozen=True, kw_only=True):
    """Something a person, or later evidence, has to settle before entries are allowed."""

    item: str
    """As in `Discrepancy.item`; what `palmbot reconcile ack` names."""
    kind: DiscrepancyClass
    detail: str
    since: TimestampMs
    """Market time."""
    reminded_at: TimestampMs | None = None
    """Market time of the newest reminder; None before the first."""


class Absence(Struct, frozen=True, kw_only=True):
    """A thing of ours that complete readings of the broker's books do not show."""

    readings: int
    first_at: TimestampMs
    """Broker time of the first such reading."""
    last_at: TimestampMs
    waited_s: float
    """Link seconds of delay asked for between those readings: the clock of the search."""


class Books(Struct, frozen=True, kw_only=True):
    """Our record of what is at the broker, and of what is on its way there."""

    intents: dict[IntentId, Intent] = field(default_factory=dict)
    """In flight, and the newest finished ones; in order of creation."""
    positions: dict[PositionId, OpenPosition] = field(default_factory=dict)
    applied_deals: tuple[DealId, ...] = ()
    """Newest fills applied; a fill in here changes nothing again."""
    closed_positions: tuple[PositionId, ...] = ()
    """Newest positions gone for good; no late fill opens them again."""
    forgotten_orders: tuple[OrderId, ...] = ()
    """Orders at the broker that carry our label and are not in our books; a person was told."""
    foreign_positions: tuple[PositionId, ...] = ()
    """Positions in our symbol that are not ours: never touched, and no entry beside them."""
    quarantine: dict[str, QuarantineItem] = field(default_factory=dict)
    absences: dict[str, Absence] = field(default_factory=dict)
    """By item: intents and positions being looked for, and closed positions being shown."""
    balance: Money = NO_MONEY
    balance_version: int = 0
    settled_balance: Money | None = None
    """Balance of the last clean comparison: what moved it since has to be explained."""
    settled_version: int = 0
    last_entry_bar: TimestampMs = NO_TIME
    """Bar of the newest entry intent. Bars only move on, so one bar gives one entry at most."""


class Tally(Struct, frozen=True, kw_only=True):
    """What the status display and the limits count."""

    signals: int = 0
    refusals: dict[str, int] = field(default_factory=dict)
    """Signals refused, by the gate's code."""
    entries_sent: int = 0
    requests_sent: int = 0
    """Of every kind."""
    entry_times: tuple[TimestampMs, ...] = ()
    """Market times of the entries sent within the last minute."""
    entry_day: int = 0
    """UTC day of market time, counted from 1970."""
    entries_today: int = 0
    trades: int = 0
    wins: int = 0
    gross_profit: Money = NO_MONEY
    gross_loss: Money = NO_MONEY
    """Sum of losses, as a positive amount."""
    links_lost: int = 0
    late_ticks: int = 0


class EngineState(Struct, frozen=True, kw_only=True):
    """The whole bot between two events."""

    sequence: int = 0
    """Number of events decided."""
    run_id: str = ""
    started_at: TimestampMs = NO_TIME
    """Wall clock of the last `Started`."""
    nonce: int = 0
    """80 random bits of this run: the base of its intent ids."""
    intents_made: int = 0
    """Intents of this run: the counter in its intent ids."""
    market: MarketView = MarketView()
    link: LinkState = LinkState()
    books: Books = Books()
    switch: TradingSwitch = TradingSwitch()
    breakers: BreakerBook = field(default_factory=BreakerBook)
    tape: Tape = field(default_factory=Tape)
    """What single ticks tell the breakers; apart from them because it changes with many a tick."""
    volatility: VolatilityView = field(default_factory=VolatilityView)
    """What closed bars tell them; apart because it changes with each bar."""
    flatten: FlattenOrder | None = None
    tally: Tally = Tally()
    account: Account | None = None
    symbol: Symbol | None = None
    conversion: tuple[ConversionLeg, ...] = ()
    sentiment: SentimentUpdated | None = None
    last_decision: str = "nothing decided yet"
    """Latest decision with its reason, for the status display."""

    @property
    def is_time_proven(self) -> bool:
        """True if market time rests on stamps of the broker and not on our own clock."""
        return not self.link.is_unstamped and self.market.time > self.link.own_clock_until

    @property
    def position(self) -> OpenPosition | None:
        """The oldest open position of ours, None when flat."""
        return next(iter(self.books.positions.values()), None)


class Standing(Protocol):
    """How things stand: what a state and a step under construction both show to who only reads."""

    @property
    def market(self) -> MarketView:
        """Prices."""

    @property
    def link(self) -> LinkState:
        """The connection."""

    @property
    def books(self) -> Books:
        """Our record of what is at the broker."""

    @property
    def breakers(self) -> BreakerBook:
        """What the breakers remember."""

    @property
    def account(self) -> Account | None:
        """None before the first connection."""

    @property
    def conversion(self) -> tuple[ConversionLeg, ...]:
        """From the quote currency to the account's."""


def initial_state(params: EngineParams) -> EngineState:
    """Return the state of a bot that never ran: not connected, flat, no entry allowed."""
    return EngineState(last_decision=f"waiting for prices of {params.symbol_name}")


class Decision(Struct, frozen=True, kw_only=True):
    """The step from one event: the next state, and all that the journal and the shell need."""

    state: EngineState
    commands: tuple[Command, ...] = ()
    """To be carried out in this order, once the step is durable."""
    reason: str = ""
    """Why, in words; empty for an event that changed nothing of note."""
    changed_intents: tuple[Intent, ...] = ()
    """As they stand after the step, each once."""
    changed_positions: tuple[OpenPosition | ClosedPosition, ...] = ()
    closed_trades: tuple[Trade, ...] = ()
    discrepancies: tuple[Discrepancy, ...] = ()
    changed_breakers: tuple[BreakerRecord, ...] = ()
    """As they stand after the step, each once."""
    breaker_changes: tuple[BreakerChange, ...] = ()
    """In order."""
