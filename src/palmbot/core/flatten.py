"""Closing every position of ours, by its id: asked for once, pursued until it is true."""

from msgspec.structs import replace

from palmbot.core.breakers.machine import cancel_resting_entries, read_now
from palmbot.core.intents import ask_close
from palmbot.core.state import FlattenOrder, LinkPhase
from palmbot.core.step import Step
from palmbot.domain.commands import Severity
from palmbot.domain.orders import IN_FLIGHT, IntentKind
from palmbot.domain.units import MS_PER_SECOND

RETRY_MS = 10 * MS_PER_SECOND
"""Market time between two attempts, should the broker refuse the first."""


def order_flatten(step: Step, reason: str) -> None:
    """Have all own positions closed. Foreign ones are never touched."""
    if step.flatten is None:
        order = FlattenOrder(reason=reason, since=read_now(step))
        step.set_flatten(order)
    pursue_flatten(step)


def pursue_flatten(step: Step) -> None:
    """Do the next thing towards being flat; while the market is closed, wait for it to open.

    Until then the stop at the broker protects. Done only when clean books show no position
    and no entry is on its way.
    """
    order = step.flatten
    if order is None or step.link.phase is LinkPhase.DISCONNECTED:
        return
    cancel_resting_entries(step, order.reason)
    is_entry_on_its_way = any(
        intent.kind is IntentKind.ENTRY and intent.state in IN_FLIGHT
        for intent in step.books.intents.values()
    )
    if not step.books.positions:
        if step.link.phase is LinkPhase.CONSISTENT and not is_entry_on_its_way:
            step.set_flatten(None)
            step.alarm(Severity.NOTICE, f"flat after: {order.reason}")
            step.say("flat")
        return
    now = read_now(step)
    is_open = step.symbol is not None and step.symbol.hours.are_open(now)
    is_due = order.asked_at is None or now - order.asked_at >= RETRY_MS
    if not is_open or not is_due:
        return
    step.set_flatten(replace(order, asked_at=now))
    for position in tuple(step.books.positions.values()):
        ask_close(step, position, order.reason)
