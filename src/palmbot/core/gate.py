"""The one gate before anything leaves: asked when an intent is made, and again when it is stored.

It fails closed. What is missing denies; an exception in here passes through `decide`, so
that the step carries no command and nothing is sent. Only entries can be denied for cause:
closing, restoring a stop and cancelling need no more than the connection they were made for.
"""

from enum import StrEnum
from typing import TypeAlias

from msgspec import Struct

from palmbot.core.breakers.verdict import (
    find_burst,
    find_forbidding,
    find_unknown,
    find_wide_spread,
    read_loss_allowed,
)
from palmbot.core.conversion import value_in_quote
from palmbot.core.metrics import read_state_rate
from palmbot.core.params import EngineParams
from palmbot.core.state import EngineState, LinkPhase
from palmbot.domain.breakers import BreakerName
from palmbot.domain.errors import BooksDoNotBalance
from palmbot.domain.events import IntentStored
from palmbot.domain.market import Account, Side, Symbol, Tick, TradingMode
from palmbot.domain.orders import IN_FLIGHT, Environment, Intent, IntentKind, IntentState
from palmbot.domain.units import (
    BASIS_POINTS,
    MONEY_SCALE,
    MS_PER_DAY,
    MS_PER_MINUTE,
    MS_PER_SECOND,
    IntentId,
    Money,
    TimestampMs,
)


class Denial(StrEnum):
    """Why an intent may not leave."""

    ENVIRONMENT = "ENVIRONMENT"
    OPERATOR = "OPERATOR"
    SLOT_FROZEN = "SLOT_FROZEN"
    QUARANTINED = "QUARANTINED"
    RECONCILING = "RECONCILING"
    EXPOSURE = "EXPOSURE"
    WARM_UP = "WARM_UP"
    SESSION = "SESSION"
    DATA_STALE = "DATA_STALE"
    SPREAD = "SPREAD"
    RISK_DATA_UNAVAILABLE = "RISK_DATA_UNAVAILABLE"
    ORDER_RATE = "ORDER_RATE"
    DAILY_LOSS = "DAILY_LOSS"
    LOSS_STREAK = "LOSS_STREAK"
    VOL_SPIKE = "VOL_SPIKE"
    GAP_GUARD = "GAP_GUARD"
    REJECT_RATE = "REJECT_RATE"
    ERROR_RATE = "ERROR_RATE"
    CRASH_LOOP = "CRASH_LOOP"
    CLOCK = "CLOCK"
    DISK_SPACE = "DISK_SPACE"
    TOKEN = "TOKEN"  # noqa: S105 - the name of a reason
    REPEATED = "REPEATED"
    GENERATION = "GENERATION"
    EPOCH = "EPOCH"
    STALE_INTENT = "STALE_INTENT"
    BUDGET = "BUDGET"
    """The day may not lose so much any more, or the request rate is spent."""
    SHADOW = "SHADOW"
    SIZE = "SIZE"
    """Given by the sizing, before there is an intent to ask about."""
    SENTIMENT = "SENTIMENT"
    """Given by the strategy, likewise."""


BREAKER_DENIALS = {
    BreakerName.DAILY_LOSS: Denial.DAILY_LOSS,
    BreakerName.LOSS_STREAK: Denial.LOSS_STREAK,
    BreakerName.ORDER_RATE: Denial.ORDER_RATE,
    BreakerName.ERROR_RATE: Denial.ERROR_RATE,
    BreakerName.REJECT_RATE: Denial.REJECT_RATE,
    BreakerName.CRASH_LOOP: Denial.CRASH_LOOP,
    BreakerName.CLOCK_JUMP: Denial.CLOCK,
    BreakerName.DISK_SPACE: Denial.DISK_SPACE,
    BreakerName.TOKEN_EXPIRY: Denial.TOKEN,
    BreakerName.VOLATILITY: Denial.VOL_SPIKE,
    BreakerName.GAP_GUARD: Denial.GAP_GUARD,
    BreakerName.DATA_STALE: Denial.DATA_STALE,
}


class Allowed(Struct, frozen=True, kw_only=True):
    """An intent that passed. Only this can be stored or sent."""

    intent: Intent


class Denied(Struct, frozen=True, kw_only=True):
    """Why not, for the counters and in words."""

    code: Denial
    text: str


Answer: TypeAlias = Allowed | Denied


def authorize(
    state: EngineState, params: EngineParams, intent: Intent, stored: IntentStored | None = None
) -> Answer:
    """Judge an intent: without `stored` before it goes to the journal, with it before it leaves.

    Raises:
        BooksDoNotBalance: an entry without a stop was built, which no setting allows.
    """
    if intent.kind.is_risk_increasing:
        if intent.stop_distance is None or intent.stop_distance <= 0 or intent.volume <= 0:
            raise BooksDoNotBalance(f"entry {intent.intent_id} has no stop or no volume")
        denied = deny_entry(state, params, intent.side, intent.bar_time, own_id=intent.intent_id)
        denied = denied or _deny_loss(state, params, intent)
        if denied is not None:
            return denied
        if intent.epoch != state.switch.epoch:
            return Denied(
                code=Denial.EPOCH,
                text=f"permission changed since the decision ({intent.epoch} to "
                f"{state.switch.epoch})",
            )
    denied = _deny_link(state, intent)
    if denied is None:
        denied = _deny_unproven_time(state, intent)
    if denied is None and stored is not None:
        denied = _deny_send(params, intent, stored)
    if denied is None and params.is_shadow:
        denied = Denied(code=Denial.SHADOW, text="shadow run: decided, not sent")
    return Allowed(intent=intent) if denied is None else denied


