"""Every rule of the gate by itself, at its limit and one step beyond, on a bot that may trade."""

from collections.abc import Callable
from dataclasses import replace

import pytest
from msgspec import structs

from harness.breaker_world import make_params
from harness.engine_world import EASY, PERIOD, PRICE, START, USDMYR, World, make_tick
from palmbot.core.breakers.book import BreakerRecord, DayBook, VolatilityView
from palmbot.core.breakers.daily_loss import read_limits
from palmbot.core.breakers.rules import BreakerRules
from palmbot.core.gate import BREAKER_DENIALS, Allowed, Denial, authorize, deny_entry
from palmbot.core.params import EngineParams
from palmbot.core.rsi import RsiState
from palmbot.core.state import (
    DiscrepancyClass,
    EngineState,
    FlattenOrder,
    LinkPhase,
    QuarantineItem,
)
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.errors import BooksDoNotBalance
from palmbot.domain.events import IntentStored
from palmbot.domain.market import ConversionLeg, Side, TradingMode
from palmbot.domain.orders import Environment, Intent, IntentKind, IntentState
from palmbot.domain.units import IntentId, Money, PositionId, Price, TimestampMs, Volume

BAR = TimestampMs(START)
NOW = START + PERIOD
DAY_MS = 86_400_000

Change = Callable[[EngineState], EngineState]


def ready() -> World:
    """A bot that just decided to enter; its intent waits to be sent."""
    world = World(EASY)
    world.make_ready()
    world.fall()
    return world


@pytest.fixture(scope="module")
def waiting() -> tuple[EngineState, Intent]:
    world = ready()
    (intent,) = world.state.books.intents.values()
    return world.state, intent


@pytest.fixture(scope="module")
def state(waiting) -> EngineState:
    """The same bot without the intent."""
    full, _ = waiting
    return structs.replace(
        full, books=structs.replace(full.books, intents={}, last_entry_bar=BAR - PERIOD)
    )


def deny(state: EngineState, params: EngineParams = EASY, side: Side = Side.BUY):
    denied = deny_entry(state, params, side, BAR)
    return None if denied is None else denied.code


def in_books(**changes) -> Change:
    return lambda state: structs.replace(state, books=structs.replace(state.books, **changes))


def in_link(**changes) -> Change:
    return lambda state: structs.replace(state, link=structs.replace(state.link, **changes))


def in_market(**changes) -> Change:
    return lambda state: structs.replace(state, market=structs.replace(state.market, **changes))


def in_switch(**changes) -> Change:
    return lambda state: structs.replace(state, switch=structs.replace(state.switch, **changes))


def in_symbol(**changes) -> Change:
    return lambda state: structs.replace(state, symbol=structs.replace(state.symbol, **changes))


def in_account(**changes) -> Change:
    return lambda state: structs.replace(state, account=structs.replace(state.account, **changes))


def in_tally(**changes) -> Change:
    return lambda state: structs.replace(state, tally=structs.replace(state.tally, **changes))


def with_breaker(name: BreakerName, phase: BreakerPhase, probe=None) -> Change:
    record = BreakerRecord(name=name, phase=phase, probe=probe)
    return lambda state: structs.replace(
        state, breakers=structs.replace(state.breakers, records={name: record})
    )


def with_intent(kind: IntentKind, intent_state: IntentState) -> Change:
    world = ready()
    (intent,) = world.state.books.intents.values()
    intent = structs.replace(intent, intent_id=IntentId("OTHER"), kind=kind, state=intent_state)
    return in_books(intents={intent.intent_id: intent})


def in_tape(**changes) -> Change:
    return lambda state: structs.replace(state, tape=structs.replace(state.tape, **changes))


def held_positions():
    world = World(EASY)
    world.make_ready()
    world.enter()
    return world.state.books.positions


LEG = ConversionLeg(symbol_id=USDMYR, name="USDMYR", is_inverted=False)
ITEM = QuarantineItem(
    item="balance", kind=DiscrepancyClass.BALANCE_GAP, detail="", since=TimestampMs(0)
)
MINUTE_OF_ENTRIES = (TimestampMs(NOW - 59_999),) * 3

