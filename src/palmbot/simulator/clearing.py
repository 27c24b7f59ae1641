"""Settles what the exchange matched: fills, positions, costs, swap, and what all is worth."""

from dataclasses import replace

from palmbot.domain.errors import BooksDoNotBalance
from palmbot.domain.market import Side
from palmbot.domain.units import (
    MS_PER_DAY,
    MS_PER_MINUTE,
    PRICE_SCALE,
    Price,
    SymbolId,
    TimestampMs,
    Volume,
)
from palmbot.simulator import costs
from palmbot.simulator.contracts import Contract, Weekday
from palmbot.simulator.costs import ONE_TO_ONE, Rate
from palmbot.simulator.ledger import Ledger
from palmbot.simulator.market import Quote
from palmbot.simulator.records import (
    Deal,
    Execution,
    ExecutionKind,
    Order,
    OrderState,
    Position,
    Settlement,
)
from palmbot.simulator.settings import AccountSettings

EPOCH_WEEKDAY = 3
"""1970-01-01 was a Thursday, counted from Monday as 0."""

WEEK = 7
TRIPLE_NIGHTS = 3


class Clearing:
    """Turns fills into positions and money. Whoever matches owns the time and the quotes."""

    def __init__(
        self, contracts: dict[SymbolId, Contract], account: AccountSettings, ledger: Ledger
    ) -> None:
        self.contracts = contracts
        self.quotes: dict[SymbolId, Quote] = {}
        """The last of each symbol."""
        self.now = TimestampMs(0)
        self._account = account
        self._ledger = ledger
        self._money_digits = account.money_digits

    # Worth

    def unrealised(self, position: Position) -> int:
        """Return the gross profit if it were closed at the last quote, in money of the account."""
        quote = self.quotes[position.symbol_id]
        leave = quote.bid if position.side is Side.BUY else quote.ask
        raw = costs.raw_profit(position.side, position.entry_price, leave, position.volume)
        return costs.to_money(raw, self.rate(position.symbol_id), self._money_digits)

    def equity(self) -> int:
        """Return balance and unrealised profit with its costs so far, money of the account."""
        return self._ledger.balance + sum(
            self.unrealised(each) + each.swap + each.commission
            for each in self._ledger.positions.values()
        )

    def used_margin(self) -> int:
        """Return what all open positions hold, money of the account."""
        return sum(each.used_margin for each in self._ledger.positions.values())

    # Fills

    def fill(
        self, order: Order, volume: Volume, price: Price, *, is_server_event: bool = False
    ) -> Execution:
        """Execute `volume` of an order at `price`; write every book it touches."""
        deal_id = self._ledger.draw_deal_id()
        executed = Volume(order.executed_volume + volume)
        is_partial = executed < order.volume
        commission = costs.commission(self.contracts[order.symbol_id], volume, self._money_digits)
        held = None if order.position_id is None else self._ledger.positions[order.position_id]
        settlement = None
        if held is None:
            position = self._open(order, volume, price, commission)
        elif order.is_closing:
            settlement = self._settle(held, volume, price, commission)
            position = self._reduce(held, volume)
        else:
            position = self._add(held, volume, price, commission)
        self._ledger.write_position(position)
        filled = replace(
            order,
            state=OrderState.ACCEPTED if is_partial else OrderState.FILLED,
            executed_volume=executed,
            execution_price=self._average(order, volume, price),
            updated_at=self.now,
            position_id=position.position_id,
        )
        self._ledger.write_order(filled, is_pending=is_partial)
        deal = Deal(
            deal_id=deal_id,
            order_id=order.order_id,
            position_id=position.position_id,
            symbol_id=order.symbol_id,
            side=order.side,
            ordered_volume=order.volume,
            volume=volume,
            price=price,
            time=self.now,
            commission=commission,
            is_partial=is_partial,
            settlement=settlement,
        )
        self._ledger.deals.append(deal)
        return Execution(
            kind=ExecutionKind.ORDER_PARTIAL_FILL if is_partial else ExecutionKind.ORDER_FILLED,
            order=filled,
            position=position,
            deal=deal,
            is_server_event=is_server_event,
        )

    def _open(self, order: Order, volume: Volume, price: Price, commission: int) -> Position:
        """Return a new position; relative levels count from its first fill."""
        sign = order.side.sign
        stop, target = order.stop_loss, order.take_profit
        if order.stop_distance is not None:
            stop = Price(price - sign * order.stop_distance)
        if order.target_distance is not None:
            target = Price(price + sign * order.target_distance)
        return Position(
            position_id=self._ledger.draw_position_id(),
            symbol_id=order.symbol_id,
            side=order.side,
            volume=volume,
            entry_price=price,
            stop_loss=stop,
            take_profit=target,
            opened_at=self.now,
            updated_at=self.now,
            closed_at=None,
            swap=0,
            commission=commission,
            used_margin=self.margin(self.contracts[order.symbol_id], volume, price),
            label=order.label,
            comment=order.comment,
            protection_order_id=self._ledger.draw_order_id(),
        )

    def _add(self, held: Position, volume: Volume, price: Price, commission: int) -> Position:
        whole = Volume(held.volume + volume)
        value = held.entry_price * held.volume + price * volume
        contract = self.contracts[held.symbol_id]
        return replace(
            held,
            volume=whole,
            entry_price=Price(costs.divide_rounded(value, whole)),
            commission=held.commission + commission,
            used_margin=held.used_margin + self.margin(contract, volume, price),
            updated_at=self.now,
        )

    def _reduce(self, held: Position, volume: Volume) -> Position:
        rest = Volume(held.volume - volume)
        return replace(
            held,
            volume=rest,
            swap=held.swap - costs.take_share(held.swap, volume, held.volume),
            commission=held.commission - costs.take_share(held.commission, volume, held.volume),
            used_margin=held.used_margin - costs.take_share(held.used_margin, volume, held.volume),
            updated_at=self.now,
            closed_at=None if rest else self.now,
        )

    def _settle(self, held: Position, volume: Volume, price: Price, commission: int) -> Settlement:
        """Book the profit of `volume` with its share of all costs."""
        rate = self.rate(held.symbol_id)
        raw = costs.raw_profit(held.side, held.entry_price, price, volume)
        gross = costs.to_money(raw, rate, self._money_digits)
        swap = costs.take_share(held.swap, volume, held.volume)
        both = commission + costs.take_share(held.commission, volume, held.volume)
        self._ledger.settle(gross + swap + both)
        return Settlement(
            entry_price=held.entry_price,
            gross_profit=gross,
            swap=swap,
            commission=both,
            balance=self._ledger.balance,
            balance_version=self._ledger.balance_version,
            conversion_rate=rate.numerator / rate.denominator,
        )

    def _average(self, order: Order, volume: Volume, price: Price) -> Price:
        if order.execution_price is None:
            return price
        value = order.execution_price * order.executed_volume + price * volume
        return Price(costs.divide_rounded(value, order.executed_volume + volume))

    def charge_swap(self, position: Position, before: TimestampMs) -> list[Execution]:
        """Charge a position every night between `before` and now; none at weekends."""
        contract = self.contracts[position.symbol_id]
        offset = contract.swap_time_minutes * MS_PER_MINUTE
        first = (before - offset) // MS_PER_DAY + 1
        last = (self.now - offset) // MS_PER_DAY
        nights = 0
        for day in range(first, last + 1):
            weekday = (day + EPOCH_WEEKDAY) % WEEK + 1
            if weekday < Weekday.SATURDAY:
                nights += TRIPLE_NIGHTS if weekday == contract.swap_triple_day else 1
        if nights == 0:
            return []
        raw = costs.raw_swap(contract, position.side, position.volume, position.entry_price, nights)
        swap = costs.to_money(raw, self.rate(position.symbol_id), self._money_digits)
        charged = replace(position, swap=position.swap + swap, updated_at=self.now)
        self._ledger.write_position(charged)
        return [Execution(kind=ExecutionKind.SWAP, position=charged, is_server_event=True)]

    # Money

    def find_rate(self, contract: Contract) -> Rate | None:
        """Return account currency per unit of the quote currency at the last middle price."""
        currency = self._account.currency
        if contract.quote_asset == currency:
            return ONE_TO_ONE
        for pair in self.contracts.values():
            quote = self.quotes.get(pair.symbol_id)
            if quote is None:
                continue
            if (pair.base_asset, pair.quote_asset) == (currency, contract.quote_asset):
                return Rate(2 * PRICE_SCALE, quote.bid + quote.ask)
            if (pair.base_asset, pair.quote_asset) == (contract.quote_asset, currency):
                return Rate(quote.bid + quote.ask, 2 * PRICE_SCALE)
        return None

    def rate(self, symbol_id: SymbolId) -> Rate:
        """Return the rate of a symbol that has a position, and so has one.

        Raises:
            BooksDoNotBalance: a mistake of the exchange.
        """
        rate = self.find_rate(self.contracts[symbol_id])
        if rate is None:
            raise BooksDoNotBalance(f"symbol {symbol_id} has a position but no conversion rate")
        return rate

    def margin(self, contract: Contract, volume: Volume, price: Price) -> int:
        """Return the money that `volume` at `price` holds, by the stricter leverage."""
        leverage = min(contract.leverage_in_cents, self._account.leverage_in_cents)
        rate = self.rate(contract.symbol_id)
        return costs.margin(volume, price, leverage, rate, self._money_digits)
