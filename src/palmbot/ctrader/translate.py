"""Wire entities to domain values: every unit of the protocol is converted here, once.

The vendor's words end here: deal becomes fill, trendbar becomes bar. A value that cannot be
right (a price that is no number, an amount out of range) is a `ProtocolViolation`.
"""

import math
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from palmbot.ctrader.generated.entities_pb2 import (
    ProtoOAClosePositionDetail,
    ProtoOADeal,
    ProtoOADepositWithdraw,
    ProtoOAHoliday,
    ProtoOAOrder,
    ProtoOAPosition,
    ProtoOASymbol,
    ProtoOATrader,
    ProtoOATrendbar,
)
from palmbot.ctrader.generated.enums_pb2 import (
    FILLED,
    FULL_ACCESS,
    ORDER_STATUS_ACCEPTED,
    ORDER_STATUS_CANCELLED,
    ORDER_STATUS_EXPIRED,
    ORDER_STATUS_FILLED,
    ORDER_STATUS_REJECTED,
    PARTIALLY_FILLED,
    POSITION_STATUS_CLOSED,
    POSITION_STATUS_CREATED,
    POSITION_STATUS_OPEN,
    STOP_LOSS_TAKE_PROFIT,
    SYMBOL_DISTANCE_IN_PERCENTAGE,
    ProtoOAChangeBalanceType,
)
from palmbot.domain.errors import AccountUnsuitable, ProtocolViolation
from palmbot.domain.market import (
    SECONDS_PER_DAY,
    Account,
    AccountKind,
    Bar,
    Holiday,
    Interval,
    Side,
    Symbol,
    TradingHours,
    TradingMode,
)
from palmbot.domain.orders import BrokerOrder, Closing, Fill, OrderStatus, Payment, Position
from palmbot.domain.units import (
    MONEY_SCALE,
    MS_PER_MINUTE,
    PRICE_SCALE,
    DealId,
    Money,
    OrderId,
    PositionId,
    Price,
    SymbolId,
    TimestampMs,
    Volume,
)

MONEY_DIGITS_MAX = 8
"""`MONEY_SCALE` holds so many decimals exactly."""

INT64_MAX = 2**63 - 1
"""The journal stores integers of 64 bits."""

PRICE_MAX = 10**15
"""Ten thousand million price units; doubles below it still carry every decimal we use."""

SYMBOL_DIGITS_MAX = 5
LEVERAGE_SCALE = 100

_STATUS = {
    ORDER_STATUS_ACCEPTED: OrderStatus.ACCEPTED,
    ORDER_STATUS_FILLED: OrderStatus.FILLED,
    ORDER_STATUS_REJECTED: OrderStatus.REJECTED,
    ORDER_STATUS_EXPIRED: OrderStatus.EXPIRED,
    ORDER_STATUS_CANCELLED: OrderStatus.CANCELLED,
}


