"""What the exchange refuses, and in which words: pure checks of one request each.

Codes and texts are those of the Open API as clients meet them.
"""

from palmbot.domain.errors import RequestRefused
from palmbot.domain.market import Side, TradingMode
from palmbot.domain.units import PRICE_SCALE, Price, TimestampMs, Volume
from palmbot.simulator.contracts import Contract
from palmbot.simulator.market import Quote
from palmbot.simulator.records import NewOrder, OrderKind

LABEL_LENGTH_MAX = 100
COMMENT_LENGTH_MAX = 512
CLIENT_ORDER_ID_LENGTH_MAX = 50


def check_market(contract: Contract, time: TimestampMs, *, is_closing: bool) -> None:
    """Refuse while the market is closed or the symbol takes no such order.

    Raises:
        RequestRefused: MARKET_CLOSED, SYMBOL_HAS_HOLIDAY or TRADING_DISABLED.
    """
    mode = contract.trading_mode
    if mode is not TradingMode.ENABLED and not (is_closing and mode is TradingMode.CLOSE_ONLY_MODE):
        raise RequestRefused("TRADING_DISABLED", f"Trading in {contract.name} is {mode.name}")
    if contract.hours.are_open(time):
        return
    if any(holiday.covers(time) for holiday in contract.hours.holidays):
        raise RequestRefused("SYMBOL_HAS_HOLIDAY", f"{contract.name} has a holiday")
    raise RequestRefused("MARKET_CLOSED", f"{contract.name} is closed now")


def check_form(order: NewOrder) -> None:
    """Refuse what no symbol allows.

    Raises:
        RequestRefused: INVALID_REQUEST.
    """
    lengths = (
        ("label", order.label, LABEL_LENGTH_MAX),
        ("comment", order.comment, COMMENT_LENGTH_MAX),
        ("clientOrderId", order.client_order_id, CLIENT_ORDER_ID_LENGTH_MAX),
    )
    for name, text, length_max in lengths:
        if len(text) > length_max:
            raise RequestRefused(
                "INVALID_REQUEST", f"{name} is longer than {length_max} characters"
            )
    is_market = order.kind is OrderKind.MARKET
    if is_market and (order.stop_loss is not None or order.take_profit is not None):
        raise RequestRefused(
            "INVALID_REQUEST",
            "SL/TP in absolute values are allowed only for order types: [LIMIT, STOP, STOP_LIMIT]",
        )
    wanted = {OrderKind.LIMIT: order.limit_price, OrderKind.STOP: order.stop_price}
    if order.kind in wanted and wanted[order.kind] is None:
        raise RequestRefused("INVALID_REQUEST", f"{order.kind.name} order without its price")


def check_volume(contract: Contract, volume: Volume) -> None:
    """Refuse a volume that the contract does not allow.

    Raises:
        RequestRefused: TRADING_BAD_VOLUME.
    """
    if not contract.volume_min <= volume <= contract.volume_max:
        raise RequestRefused(
            "TRADING_BAD_VOLUME",
            f"Volume {volume} is outside {contract.volume_min} to {contract.volume_max}",
        )
    if volume % contract.volume_step:
        raise RequestRefused(
            "TRADING_BAD_VOLUME", f"Volume {volume} is no multiple of {contract.volume_step}"
        )


def check_precision(contract: Contract, *prices: Price | None) -> None:
    """Refuse absolute prices with more decimals than the symbol has.

    Raises:
        RequestRefused: INVALID_REQUEST.
    """
    for price in prices:
        if price is not None and price % contract.price_step:
            raise RequestRefused(
                "INVALID_REQUEST",
                f"Price {price / PRICE_SCALE} has more digits than symbol allows. "
                f"Allowed {contract.digits} digits",
            )


def check_distances(
    contract: Contract, stop_distance: Price | None, target_distance: Price | None
) -> None:
    """Refuse relative levels that are not on the price step or too near.

    Raises:
        RequestRefused: INVALID_REQUEST, TRADING_BAD_STOPS, PROTECTION_IS_TOO_CLOSE_TO_MARKET.
    """
    for name, distance in (("stop loss", stop_distance), ("take profit", target_distance)):
        if distance is None:
            continue
        if distance <= 0:
            raise RequestRefused("TRADING_BAD_STOPS", f"Relative {name} is not positive")
        if distance % contract.price_step:
            raise RequestRefused("INVALID_REQUEST", f"Relative {name} has invalid precision")
        _check_nearness(contract, name, distance)


def check_levels(
    contract: Contract,
    side: Side,
    stop_loss: Price | None,
    take_profit: Price | None,
    reference: Quote,
) -> None:
    """Refuse absolute levels on the wrong side of `reference`, too near or too precise.

    A long position is closed at bid, a short one at ask.

    Raises:
        RequestRefused: INVALID_REQUEST, TRADING_BAD_STOPS, PROTECTION_IS_TOO_CLOSE_TO_MARKET.
    """
    check_precision(contract, stop_loss, take_profit)
    leave = reference.bid if side is Side.BUY else reference.ask
    for name, level, sign in (("stop loss", stop_loss, -1), ("take profit", take_profit, 1)):
        if level is None:
            continue
        distance = Price(side.sign * sign * (level - leave))
        if distance < 0 or (distance == 0 and sign < 0):
            raise RequestRefused(
                "TRADING_BAD_STOPS",
                f"New {name} {level / PRICE_SCALE} for {side.name} position is on the wrong side "
                f"of the current price {leave / PRICE_SCALE}",
            )
        _check_nearness(contract, name, distance)


def check_expiry(order: NewOrder, time: TimestampMs) -> None:
    """Refuse an end of life that is over.

    Raises:
        RequestRefused: TRADING_BAD_EXPIRATION_DATE.
    """
    if order.expires_at is not None and order.expires_at <= time:
        raise RequestRefused(
            "TRADING_BAD_EXPIRATION_DATE", f"Expiration {order.expires_at} is not in the future"
        )


def _check_nearness(contract: Contract, name: str, distance: Price) -> None:
    smallest = contract.stop_distance_points * contract.price_step
    if distance < smallest:
        raise RequestRefused(
            "PROTECTION_IS_TOO_CLOSE_TO_MARKET",
            f"The {name} is {distance / PRICE_SCALE} away, nearest allowed is "
            f"{smallest / PRICE_SCALE}",
        )