def deny_entry(
    state: EngineState,
    params: EngineParams,
    side: Side,
    bar_time: TimestampMs,
    own_id: IntentId | None = None,
) -> Denied | None:
    """Return why no entry of this side is possible now, or None.

    `own_id` is the entry under judgement, which does not stand in its own way.
    """
    account = state.account
    symbol = state.symbol
    tick = state.market.tick
    denied = _deny_permission(state, params) or _deny_books(state, own_id)
    if denied is not None:
        return denied
    if account is None or symbol is None:
        return Denied(code=Denial.RECONCILING, text="account and contract are not known yet")
    is_right_kind = account.is_live == (params.environment is Environment.LIVE)
    if account.account_id != params.account_id or not is_right_kind:
        return Denied(
            code=Denial.ENVIRONMENT,
            text=f"account {account.account_id} (live: {account.is_live}) is not the configured "
            f"{params.account_id} on {params.environment}",
        )
    if own_id is None and bar_time <= state.books.last_entry_bar:
        return Denied(code=Denial.REPEATED, text="this bar has had its entry")
    return (
        _deny_breakers(state, own_id)
        or _deny_history(state, params)
        or _deny_session(state, account, symbol, side)
        or _deny_unknown(state, params)
        or _deny_price(state, params, tick)
        or _deny_burst(state, params)
        or _deny_rate(state, params)
    )


def _deny_permission(state: EngineState, params: EngineParams) -> Denied | None:
    if params.environment is Environment.LIVE and not _has_live_grant(params):
        return Denied(code=Denial.ENVIRONMENT, text="the locks of LIVE are not open")
    if state.switch.halted_by is not None:
        return Denied(
            code=Denial.OPERATOR,
            text=f"halted by {state.switch.halted_by}: {state.switch.reason}",
        )
    if state.switch.is_stopping:
        return Denied(code=Denial.OPERATOR, text="the program is about to end")
    return None


def _has_live_grant(params: EngineParams) -> bool:
    """Tell whether the locks were open. A shadow run only decides: it is denied when it sends."""
    grant = params.live
    is_ours = grant is not None and grant.account_id == params.account_id
    return is_ours and (params.is_shadow or (grant is not None and grant.may_trade))


def _deny_unknown(state: EngineState, params: EngineParams) -> Denied | None:
    text = find_unknown(state, params)
    return Denied(code=Denial.RISK_DATA_UNAVAILABLE, text=text) if text else None


def _deny_breakers(state: EngineState, own_id: IntentId | None) -> Denied | None:
    if state.flatten is not None:
        return Denied(
            code=Denial.OPERATOR, text=f"positions are being closed: {state.flatten.reason}"
        )
    found = find_forbidding(state, own_id)
    if found is None:
        return None
    name, text = found
    return Denied(code=BREAKER_DENIALS[name], text=text)


def _deny_loss(state: EngineState, params: EngineParams, intent: Intent) -> Denied | None:
    """Hold the loss at the stop against what the day may still lose."""
    allowed = read_loss_allowed(state, params)
    rate = read_state_rate(state, params)
    if allowed is None or rate is None or intent.stop_distance is None:
        return None
    loss = -rate.convert(Money(-value_in_quote(intent.stop_distance, intent.volume)))
    if loss <= allowed:
        return None
    return Denied(
        code=Denial.BUDGET,
        text=f"{loss / MONEY_SCALE:.2f} at the stop, the day may lose "
        f"{allowed / MONEY_SCALE:.2f} more",
    )


def _deny_books(  # noqa: PLR0911 - likewise
    state: EngineState, own_id: IntentId | None
) -> Denied | None:
    books = state.books
    in_flight = [
        intent
        for intent in books.intents.values()
        if intent.state in IN_FLIGHT and intent.intent_id != own_id
    ]
    unknown = [intent for intent in in_flight if intent.state is IntentState.UNKNOWN]
    if unknown:
        return Denied(
            code=Denial.SLOT_FROZEN,
            text=f"the fate of {unknown[0].kind} {unknown[0].intent_id} is unknown",
        )
    phase = state.link.phase
    if phase is LinkPhase.QUARANTINED or books.quarantine:
        items = ", ".join(books.quarantine) or "an item"
        return Denied(code=Denial.QUARANTINED, text=f"a person has to settle {items}")
    if phase is not LinkPhase.CONSISTENT:
        return Denied(code=Denial.RECONCILING, text=f"{phase}: {state.link.reason}")
    if books.positions:
        return Denied(code=Denial.EXPOSURE, text="a position is open")
    if books.foreign_positions:
        return Denied(
            code=Denial.EXPOSURE,
            text=f"position {books.foreign_positions[0]} in this symbol is not ours",
        )
    if any(intent.kind is IntentKind.ENTRY for intent in in_flight):
        return Denied(code=Denial.EXPOSURE, text="an entry is on its way")
    return None


