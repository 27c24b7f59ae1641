"""Execution events to domain events. What cannot be understood says so and never vanishes."""

from palmbot.ctrader.generated.enums_pb2 import (
    BONUS_DEPOSIT_WITHDRAW,
    DEPOSIT_WITHDRAW,
    ORDER_ACCEPTED,
    ORDER_CANCEL_REJECTED,
    ORDER_CANCELLED,
    ORDER_EXPIRED,
    ORDER_FILLED,
    ORDER_PARTIAL_FILL,
    ORDER_REJECTED,
    ORDER_REPLACED,
    SWAP,
)
from palmbot.ctrader.generated.order_messages_pb2 import ProtoOAExecutionEvent
from palmbot.ctrader.translate import to_fill, to_order, to_payment, to_position
from palmbot.domain.errors import ProtocolViolation
from palmbot.domain.events import (
    BalanceChanged,
    Event,
    ExecutionUnreadable,
    OrderAccepted,
    OrderEnd,
    OrderEnded,
    OrderFilled,
    PositionChanged,
)

_ENDS = {
    ORDER_REJECTED: OrderEnd.REJECTED,
    ORDER_EXPIRED: OrderEnd.EXPIRED,
    ORDER_CANCELLED: OrderEnd.CANCELLED,
}

Events = tuple[Event, ...]


def translate_execution(execution: ProtoOAExecutionEvent, account_digits: int) -> Events:
    """Return what an execution event means.

    Empty for a bonus payment and for a refused cancellation, which only the asker can place.
    An event that lacks what its type needs becomes `ExecutionUnreadable`.
    """
    try:
        return _translate(execution, account_digits)
    except ProtocolViolation as e:
        return (ExecutionUnreadable(reason=str(e)),)


def _translate(execution: ProtoOAExecutionEvent, account_digits: int) -> Events:
    match execution.executionType:
        case kind if kind in {ORDER_FILLED, ORDER_PARTIAL_FILL}:
            events = _translate_fill(execution, account_digits)
        case kind if kind == DEPOSIT_WITHDRAW:
            events = _translate_payment(execution, account_digits)
        case kind if kind in {BONUS_DEPOSIT_WITHDRAW, ORDER_CANCEL_REJECTED}:
            events = ()
        case kind if kind == SWAP or not execution.HasField("order"):
            # A change of the levels of a position is told as ORDER_REPLACED without an order.
            events = _translate_levels(execution, account_digits)
            if not events or kind not in {SWAP, ORDER_REPLACED}:
                raise ProtocolViolation(f"execution of type {kind} came incomplete")
        case _:
            events = _translate_order(execution, account_digits)
    return events


def _translate_order(execution: ProtoOAExecutionEvent, account_digits: int) -> Events:
    kind = execution.executionType
    order = to_order(execution.order)
    event: Event
    if kind in _ENDS:
        event = OrderEnded(order=order, end=_ENDS[kind], reason=execution.errorCode)
    elif kind in {ORDER_ACCEPTED, ORDER_REPLACED}:
        event = OrderAccepted(order=order)
    else:
        raise ProtocolViolation(f"execution of type {kind} is not known")
    # What happens to a stop or target changes the levels of its position.
    if order.is_protection or kind == ORDER_REPLACED:
        return (event, *_translate_levels(execution, account_digits))
    return (event,)


def _translate_levels(execution: ProtoOAExecutionEvent, account_digits: int) -> Events:
    if not execution.HasField("position"):
        return ()
    position = to_position(execution.position, account_digits)
    return () if position is None else (PositionChanged(position=position),)


def _translate_fill(execution: ProtoOAExecutionEvent, account_digits: int) -> Events:
    for field in ("order", "deal", "position"):
        if not execution.HasField(field):
            raise ProtocolViolation(f"a fill came without its {field}")
    fill = to_fill(execution.deal, account_digits)
    if fill is None:
        raise ProtocolViolation(f"deal {execution.deal.dealId} of a fill executed nothing")
    return (
        OrderFilled(
            order=to_order(execution.order),
            fill=fill,
            position=to_position(execution.position, account_digits),
            is_partial=execution.executionType == ORDER_PARTIAL_FILL,
        ),
    )


def _translate_payment(execution: ProtoOAExecutionEvent, account_digits: int) -> Events:
    if not execution.HasField("depositWithdraw"):
        raise ProtocolViolation("a payment came without its details")
    payment = to_payment(execution.depositWithdraw, account_digits)
    return (
        BalanceChanged(
            balance=payment.balance,
            balance_version=payment.balance_version,
            delta=payment.delta,
            kind=payment.kind,
            time=payment.time,
        ),
    )
