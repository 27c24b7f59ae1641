"""The broker of the exact backtest: one account, filled from bars by the rules of `core.fills`.

It never fails, never delays and never fills a part. What it books is in integers like a real
broker's: price times volume in money, costs rounded to the nearest unit of money.
"""

from dataclasses import dataclass
from typing import Final

from palmbot.core.conversion import value_in_quote
from palmbot.core.fills import ExitFill, find_entry, find_exit
from palmbot.domain.events import OrderFilled
from palmbot.domain.market import (
    ALWAYS_OPEN,
    Account,
    AccountKind,
    Side,
    Symbol,
    TradingMode,
)
from palmbot.domain.orders import (
    BrokerBooks,
    BrokerOrder,
    Closing,
    Environment,
    Fill,
    Intent,
    OrderStatus,
    Position,
    render_label,
)
from palmbot.domain.units import (
    MS_PER_DAY,
    AccountId,
    DealId,
    Money,
    OrderId,
    PositionId,
    Price,
    SymbolId,
    TimestampMs,
    Volume,
)
from palmbot.research.rules import BASIS_POINTS, CostModel

SYMBOL_ID: Final = SymbolId(1)
ACCOUNT_ID: Final = AccountId(1)
NO_MONEY: Final = Money(0)
LEVERAGE: Final = 20.0
"""Exposure per unit of margin: the usual one of a commodity CFD. The risk limit binds first unless
the stop is very near."""
VOLUME_STEP: Final = Volume(1)
"""0.01 units: small enough that a loss of one per cent can always be hit closely."""
VOLUME_MAX: Final = Volume(10**15)

EPOCH_WEEKDAY: Final = 3
DAYS_PER_WEEK: Final = 7
WEDNESDAY, SATURDAY = 2, 5
TRIPLE_NIGHTS: Final = 3


@dataclass(slots=True, kw_only=True)
class Holding:
    """The open position, in wire units."""

    number: int
    side: Side
    volume: Volume
    entry_bar: int
    entry: Price
    stop: Price
    target: Price
    opened_at: TimestampMs
    commission: Money
    """Of the entry; negative is a cost."""
    order: BrokerOrder

    def is_clear_of(self, high: int, low: int) -> bool:
        """Tell whether a bar of the exit side reaches neither level: most bars do not."""
        if self.side is Side.BUY:
            return self.stop < low and high < self.target
        return self.target < low and high < self.stop


@dataclass(frozen=True, slots=True, kw_only=True)
class PaperTrade:
    """A closed position, in wire units."""

    entry_bar: int
    exit_bar: int
    side: Side
    volume: Volume
    entry: Price
    exit: Price
    stop: Price
    target: Price
    reason: int
    """Of `rules`."""
    is_gap: bool
    is_ambiguous: bool
    nights: int
    """Nights of financing, the triple one as three."""
    gross: Money
    commission: Money
    """Both sides; negative is a cost."""
    swap: Money
    entry_reason: str

    @property
    def profit(self) -> Money:
        """Net, in money of the account."""
        return Money(self.gross + self.commission + self.swap)


def make_symbol(name: str, digits: int) -> Symbol:
    """Return a contract that is quoted in the account's currency and trades at all hours.

    The bars say when the market was open: no bar, no price, no entry.
    """
    return Symbol(
        symbol_id=SYMBOL_ID,
        name=name,
        digits=digits,
        quote_asset="unit",
        lot_size=Volume(100),
        volume_min=VOLUME_STEP,
        volume_step=VOLUME_STEP,
        volume_max=VOLUME_MAX,
        stop_distance_min=Price(0),
        target_distance_min=Price(0),
        trading_mode=TradingMode.ENABLED,
        is_short_selling_allowed=True,
        leverage=LEVERAGE,
        hours=ALWAYS_OPEN,
    )


def count_nights(start: TimestampMs, end: TimestampMs) -> int:
    """Return the nights of financing between two moments: 00:00 UTC of Tuesday to Saturday.

    The night after Wednesday counts three times, for the weekend.
    """
    first, last = start // MS_PER_DAY, end // MS_PER_DAY
    nights = 0
    for day in range(first, last):
        weekday = (day + EPOCH_WEEKDAY) % DAYS_PER_WEEK
        if weekday < SATURDAY:
            nights += TRIPLE_NIGHTS if weekday == WEDNESDAY else 1
    return nights