def _deny_history(state: EngineState, params: EngineParams) -> Denied | None:
    market = state.market
    if state.link.history_generation != state.link.generation:
        return Denied(
            code=Denial.WARM_UP, text="the bars missed before this connection are not loaded yet"
        )
    if market.rsi.bars_seen < params.warm_up_bars:
        return Denied(
            code=Denial.WARM_UP,
            text=f"{market.rsi.bars_seen} of {params.warm_up_bars} bars seen",
        )
    return None


def _deny_session(
    state: EngineState, account: Account, symbol: Symbol, side: Side
) -> Denied | None:
    if not account.can_trade:
        return Denied(code=Denial.SESSION, text="the account may not open positions")
    if symbol.trading_mode is not TradingMode.ENABLED:
        return Denied(code=Denial.SESSION, text=f"{symbol.name} is {symbol.trading_mode.name}")
    if side is Side.SELL and not symbol.is_short_selling_allowed:
        return Denied(code=Denial.SESSION, text=f"{symbol.name} cannot be sold short")
    if not symbol.hours.are_open(state.market.time):
        return Denied(code=Denial.SESSION, text="outside trading hours")
    return None


def _deny_price(state: EngineState, params: EngineParams, tick: Tick | None) -> Denied | None:
    if tick is None or state.market.tick_generation != state.link.generation:
        return Denied(code=Denial.DATA_STALE, text="no price on this connection yet")
    age_ms = state.market.time - tick.time
    if age_ms > params.price_age_max_ms:
        return Denied(
            code=Denial.DATA_STALE, text=f"the last price is {age_ms / MS_PER_SECOND:.0f} s old"
        )
    denied = _deny_spread(state, params, tick)
    if denied is not None:
        return denied
    if state.books.balance <= 0:
        return Denied(code=Denial.RISK_DATA_UNAVAILABLE, text="the account has no money")
    if read_state_rate(state, params) is None:
        return Denied(
            code=Denial.RISK_DATA_UNAVAILABLE, text="no fresh rate into the account currency"
        )
    return None


def _deny_spread(state: EngineState, params: EngineParams, tick: Tick) -> Denied | None:
    spread = tick.ask - tick.bid
    if spread * BASIS_POINTS > params.spread_bp_max * tick.bid:
        return Denied(
            code=Denial.SPREAD,
            text=f"spread {spread * BASIS_POINTS / tick.bid:.0f} bp is above "
            f"{params.spread_bp_max} bp",
        )
    wide = find_wide_spread(state, params)
    return Denied(code=Denial.SPREAD, text=wide) if wide else None


def _deny_burst(state: EngineState, params: EngineParams) -> Denied | None:
    text = find_burst(state, params)
    return Denied(code=Denial.VOL_SPIKE, text=text) if text else None


def _deny_rate(state: EngineState, params: EngineParams) -> Denied | None:
    tally = state.tally
    now = state.market.time
    recent = sum(now - sent < MS_PER_MINUTE for sent in tally.entry_times)
    if recent >= params.orders_per_minute_max:
        return Denied(code=Denial.ORDER_RATE, text=f"{recent} entries within a minute")
    if tally.entry_day == now // MS_PER_DAY and tally.entries_today >= params.orders_per_day_max:
        return Denied(code=Denial.ORDER_RATE, text=f"{tally.entries_today} entries today")
    return None


def _deny_link(state: EngineState, intent: Intent) -> Denied | None:
    link = state.link
    if link.phase is LinkPhase.DISCONNECTED:
        return Denied(code=Denial.RECONCILING, text=f"{link.phase}: {link.reason}")
    if intent.generation != link.generation:
        return Denied(
            code=Denial.GENERATION,
            text=f"made for connection {intent.generation}, now it is {link.generation}",
        )
    return None


def _deny_unproven_time(state: EngineState, intent: Intent) -> Denied | None:
    """An end of life by our own clock may lie a day ahead, and the order would rest that long."""
    if intent.expires_at is None or state.is_time_proven:
        return None
    return Denied(
        code=Denial.CLOCK, text="the broker sends no time with its prices: no end of life is sure"
    )


def _deny_send(params: EngineParams, intent: Intent, stored: IntentStored) -> Denied | None:
    if not intent.kind.is_risk_increasing:
        return None
    if stored.age_ms > params.intent_age_max_ms:
        return Denied(code=Denial.STALE_INTENT, text=f"stored after {stored.age_ms} ms")
    if stored.order_budget <= 0:
        return Denied(code=Denial.BUDGET, text="the request rate of this second is spent")
    return None
