"""Bringing back the stop and target of a position, or closing it if that does not work out."""

from msgspec.structs import replace

from palmbot.core.intents import ask_amend, ask_close
from palmbot.core.sizing import round_level
from palmbot.core.state import OpenPosition
from palmbot.core.step import Step
from palmbot.domain.errors import BooksDoNotBalance
from palmbot.domain.market import Side
from palmbot.domain.orders import Intent
from palmbot.domain.units import PositionId, Price

REPAIRS_MAX = 3
"""Failed repairs of a missing stop before the position is closed instead."""
REPAIR_S_MAX = 4.0
"""Link seconds that repairs of a missing stop may take before the position is closed instead: with
the close that follows it is protected or gone within five."""

RESTORE = "restore the stop"


def restore_levels(step: Step, held: OpenPosition) -> None:
    """Ask for the intended stop; close if the price is beyond it or the repair keeps failing.

    While the market is closed nothing can be closed either, and the repair goes on.
    """
    tick = step.state.market.tick
    is_current = step.state.market.tick_generation == step.link.generation
    is_beyond = (
        tick is not None
        and is_current
        and (
            tick.bid <= held.intended_stop
            if held.side is Side.BUY
            else tick.ask >= held.intended_stop
        )
    )
    if is_beyond:
        ask_close(step, held, "the price is beyond the stop it should have")
    elif held.repairs >= REPAIRS_MAX:
        ask_close(step, held, f"its stop could not be restored {held.repairs} times")
    elif (held.unprotected_s or 0.0) >= REPAIR_S_MAX and not _is_shut(step):
        ask_close(step, held, f"its stop was not back after {REPAIR_S_MAX:g} s")
    else:
        kept = held.take_profit if held.stop_loss is not None else None
        stop = _fit(step, held, held.intended_stop)
        ask_amend(step, held, stop, _fit(step, held, kept or held.intended_target), RESTORE)


def count_unprotected(step: Step, held: OpenPosition) -> OpenPosition:
    """Add what the last reading waited to the time for which a position has had no stop."""
    waited_s = 0.0 if held.unprotected_s is None else held.unprotected_s + step.link.delay_s
    counted = replace(held, unprotected_s=waited_s)
    step.put_position(counted)
    return counted


def is_repairing(step: Step) -> bool:
    """Tell whether a missing stop may be back any moment: looked at every second then."""
    return any(
        held.unprotected_s is not None and held.unprotected_s < REPAIR_S_MAX
        for held in step.books.positions.values()
    )


def close_unprotected(step: Step, position_id: PositionId | None, reason: str) -> None:
    """Close a position that is known to lack its stop, because the repair came to nothing."""
    held = step.books.positions.get(position_id) if position_id is not None else None
    if held is not None and held.unprotected_s is not None and not _is_shut(step):
        ask_close(step, held, reason)


def count_failed_repair(step: Step, intent: Intent) -> None:
    """Note that the levels of a position could not be set."""
    held = step.books.positions.get(intent.position_id) if intent.position_id is not None else None
    if held is not None:
        step.put_position(replace(held, repairs=held.repairs + 1))


def _fit(step: Step, held: OpenPosition, level: Price) -> Price:
    """Return a level on the price step of today: the contract may have changed since the entry."""
    if step.symbol is None:
        raise BooksDoNotBalance("a position without a contract")
    return round_level(level, held.entry_price, step.symbol.price_step)


def _is_shut(step: Step) -> bool:
    """Tell whether the market is known to be closed; without a schedule a close is tried."""
    hours = step.symbol.hours if step.symbol is not None else None
    return hours is not None and bool(hours.intervals) and not hours.are_open(step.market.time)
