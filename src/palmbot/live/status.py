"""What the bot would tell a person who asks how it stands: plain values, read off the state."""

from dataclasses import dataclass

from palmbot.core.metrics import read_equity
from palmbot.core.params import EngineParams
from palmbot.core.rsi import read_rsi
from palmbot.core.state import EngineState
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.orders import IntentState
from palmbot.domain.units import (
    MONEY_SCALE,
    PRICE_SCALE,
    VOLUME_SCALE,
    Money,
    PositionId,
    TimestampMs,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionStatus:
    """The open position; prices and volume in whole units, for reading."""

    position_id: PositionId
    side: str
    units: float
    entry_price: float
    stop_loss: float | None
    take_profit: float | None
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """One look at the bot; prices and money in whole units, for reading."""

    environment: str
    account_id: int
    symbol: str
    digits: int
    """Decimals of a price."""
    is_shadow: bool
    run_id: str
    market_time: TimestampMs
    """Milliseconds since 1970 UTC; 0 before the first price."""
    link: str
    """disconnected, syncing, consistent, degraded or quarantined."""
    link_reason: str
    links_lost: int
    bid: float | None
    ask: float | None
    rsi: float | None
    """Over closed bars; None before it is warm."""
    position: PositionStatus | None
    balance: float
    equity: float | None
    """None while a price or a conversion rate is missing."""
    currency: str
    halted_by: str | None
    halt_reason: str
    unknown_orders: tuple[str, ...]
    """Intents whose fate is not proven."""
    open_items: tuple[str, ...]
    """What a person has to settle: see `palmbot reconcile ack`."""
    orders_sent: int
    trades: int
    wins: int
    breakers: tuple[str, ...] = ()
    """Breakers that are not closed, each with phase and reason."""
    last_decision: str


def describe_status(state: EngineState, params: EngineParams) -> Status:
    """Return the status of a running or a stored bot."""
    tick, position, equity = state.market.tick, state.position, read_equity(state, params)
    return Status(
        environment=params.environment,
        account_id=params.account_id,
        symbol=params.symbol_name,
        digits=state.symbol.digits if state.symbol else 0,
        is_shadow=params.is_shadow,
        run_id=state.run_id,
        market_time=state.market.time,
        link=state.link.phase,
        link_reason=state.link.reason,
        links_lost=state.tally.links_lost,
        bid=tick.bid / PRICE_SCALE if tick else None,
        ask=tick.ask / PRICE_SCALE if tick else None,
        rsi=read_rsi(state.market.rsi, params.rsi_period),
        position=None
        if position is None
        else PositionStatus(
            position_id=position.position_id,
            side=position.side.name.lower(),
            units=position.volume / VOLUME_SCALE,
            entry_price=position.entry_price / PRICE_SCALE,
            stop_loss=_price(position.stop_loss),
            take_profit=_price(position.take_profit),
            reason=position.entry_reason,
        ),
        balance=_amount(state.books.balance),
        equity=None if equity is None else _amount(equity),
        currency=state.account.currency if state.account else "",
        halted_by=state.switch.halted_by,
        halt_reason=state.switch.reason,
        unknown_orders=tuple(
            intent.intent_id
            for intent in state.books.intents.values()
            if intent.state is IntentState.UNKNOWN
        ),
        open_items=tuple(state.books.quarantine),
        orders_sent=state.tally.requests_sent,
        breakers=describe_breakers(state),
        trades=state.tally.trades,
        wins=state.tally.wins,
        last_decision=state.last_decision,
    )


def describe_breakers(state: EngineState) -> tuple[str, ...]:
    """Return one sentence for each breaker that is not closed, strictest first."""
    records = (state.breakers.read(name) for name in BreakerName)
    return tuple(
        f"{each.name} {each.phase.replace('_', ' ')}: {each.reason}"
        for each in records
        if each.phase is not BreakerPhase.CLOSED
    )


def _price(price: int | None) -> float | None:
    return None if price is None else price / PRICE_SCALE


def _amount(money: Money) -> float:
    return money / MONEY_SCALE