def to_money(amount: int, money_digits: int) -> Money:
    """Convert an amount that counts 10^-money_digits of a currency unit.

    Raises:
        ProtocolViolation: digits above 8, or an amount beyond 64 bits.
    """
    if not 0 <= money_digits <= MONEY_DIGITS_MAX:
        raise ProtocolViolation(f"the broker counts money with {money_digits} decimals")
    money = amount * (MONEY_SCALE // 10**money_digits)
    if abs(money) > INT64_MAX:
        raise ProtocolViolation(f"the broker names an amount out of range: {amount}")
    return Money(money)


def to_price(value: float) -> Price:
    """Convert an absolute price given as a double, rounding to 1/100_000.

    Raises:
        ProtocolViolation: not a finite number above 0.
    """
    if not (math.isfinite(value) and 0 < value < PRICE_MAX / PRICE_SCALE):
        raise ProtocolViolation(f"the broker names an impossible price: {value}")
    price = round(value * PRICE_SCALE)
    if price == 0:
        raise ProtocolViolation(f"the broker names an impossible price: {value}")
    return Price(price)


def to_double(price: Price) -> float:
    """Convert a price to the double nearest to its decimal form, as orders carry it."""
    return price / PRICE_SCALE


def to_side(trade_side: int) -> Side:
    """Convert ProtoOATradeSide."""
    return Side(trade_side)


def to_bar(trendbar: ProtoOATrendbar) -> Bar:
    """Convert a closed bar of the history.

    Raises:
        ProtocolViolation: a field is absent, as deltaClose is in the live bar, or the
            prices contradict each other.
    """
    for field in ("low", "deltaOpen", "deltaHigh", "deltaClose", "utcTimestampInMinutes"):
        if not trendbar.HasField(field):
            raise ProtocolViolation(f"the broker sent a closed bar without {field}")
    low = trendbar.low
    if low + trendbar.deltaHigh > PRICE_MAX or not 0 <= trendbar.volume <= INT64_MAX:
        raise ProtocolViolation("the broker sent a bar out of range")
    try:
        return Bar(
            open_time=TimestampMs(trendbar.utcTimestampInMinutes * MS_PER_MINUTE),
            open=Price(low + trendbar.deltaOpen),
            high=Price(low + trendbar.deltaHigh),
            low=Price(low),
            close=Price(low + trendbar.deltaClose),
            volume=trendbar.volume,
        )
    except ValueError as e:
        raise ProtocolViolation(f"the broker sent an impossible bar: {e}") from e


def to_order(order: ProtoOAOrder) -> BrokerOrder:
    """Convert an order, pending or past."""
    trade = order.tradeData
    return BrokerOrder(
        order_id=OrderId(order.orderId),
        symbol_id=SymbolId(trade.symbolId),
        side=to_side(trade.tradeSide),
        volume=Volume(trade.volume),
        executed_volume=Volume(order.executedVolume),
        status=_STATUS[order.orderStatus],
        is_closing=order.closingOrder,
        is_protection=order.orderType == STOP_LOSS_TAKE_PROFIT,
        position_id=PositionId(order.positionId) if order.HasField("positionId") else None,
        label=trade.label,
        client_order_id=order.clientOrderId,
        updated_at=TimestampMs(order.utcLastUpdateTimestamp or trade.openTimestamp),
    )


def to_position(position: ProtoOAPosition, account_digits: int) -> Position | None:
    """Convert a position; None if it holds nothing (closed, or made for a pending order).

    Raises:
        ProtocolViolation: an open position without a price, or in an error state.
    """
    trade = position.tradeData
    if position.positionStatus in {POSITION_STATUS_CLOSED, POSITION_STATUS_CREATED}:
        return None
    if position.positionStatus != POSITION_STATUS_OPEN or trade.volume <= 0:
        raise ProtocolViolation(f"position {position.positionId} is in an error state")
    digits = position.moneyDigits if position.HasField("moneyDigits") else account_digits
    return Position(
        position_id=PositionId(position.positionId),
        symbol_id=SymbolId(trade.symbolId),
        side=to_side(trade.tradeSide),
        volume=Volume(trade.volume),
        entry_price=to_price(position.price),
        stop_loss=to_price(position.stopLoss) if position.stopLoss else None,
        take_profit=to_price(position.takeProfit) if position.takeProfit else None,
        opened_at=TimestampMs(trade.openTimestamp),
        swap=to_money(position.swap, digits),
        commission=to_money(position.commission, digits),
        label=trade.label,
    )


def to_fill(deal: ProtoOADeal, account_digits: int) -> Fill | None:
    """Convert a deal; None if it executed nothing.

    Raises:
        ProtocolViolation: an executed deal without a price.
    """
    if deal.dealStatus not in {FILLED, PARTIALLY_FILLED} or deal.filledVolume == 0:
        return None
    digits = deal.moneyDigits if deal.HasField("moneyDigits") else account_digits
    has_closed = deal.HasField("closePositionDetail")
    return Fill(
        deal_id=DealId(deal.dealId),
        order_id=OrderId(deal.orderId),
        position_id=PositionId(deal.positionId),
        symbol_id=SymbolId(deal.symbolId),
        side=to_side(deal.tradeSide),
        volume=Volume(deal.filledVolume),
        price=to_price(deal.executionPrice),
        time=TimestampMs(deal.executionTimestamp),
        commission=to_money(deal.commission, digits),
        closing=_to_closing(deal.closePositionDetail, digits) if has_closed else None,
    )


def _to_closing(detail: ProtoOAClosePositionDetail, deal_digits: int) -> Closing:
    digits = detail.moneyDigits if detail.HasField("moneyDigits") else deal_digits
    return Closing(
        entry_price=to_price(detail.entryPrice),
        gross_profit=to_money(detail.grossProfit, digits),
        swap=to_money(detail.swap, digits),
        commission=to_money(detail.commission, digits),
        balance=to_money(detail.balance, digits),
        balance_version=detail.balanceVersion,
    )


def to_payment(payment: ProtoOADepositWithdraw, account_digits: int) -> Payment:
    """Convert a deposit, a withdrawal or a charge."""
    digits = payment.moneyDigits if payment.HasField("moneyDigits") else account_digits
    return Payment(
        delta=to_money(payment.delta, digits),
        kind=ProtoOAChangeBalanceType.Name(payment.operationType),
        balance=to_money(payment.balance, digits),
        balance_version=payment.balanceVersion,
        time=TimestampMs(payment.changeBalanceTimestamp),
    )


def to_account(
    trader: ProtoOATrader, *, is_live: bool, has_trade_scope: bool, currency: str
) -> Account:
    """Convert the account. Money is scaled by its own `moneyDigits`, 2 if it names none."""
    return Account(
        account_id=trader.ctidTraderAccountId,
        login=trader.traderLogin,
        broker=trader.brokerName,
        is_live=is_live,
        kind=AccountKind(trader.accountType),
        is_limited_risk=trader.isLimitedRisk,
        can_trade=has_trade_scope and trader.accessRights == FULL_ACCESS,
        currency=currency,
        balance=to_money(trader.balance, account_digits(trader)),
        balance_version=trader.balanceVersion,
    )


def account_digits(trader: ProtoOATrader) -> int:
    """Return the decimals of the account's money: what the broker says, else the usual 2."""
    return trader.moneyDigits if trader.HasField("moneyDigits") else 2


def to_symbol(symbol: ProtoOASymbol, *, name: str, quote_asset: str, leverage: float) -> Symbol:
    """Convert the contract. `leverage` is the stricter of account and symbol.

    Raises:
        AccountUnsuitable: a field that sizing and order prices need is absent or of a kind
            the bot does not serve. Nothing is assumed, least of all digits.
    """
    if not 0 <= symbol.digits <= SYMBOL_DIGITS_MAX:
        raise AccountUnsuitable(f"{name} is priced with {symbol.digits} decimals, 0 to 5 work")
    for field in ("lotSize", "minVolume", "stepVolume", "maxVolume"):
        if getattr(symbol, field) <= 0:
            raise AccountUnsuitable(f"the broker does not say {field} of {name}; it is needed")
    if not leverage > 0:
        raise AccountUnsuitable(f"the broker does not say what leverage {name} has")
    is_relative = symbol.distanceSetIn == SYMBOL_DISTANCE_IN_PERCENTAGE
    if is_relative and (symbol.slDistance or symbol.tpDistance):
        raise AccountUnsuitable(f"{name} sets its least stop distance in per cent; not served")
    step = 10 ** (SYMBOL_DIGITS_MAX - symbol.digits)
    return Symbol(
        symbol_id=SymbolId(symbol.symbolId),
        name=name,
        digits=symbol.digits,
        quote_asset=quote_asset,
        lot_size=Volume(symbol.lotSize),
        volume_min=Volume(symbol.minVolume),
        volume_step=Volume(symbol.stepVolume),
        volume_max=Volume(symbol.maxVolume),
        stop_distance_min=Price(symbol.slDistance * step),
        target_distance_min=Price(symbol.tpDistance * step),
        trading_mode=TradingMode(symbol.tradingMode),
        is_short_selling_allowed=symbol.enableShortSelling,
        leverage=leverage,
        hours=to_hours(symbol, name),
    )


def to_hours(symbol: ProtoOASymbol, name: str) -> TradingHours:
    """Convert the weekly schedule and the holidays.

    Raises:
        AccountUnsuitable: they are in a time zone that this machine does not know.
    """
    return TradingHours(
        zone=_check_zone(symbol.scheduleTimeZone, name),
        intervals=tuple(
            Interval(start_s=each.startSecond, end_s=each.endSecond) for each in symbol.schedule
        ),
        holidays=tuple(_to_holiday(each, name) for each in symbol.holiday),
    )


def _to_holiday(holiday: ProtoOAHoliday, name: str) -> Holiday:
    return Holiday(
        name=holiday.name,
        zone=_check_zone(holiday.scheduleTimeZone, name),
        day=holiday.holidayDate,
        is_recurring=holiday.isRecurring,
        start_s=holiday.startSecond,
        end_s=holiday.endSecond if holiday.HasField("endSecond") else SECONDS_PER_DAY,
    )


def _check_zone(zone: str, name: str) -> str:
    try:
        ZoneInfo(zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as e:
        raise AccountUnsuitable(
            f"the trading hours of {name} are in no known zone: {zone!r}"
        ) from e
    return zone
