"""The simulated exchange: one account, matching and protection, no I/O and no clock.

How it fills: a market order at once at ask (buy) or bid (sell); a long position's stop and
target are tested on bid, a short one's on ask; within a continuous move they fill at their
level, otherwise at the first quote at or beyond it, which is how gaps hurt. Stops come before
targets, and the positions of a quote before the pending orders.
"""

from dataclasses import replace

from palmbot.domain.errors import RequestRefused
from palmbot.domain.market import Side
from palmbot.domain.units import (
    Money,
    OrderId,
    PositionId,
    Price,
    SymbolId,
    TimestampMs,
    Volume,
)
from palmbot.simulator import rules
from palmbot.simulator.books import MONEY_DIGITS, Books
from palmbot.simulator.clearing import Clearing
from palmbot.simulator.contracts import Contract
from palmbot.simulator.ledger import Ledger
from palmbot.simulator.market import Quote
from palmbot.simulator.records import (
    Execution,
    ExecutionKind,
    Fate,
    NewOrder,
    Order,
    OrderKind,
    OrderState,
    Position,
)
from palmbot.simulator.settings import SimulatorSettings


class Exchange:
    """One account, its orders and positions, and the quotes that move them."""

    def __init__(self, *, contracts: tuple[Contract, ...], settings: SimulatorSettings) -> None:
        """Open an account without positions; quotes set the time."""
        account = settings.account
        self._contracts = {each.symbol_id: each for each in contracts}
        self._account = account
        self._settings = settings
        self._money_digits = account.money_digits
        self._ledger = Ledger(account.initial_balance * 10**account.money_digits)
        self._clearing = Clearing(self._contracts, account, self._ledger)
        self._books = Books(self._ledger, account.money_digits, self._clearing.equity)

    @property
    def contracts(self) -> tuple[Contract, ...]:
        """What can be traded, the traded contract of the market first."""
        return tuple(self._contracts.values())

    @property
    def books(self) -> Books:
        """The books, always current."""
        return self._books

    @property
    def ledger(self) -> Ledger:
        """The books as the service reads them; only the exchange writes."""
        return self._ledger

    @property
    def clearing(self) -> Clearing:
        """What positions are worth, as the service reads it; only the exchange writes."""
        return self._clearing

    @property
    def now(self) -> TimestampMs:
        """Market time."""
        return self._clearing.now

    def last_quote(self, symbol_id: SymbolId) -> Quote | None:
        """Return the latest quote, if there was any."""
        return self._clearing.quotes.get(symbol_id)

    def expected_margin(self, symbol_id: SymbolId, side: Side, volume: Volume) -> int:
        """Return the money that an order of `volume` would hold.

        Raises:
            RequestRefused: SYMBOL_NOT_FOUND or NO_QUOTES.
        """
        contract, quote = self._find(symbol_id)
        price = quote.ask if side is Side.BUY else quote.bid
        return self._clearing.margin(contract, volume, price)

    # Time and quotes

    def advance(self, time: TimestampMs) -> tuple[Execution, ...]:
        """Let market time pass without a quote: expiries and swap."""
        if time <= self._clearing.now:
            return ()
        before, self._clearing.now = self._clearing.now, time
        if not self._ledger.pending and not self._ledger.positions:
            return ()
        executions = self._expire()
        for position in tuple(self._ledger.positions.values()):
            executions += self._clearing.charge_swap(position, before)
        return tuple(executions)

    def apply_quote(self, quote: Quote) -> tuple[Execution, ...]:
        """Move to the quote: time first, then positions, then pending orders."""
        executions = self.advance(quote.time)
        self._clearing.quotes[quote.symbol_id] = quote
        ledger = self._ledger
        if not ledger.positions and not ledger.pending:
            return executions
        happened = list(executions)
        for position in tuple(ledger.positions.values()):
            if position.symbol_id == quote.symbol_id:
                happened += self._test_protection(position, quote)
        for order in tuple(ledger.pending.values()):
            if order.symbol_id == quote.symbol_id:
                happened += self._test_pending(order, quote)
        happened += self._stop_out()
        if happened:
            ledger.verify()
        return tuple(happened)

    # Requests

    def place(self, order: NewOrder) -> tuple[Execution, ...]:
        """Take an order and fill what can be filled.

        Raises:
            RequestRefused: nothing was placed.
        """
        try:
            self._check_order(order)
        except RequestRefused as refusal:
            self._ledger.write_request(order, Fate.REFUSED, self._clearing.now, code=refusal.code)
            raise
        placed = Order(
            order_id=self._ledger.draw_order_id(),
            kind=order.kind,
            state=OrderState.ACCEPTED,
            symbol_id=order.symbol_id,
            side=order.side,
            volume=order.volume,
            executed_volume=Volume(0),
            opened_at=self._clearing.now,
            updated_at=self._clearing.now,
            label=order.label,
            client_order_id=order.client_order_id,
            comment=order.comment,
            position_id=order.position_id,
            is_closing=self._is_closing(order),
            limit_price=order.limit_price,
            stop_price=order.stop_price,
            expires_at=order.expires_at,
            stop_loss=order.stop_loss,
            take_profit=order.take_profit,
            stop_distance=order.stop_distance,
            target_distance=order.target_distance,
        )
        self._ledger.write_request(order, Fate.PLACED, self._clearing.now, order_id=placed.order_id)
        self._ledger.write_order(placed, is_pending=True)
        accepted = Execution(kind=ExecutionKind.ORDER_ACCEPTED, order=placed)
        fills = self._test_pending(placed, self._clearing.quotes[order.symbol_id], is_first=True)
        self._ledger.verify()
        return (accepted, *fills)

    def refuse_unseen(self, order: NewOrder, code: str) -> None:
        """Note a request that the server refused before the exchange saw it."""
        self._ledger.write_request(order, Fate.REFUSED, self._clearing.now, code=code)

    def lose(self, order: NewOrder) -> None:
        """Note a request that was lost on the way."""
        self._ledger.write_request(order, Fate.NEVER_ARRIVED, self._clearing.now)

    def close(self, position_id: PositionId, volume: Volume) -> tuple[Execution, ...]:
        """Close (part of) a position at the market.

        Raises:
            RequestRefused: POSITION_NOT_FOUND, MARKET_CLOSED, TRADING_BAD_VOLUME or NO_QUOTES.
        """
        position = self._find_position(position_id)
        contract, quote = self._find(position.symbol_id)
        rules.check_market(contract, self._clearing.now, is_closing=True)
        if volume != position.volume:
            rules.check_volume(contract, volume)
        if volume > position.volume:
            raise RequestRefused(
                "TRADING_BAD_VOLUME", f"Volume {volume} is above the open {position.volume}"
            )
        order = self._write_closing_order(position, volume, OrderKind.MARKET)
        price = quote.bid if position.side is Side.BUY else quote.ask
        accepted = Execution(kind=ExecutionKind.ORDER_ACCEPTED, order=order, position=position)
        filled = self._clearing.fill(order, volume, price)
        self._ledger.verify()
        return accepted, filled

    def amend_position(
        self, position_id: PositionId, stop_loss: Price | None, take_profit: Price | None
    ) -> tuple[Execution, ...]:
        """Replace both levels; None removes one.

        Raises:
            RequestRefused: POSITION_NOT_FOUND, MARKET_CLOSED, TRADING_BAD_STOPS and others.
        """
        position = self._find_position(position_id)
        contract, quote = self._find(position.symbol_id)
        rules.check_market(contract, self._clearing.now, is_closing=True)
        rules.check_levels(contract, position.side, stop_loss, take_profit, quote)
        amended = replace(
            position, stop_loss=stop_loss, take_profit=take_profit, updated_at=self._clearing.now
        )
        self._ledger.write_position(amended)
        order = self.protection_order(amended)
        return (Execution(kind=ExecutionKind.ORDER_REPLACED, order=order, position=amended),)

    def amend_order(
        self,
        order_id: OrderId,
        *,
        volume: Volume | None = None,
        limit_price: Price | None = None,
        stop_price: Price | None = None,
        expires_at: TimestampMs | None = None,
    ) -> tuple[Execution, ...]:
        """Change a pending order; None leaves a field as it is.

        Raises:
            RequestRefused: ORDER_NOT_FOUND, TRADING_BAD_VOLUME and others.
        """
        order = self._find_order(order_id)
        contract, _ = self._find(order.symbol_id)
        rules.check_market(contract, self._clearing.now, is_closing=order.is_closing)
        rules.check_precision(contract, limit_price, stop_price)
        if volume is not None:
            rules.check_volume(contract, volume)
            if volume <= order.executed_volume:
                raise RequestRefused("TRADING_BAD_VOLUME", f"{order.executed_volume} is filled")
        amended = replace(
            order,
            volume=order.volume if volume is None else volume,
            limit_price=order.limit_price if limit_price is None else limit_price,
            stop_price=order.stop_price if stop_price is None else stop_price,
            expires_at=order.expires_at if expires_at is None else expires_at,
            updated_at=self._clearing.now,
        )
        self._ledger.write_order(amended, is_pending=True)
        return (Execution(kind=ExecutionKind.ORDER_REPLACED, order=amended),)

    def cancel(self, order_id: OrderId) -> tuple[Execution, ...]:
        """Take back what is unfilled of a pending order.

        Raises:
            RequestRefused: ORDER_NOT_FOUND.
        """
        order = self._find_order(order_id)
        cancelled = replace(order, state=OrderState.CANCELLED, updated_at=self._clearing.now)
        self._ledger.write_order(cancelled, is_pending=False)
        return (Execution(kind=ExecutionKind.ORDER_CANCELLED, order=cancelled),)

    def deposit(self, amount: Money, note: str = "") -> tuple[Execution, ...]:
        """Put money in, or take it out if negative. Below the account's digits it is cut off."""
        delta = amount // 10 ** (MONEY_DIGITS - self._money_digits)
        flow = self._ledger.write_cash_flow(delta, self._clearing.now, note)
        return (
            Execution(kind=ExecutionKind.DEPOSIT_WITHDRAW, cash_flow=flow, is_server_event=True),
        )

    def protection_order(self, position: Position) -> Order:
        """Return the order that holds stop and target at the server, as clients see it."""
        return Order(
            order_id=position.protection_order_id,
            kind=OrderKind.STOP_LOSS_TAKE_PROFIT,
            state=OrderState.ACCEPTED,
            symbol_id=position.symbol_id,
            side=position.side.opposite,
            volume=position.volume,
            executed_volume=Volume(0),
            opened_at=position.opened_at,
            updated_at=position.updated_at,
            label=position.label,
            client_order_id="",
            comment=position.comment,
            position_id=position.position_id,
            is_closing=True,
            limit_price=position.take_profit,
            stop_price=position.stop_loss,
        )

    # Checks

    def _find(self, symbol_id: SymbolId) -> tuple[Contract, Quote]:
        contract = self._contracts.get(symbol_id)
        if contract is None:
            raise RequestRefused("SYMBOL_NOT_FOUND", f"No symbol {symbol_id}")
        quote = self._clearing.quotes.get(symbol_id)
        if quote is None or self._clearing.find_rate(contract) is None:
            raise RequestRefused("NO_QUOTES", f"No quotes for {contract.name}")
        return contract, quote

    def _find_position(self, position_id: PositionId) -> Position:
        position = self._ledger.positions.get(position_id)
        if position is None:
            raise RequestRefused("POSITION_NOT_FOUND", f"Position {position_id} is not open")
        return position

    def _find_order(self, order_id: OrderId) -> Order:
        order = self._ledger.pending.get(order_id)
        if order is None:
            raise RequestRefused("ORDER_NOT_FOUND", f"Order {order_id} is not pending")
        return order

    def _is_closing(self, order: NewOrder) -> bool:
        if order.position_id is None:
            return False
        return self._ledger.positions[order.position_id].side is not order.side

    def _check_order(self, order: NewOrder) -> None:
        if not self._account.can_trade:
            raise RequestRefused("TRADING_NOT_ALLOWED", "The account is read-only")
        rules.check_form(order)
        if order.symbol_id not in self._contracts:
            raise RequestRefused("SYMBOL_NOT_FOUND", f"No symbol {order.symbol_id}")
        position = None if order.position_id is None else self._find_position(order.position_id)
        contract = self._contracts[order.symbol_id]
        is_closing = position is not None and position.side is not order.side
        rules.check_market(contract, self._clearing.now, is_closing=is_closing)
        contract, quote = self._find(order.symbol_id)
        rules.check_volume(contract, order.volume)
        if position is not None and (
            position.symbol_id != order.symbol_id or (is_closing and order.volume > position.volume)
        ):
            raise RequestRefused("INVALID_REQUEST", f"The order does not fit {order.position_id}")
        rules.check_precision(contract, order.limit_price, order.stop_price)
        rules.check_distances(contract, order.stop_distance, order.target_distance)
        entry = order.limit_price or order.stop_price
        at = quote if entry is None else quote._replace(bid=entry, ask=entry)
        rules.check_levels(contract, order.side, order.stop_loss, order.take_profit, at)
        rules.check_expiry(order, self._clearing.now)
        if is_closing:
            return
        if order.side is Side.SELL and not contract.is_short_selling_allowed:
            raise RequestRefused(
                "SHORT_SELLING_NOT_ALLOWED", f"{contract.name} cannot be sold short"
            )
        price = quote.ask if order.side is Side.BUY else quote.bid
        needed = self._clearing.margin(contract, order.volume, price)
        free = self._clearing.equity() - self._clearing.used_margin()
        if needed > free:
            raise RequestRefused(
                "NOT_ENOUGH_MONEY", f"The margin is {needed}, free are {free} minor units"
            )

    # Matching

    def _test_protection(self, position: Position, quote: Quote) -> list[Execution]:
        """Close the position if the quote reached its stop or target."""
        sign = position.side.sign
        leave = quote.bid if position.side is Side.BUY else quote.ask
        stop, target = position.stop_loss, position.take_profit
        if stop is not None and sign * (leave - stop) <= 0:
            level = stop
        elif target is not None and sign * (leave - target) >= 0:
            level = target
        else:
            return []
        price = level if quote.is_continuous else leave
        order = self._write_closing_order(
            position, position.volume, OrderKind.STOP_LOSS_TAKE_PROFIT
        )
        return [self._clearing.fill(order, position.volume, price, is_server_event=True)]

    def _test_pending(
        self, order: Order, quote: Quote, *, is_first: bool = False
    ) -> list[Execution]:
        """Fill (part of) a pending order if the quote allows it."""
        is_buy = order.side is Side.BUY
        market = quote.ask if is_buy else quote.bid
        level = order.limit_price if order.kind is OrderKind.LIMIT else order.stop_price
        price = market
        if level is not None:
            beyond = order.side.sign * (market - level)
            is_reached = beyond <= 0 if order.kind is OrderKind.LIMIT else beyond >= 0
            if not is_reached:
                return []
            if quote.is_continuous and not is_first:
                price = level
        if order.position_id is not None and order.position_id not in self._ledger.positions:
            cancelled = replace(order, state=OrderState.CANCELLED, updated_at=self._clearing.now)
            self._ledger.write_order(cancelled, is_pending=False)
            return [Execution(kind=ExecutionKind.ORDER_CANCELLED, order=cancelled)]
        volume = order.open_volume
        share = self._settings.partial_fill_share
        if is_first and share is not None:
            contract = self._contracts[order.symbol_id]
            steps = int(volume * share) // contract.volume_step
            volume = Volume(max(steps * contract.volume_step, contract.volume_min))
            volume = min(volume, order.open_volume)
        return [self._clearing.fill(order, volume, price, is_server_event=not is_first)]

    def _stop_out(self) -> list[Execution]:
        """Close positions, largest margin first, while the equity does not cover them."""
        executions: list[Execution] = []
        while self._ledger.positions:
            used = self._clearing.used_margin()
            if self._clearing.equity() * 100 >= used * self._account.stop_out_percent:
                break
            largest = max(self._ledger.positions.values(), key=lambda each: each.used_margin)
            quote = self._clearing.quotes[largest.symbol_id]
            order = self._write_closing_order(
                largest, largest.volume, OrderKind.MARKET, is_stop_out=True
            )
            price = quote.bid if largest.side is Side.BUY else quote.ask
            executions.append(
                self._clearing.fill(order, largest.volume, price, is_server_event=True)
            )
        return executions

    def _write_closing_order(
        self, position: Position, volume: Volume, kind: OrderKind, *, is_stop_out: bool = False
    ) -> Order:
        is_protection = kind is OrderKind.STOP_LOSS_TAKE_PROFIT
        order = Order(
            order_id=position.protection_order_id
            if is_protection
            else self._ledger.draw_order_id(),
            kind=kind,
            state=OrderState.ACCEPTED,
            symbol_id=position.symbol_id,
            side=position.side.opposite,
            volume=volume,
            executed_volume=Volume(0),
            opened_at=position.opened_at if is_protection else self._clearing.now,
            updated_at=self._clearing.now,
            label=position.label,
            client_order_id="",
            comment=position.comment,
            position_id=position.position_id,
            is_closing=True,
            is_stop_out=is_stop_out,
            limit_price=position.take_profit if is_protection else None,
            stop_price=position.stop_loss if is_protection else None,
        )
        self._ledger.write_order(order, is_pending=False)
        return order

    def _expire(self) -> list[Execution]:
        executions: list[Execution] = []
        for order in tuple(self._ledger.pending.values()):
            if order.expires_at is not None and order.expires_at <= self._clearing.now:
                expired = replace(order, state=OrderState.EXPIRED, updated_at=order.expires_at)
                self._ledger.write_order(expired, is_pending=False)
                executions.append(
                    Execution(kind=ExecutionKind.ORDER_EXPIRED, order=expired, is_server_event=True)
                )
        return executions