class PaperBroker:
    """Holds one account and at most one position; all prices in wire units."""

    def __init__(self, balance: Money, costs: CostModel) -> None:
        self.balance = balance
        self.holding: Holding | None = None
        self.trades: list[PaperTrade] = []
        self._version = 1
        self._numbers = 0
        self._share = (costs.cost_bp + costs.commission_bp) / BASIS_POINTS
        self._swap_share = costs.swap_bp_per_night / BASIS_POINTS

    @property
    def account(self) -> Account:
        """The account as it stands."""
        return Account(
            account_id=ACCOUNT_ID,
            login=1,
            broker="backtest",
            is_live=False,
            kind=AccountKind.HEDGED,
            is_limited_risk=False,
            can_trade=True,
            currency="unit",
            balance=self.balance,
            balance_version=self._version,
        )

    def report_books(self, now: TimestampMs) -> BrokerBooks:
        """Return the true books."""
        held = self.holding
        return BrokerBooks(
            taken_at=now,
            since=TimestampMs(0),
            positions=() if held is None else (self._show(held),),
            orders=(),
            past_orders=(),
            fills=(),
            balance=self.balance,
            balance_version=self._version,
        )

    def enter(self, intent: Intent, bar: int, bid: Price, ask: Price) -> OrderFilled:
        """Fill an entry at the open of bar `bar`, levels hung on the fill."""
        entry = Price(int(find_entry(intent.side.sign, bid, ask)))
        sign = intent.side.sign
        self._numbers += 1
        number = self._numbers
        now = intent.created_at
        order = BrokerOrder(
            order_id=OrderId(2 * number),
            symbol_id=SYMBOL_ID,
            side=intent.side,
            volume=intent.volume,
            executed_volume=intent.volume,
            status=OrderStatus.FILLED,
            is_closing=False,
            is_protection=False,
            position_id=PositionId(number),
            label=render_label(Environment.SIMULATOR, intent.intent_id),
            client_order_id=intent.intent_id,
            updated_at=now,
        )
        held = Holding(
            number=number,
            side=intent.side,
            volume=intent.volume,
            entry_bar=bar,
            entry=entry,
            stop=Price(entry - sign * (intent.stop_distance or 0)),
            target=Price(entry + sign * (intent.target_distance or 0)),
            opened_at=now,
            commission=self._charge(entry, intent.volume),
            order=order,
        )
        self.holding = held
        fill = Fill(
            deal_id=DealId(2 * number),
            order_id=order.order_id,
            position_id=PositionId(number),
            symbol_id=SYMBOL_ID,
            side=intent.side,
            volume=intent.volume,
            price=entry,
            time=now,
            commission=held.commission,
            closing=None,
        )
        return OrderFilled(order=order, fill=fill, position=self._show(held), is_partial=False)

    def find_exit(self, held: Holding, bar_open: int, high: int, low: int) -> ExitFill:
        """Return what a bar of the exit side does to the position."""
        return find_exit(held.side.sign, bar_open, high, low, held.stop, held.target)

    def leave(  # noqa: PLR0913 - the facts of one exit, each named by its caller
        self,
        held: Holding,
        *,
        bar: int,
        price: Price,
        time: TimestampMs,
        reason: int,
        fill: ExitFill | None,
        entry_reason: str,
        is_protection: bool = True,
    ) -> OrderFilled:
        """Close the position at a price, book it, and return what the bot hears of it."""
        sign = held.side.sign
        gross = value_in_quote(Price((price - held.entry) * sign), held.volume)
        commission = Money(held.commission + self._charge(price, held.volume))
        nights = count_nights(held.opened_at, time) if self._swap_share else 0
        swap = Money(
            round(value_in_quote(held.entry, held.volume) * self._swap_share * nights)
            if nights
            else 0
        )
        self.balance = Money(self.balance + gross + commission + swap)
        self._version += 1
        self.holding = None
        self.trades.append(
            PaperTrade(
                entry_bar=held.entry_bar,
                exit_bar=bar,
                side=held.side,
                volume=held.volume,
                entry=held.entry,
                exit=price,
                stop=held.stop,
                target=held.target,
                reason=reason,
                is_gap=fill is not None and fill.is_gap,
                is_ambiguous=fill is not None and fill.is_ambiguous,
                nights=nights,
                gross=gross,
                commission=commission,
                swap=swap,
                entry_reason=entry_reason,
            )
        )
        position = PositionId(held.number)
        order = BrokerOrder(
            order_id=OrderId(2 * held.number + 1),
            symbol_id=SYMBOL_ID,
            side=held.side.opposite,
            volume=held.volume,
            executed_volume=held.volume,
            status=OrderStatus.FILLED,
            is_closing=True,
            is_protection=is_protection,
            position_id=position,
            label=held.order.label,
            client_order_id="",
            updated_at=time,
        )
        closing = Closing(
            entry_price=held.entry,
            gross_profit=gross,
            swap=swap,
            commission=commission,
            balance=self.balance,
            balance_version=self._version,
        )
        deal = Fill(
            deal_id=DealId(2 * held.number + 1),
            order_id=order.order_id,
            position_id=position,
            symbol_id=SYMBOL_ID,
            side=order.side,
            volume=held.volume,
            price=price,
            time=time,
            commission=NO_MONEY,
            closing=closing,
        )
        return OrderFilled(order=order, fill=deal, position=None, is_partial=False)

    def _charge(self, price: Price, volume: Volume) -> Money:
        return Money(-round(value_in_quote(price, volume) * self._share))

    def _show(self, held: Holding) -> Position:
        return Position(
            position_id=PositionId(held.number),
            symbol_id=SYMBOL_ID,
            side=held.side,
            volume=held.volume,
            entry_price=held.entry,
            stop_loss=held.stop,
            take_profit=held.target,
            opened_at=held.opened_at,
            swap=NO_MONEY,
            commission=held.commission,
            label=held.order.label,
        )