TABLE: list[tuple[str, Change, Denial | None]] = [
    ("nothing is wrong", lambda state: state, None),
    ("halted", in_switch(halted_by="eve"), Denial.OPERATOR),
    ("ending", in_switch(is_stopping=True), Denial.OPERATOR),
    (
        "being closed",
        lambda state: structs.replace(state, flatten=FlattenOrder(reason="", since=TimestampMs(0))),
        Denial.OPERATOR,
    ),
    ("no account", lambda state: structs.replace(state, account=None), Denial.RECONCILING),
    ("no contract", lambda state: structs.replace(state, symbol=None), Denial.RECONCILING),
    ("another account", in_account(account_id=1), Denial.ENVIRONMENT),
    ("a live account", in_account(is_live=True), Denial.ENVIRONMENT),
    ("an entry unknown", with_intent(IntentKind.ENTRY, IntentState.UNKNOWN), Denial.SLOT_FROZEN),
    ("a close unknown", with_intent(IntentKind.CLOSE, IntentState.UNKNOWN), Denial.SLOT_FROZEN),
    ("an entry stored", with_intent(IntentKind.ENTRY, IntentState.NEW), Denial.EXPOSURE),
    ("an entry sent", with_intent(IntentKind.ENTRY, IntentState.SENT), Denial.EXPOSURE),
    ("an entry partly filled", with_intent(IntentKind.ENTRY, IntentState.PARTIAL), Denial.EXPOSURE),
    ("a cancel sent", with_intent(IntentKind.CANCEL, IntentState.SENT), None),
    ("an entry filled", with_intent(IntentKind.ENTRY, IntentState.FILLED), None),
    ("quarantined", in_link(phase=LinkPhase.QUARANTINED), Denial.QUARANTINED),
    ("an item is open", in_books(quarantine={"balance": ITEM}), Denial.QUARANTINED),
    ("comparing", in_link(phase=LinkPhase.SYNCING), Denial.RECONCILING),
    ("a reading failed", in_link(phase=LinkPhase.DEGRADED), Denial.RECONCILING),
    ("not connected", in_link(phase=LinkPhase.DISCONNECTED), Denial.RECONCILING),
    ("foreign", in_books(foreign_positions=(PositionId(1),)), Denial.EXPOSURE),
    ("bar used", in_books(last_entry_bar=BAR), Denial.REPEATED),
    ("later bar used", in_books(last_entry_bar=BAR + PERIOD), Denial.REPEATED),
    ("history of another connection", in_link(history_generation=0), Denial.WARM_UP),
    ("two bars seen", in_market(rsi=RsiState(2, 1.0, 0.0, 0.0)), Denial.WARM_UP),
    ("three bars seen", in_market(rsi=RsiState(3, 1.0, 0.0, 0.0)), None),
    ("no right to trade", in_account(can_trade=False), Denial.SESSION),
    ("close only", in_symbol(trading_mode=TradingMode.CLOSE_ONLY_MODE), Denial.SESSION),
    ("no price", in_market(tick=None), Denial.DATA_STALE),
    ("price of another connection", in_market(tick_generation=0), Denial.DATA_STALE),
    ("30 s old", in_market(time=NOW + 30_000), None),
    ("older", in_market(time=NOW + 30_001), Denial.DATA_STALE),
    ("spread of 60 bp", in_market(tick=make_tick(NOW, PRICE, 600_000)), None),
    ("wider", in_market(tick=make_tick(NOW, PRICE, 600_001)), Denial.SPREAD),
    ("no money", in_books(balance=Money(0)), Denial.RISK_DATA_UNAVAILABLE),
    ("debts", in_books(balance=Money(-1)), Denial.RISK_DATA_UNAVAILABLE),
    ("a cent", in_books(balance=Money(1)), None),
    ("three in a minute", in_tally(entry_times=MINUTE_OF_ENTRIES), Denial.ORDER_RATE),
    ("two in a minute", in_tally(entry_times=MINUTE_OF_ENTRIES[1:]), None),
    ("a minute ago", in_tally(entry_times=(TimestampMs(NOW - 60_000),) * 3), None),
    ("30 today", in_tally(entry_day=NOW // DAY_MS, entries_today=30), Denial.ORDER_RATE),
    ("29 today", in_tally(entry_day=NOW // DAY_MS, entries_today=29), None),
    ("30 yesterday", in_tally(entry_day=NOW // DAY_MS - 1, entries_today=30), None),
    ("a position is open", in_books(positions=held_positions()), Denial.EXPOSURE),
    (
        "no rate",
        lambda state: structs.replace(state, conversion=(LEG,)),
        Denial.RISK_DATA_UNAVAILABLE,
    ),
    ("twice the usual spread", in_tape(usual_spread=50_000), Denial.SPREAD),
    ("just below it", in_tape(usual_spread=50_001), None),
    ("half open", with_breaker(BreakerName.DAILY_LOSS, BreakerPhase.HALF_OPEN), None),
    (
        "another probe",
        with_breaker(BreakerName.DAILY_LOSS, BreakerPhase.HALF_OPEN, IntentId("OTHER")),
        Denial.DAILY_LOSS,
    ),
    (
        "a defect",
        lambda state: structs.replace(state, breakers=structs.replace(state.breakers, defect="x")),
        Denial.RISK_DATA_UNAVAILABLE,
    ),
    *(
        (f"{name} {phase}", with_breaker(name, phase), BREAKER_DENIALS[name])
        for name in BreakerName
        for phase in (BreakerPhase.OPEN, BreakerPhase.LATCHED)
    ),
]


@pytest.mark.parametrize(("change", "code"), [row[1:] for row in TABLE], ids=[r[0] for r in TABLE])
def test_one_thing_wrong_is_one_denial_with_its_code(state, change, code):
    assert deny(change(state)) is code


@pytest.mark.parametrize("change", [row[1] for row in TABLE], ids=[r[0] for r in TABLE])
def test_an_intent_that_waits_is_asked_the_same_again(waiting, change):
    full, intent = waiting
    changed = change(
        structs.replace(full, books=structs.replace(full.books, last_entry_bar=BAR - PERIOD))
    )
    intents = {**changed.books.intents, intent.intent_id: intent}
    changed = structs.replace(changed, books=structs.replace(changed.books, intents=intents))
    stored = IntentStored(intent_id=intent.intent_id, age_ms=1, order_budget=1)
    answer = authorize(changed, EASY, intent, stored)
    expected = deny_entry(changed, EASY, intent.side, intent.bar_time, own_id=intent.intent_id)
    assert isinstance(answer, Allowed) is (expected is None)
    assert expected is None or answer == expected


def test_every_breaker_has_its_own_denial():
    assert BREAKER_DENIALS.keys() == set(BreakerName)
    assert len(set(BREAKER_DENIALS.values())) == len(BreakerName)


def test_a_short_needs_the_right_to_sell_short(state):
    bare = in_symbol(is_short_selling_allowed=False)(state)
    assert deny(bare, side=Side.SELL) is Denial.SESSION
    assert deny(bare, side=Side.BUY) is None
    assert deny(state, side=Side.SELL) is None


def test_no_setting_lets_an_entry_leave_on_a_live_account(state):
    live = replace(EASY, environment=Environment.LIVE, breakers=BreakerRules())
    assert deny(state, live) is Denial.ENVIRONMENT


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"kind": IntentKind.ENTRY, "stop_distance": None}, None),
        ({"kind": IntentKind.ENTRY, "stop_distance": Price(0)}, None),
        ({"kind": IntentKind.ENTRY, "volume": Volume(0)}, None),
        ({"kind": IntentKind.ENTRY, "volume": Volume(-1)}, None),
    ],
)
def test_an_entry_that_no_rule_could_have_made_ends_the_program(waiting, change, code):
    full, intent = waiting
    assert code is None
    with pytest.raises(BooksDoNotBalance, match="no stop or no volume"):
        authorize(full, EASY, structs.replace(intent, **change))


def test_the_smallest_stop_and_volume_are_none_of_that(waiting):
    full, intent = waiting
    full = structs.replace(full, books=structs.replace(full.books, last_entry_bar=BAR - PERIOD))
    small = structs.replace(intent, stop_distance=Price(1), volume=Volume(1))
    assert isinstance(authorize(full, EASY, small), Allowed)


@pytest.mark.parametrize(
    ("change", "stored", "code"),
    [
        ({}, {}, None),
        ({"generation": 2}, {}, Denial.GENERATION),
        ({"epoch": 7}, {}, Denial.EPOCH),
        ({}, {"age_ms": 1_000}, None),
        ({}, {"age_ms": 1_001}, Denial.STALE_INTENT),
        ({}, {"order_budget": 1}, None),
        ({}, {"order_budget": 0}, Denial.BUDGET),
        ({}, {"order_budget": -1}, Denial.BUDGET),
    ],
)
def test_what_changed_while_an_intent_was_stored(waiting, change, stored, code):
    full, intent = waiting
    facts = {"intent_id": intent.intent_id, "age_ms": 1, "order_budget": 40, **stored}
    answer = authorize(full, EASY, structs.replace(intent, **change), IntentStored(**facts))
    assert getattr(answer, "code", None) is code


@pytest.mark.parametrize("kind", [IntentKind.CLOSE, IntentKind.AMEND, IntentKind.CANCEL])
def test_nothing_leaves_without_a_connection_and_nothing_else_keeps_a_position_from_its_end(
    waiting, kind
):
    full, intent = waiting
    protective = structs.replace(intent, kind=kind, stop_distance=None, epoch=99)
    halted = structs.replace(full, switch=structs.replace(full.switch, halted_by="eve"))
    assert isinstance(authorize(halted, EASY, protective), Allowed)
    cut = in_link(phase=LinkPhase.DISCONNECTED)(full)
    assert authorize(cut, EASY, protective).code is Denial.RECONCILING
    assert (
        authorize(full, EASY, structs.replace(protective, generation=2)).code is Denial.GENERATION
    )


def day_of(loss: int) -> DayBook:
    return DayBook(
        ordinal=1,
        starts_at=TimestampMs(0),
        ends_at=TimestampMs(2**50),
        trading_day=1,
        limits=read_limits(BreakerRules()),
        baseline=Money(10_000 * 10**8),
        equity=Money(10_000 * 10**8 - loss),
    )


def test_an_entry_has_to_fit_into_what_the_day_may_still_lose(waiting):
    """The entry risks 90.00; of 500.00 one tenth of its loss is kept back for slippage."""
    full, intent = waiting
    risk = intent.stop_distance * intent.volume * 10
    for spare, code in ((0, None), (-2, Denial.BUDGET)):
        headroom = risk * 110 // 100 + 1 + spare
        day = day_of(500 * 10**8 - headroom)
        state = structs.replace(full, breakers=structs.replace(full.breakers, day=day))
        assert getattr(authorize(state, EASY, intent), "code", None) is code


@pytest.mark.parametrize("is_known", [True, False])
def test_what_a_breaker_has_to_know_denies_on_the_default_rules(state, is_known):
    strict = replace(make_params(), breakers=BreakerRules())
    assert deny(state, strict) is Denial.RISK_DATA_UNAVAILABLE
    view = VolatilityView(ratio_percent=100 if is_known else None)
    known = structs.replace(
        state, breakers=structs.replace(state.breakers, day=day_of(0)), volatility=view
    )
    assert deny(known, strict) is (None if is_known else Denial.RISK_DATA_UNAVAILABLE)
    no_baseline = structs.replace(day_of(0), baseline=None)
    blind = structs.replace(known, breakers=structs.replace(known.breakers, day=no_baseline))
    assert deny(blind, strict) is Denial.RISK_DATA_UNAVAILABLE
