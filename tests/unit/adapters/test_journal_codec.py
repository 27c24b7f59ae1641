"""What the journal writes down it reads back equal: every event, every command, any state."""

from dataclasses import replace
from typing import get_args

import msgspec
import pytest
from msgspec import structs

from harness import journal_story as story
from palmbot.adapters.journal_codec import (
    GENESIS_HASH,
    chain_hash,
    decode_event,
    decode_params,
    decode_state,
    encode_commands,
    encode_params,
    encode_state,
    encode_step,
)
from palmbot.core.engine import decide
from palmbot.core.params import SentimentMode, SentimentRules
from palmbot.core.state import Decision, initial_state
from palmbot.domain.breakers import BreakerName
from palmbot.domain.commands import (
    Command,
    LoadBars,
    QueryBooks,
    RaiseAlarm,
    Reconnect,
    Send,
    Severity,
    StoreIntent,
)
from palmbot.domain.errors import JournalDamaged
from palmbot.domain.events import (
    AccountChanged,
    Acknowledgement,
    AlertUndelivered,
    BalanceChanged,
    BarsLoaded,
    BarsUnavailable,
    BooksReported,
    BooksUnavailable,
    ClockChecked,
    DiskMeasured,
    Event,
    ExecutionUnreadable,
    IntentStored,
    LinkLost,
    LinkReady,
    OperatorAcknowledged,
    OperatorHalted,
    OperatorReset,
    OperatorResumed,
    OrderAccepted,
    OrderEnd,
    OrderEnded,
    OrderFilled,
    OrderRefused,
    OrderUnanswered,
    PositionChanged,
    ReconciliationRequested,
    SendInterrupted,
    SentimentUpdated,
    StampMissing,
    Started,
    StopRequested,
    SymbolChanged,
    TimePassed,
    TokenChecked,
)
from palmbot.domain.market import (
    Account,
    AccountKind,
    ConversionLeg,
    Holiday,
    Interval,
    Side,
    Symbol,
    TradingHours,
    TradingMode,
)
from palmbot.domain.orders import BrokerBooks, BrokerOrder, Closing, Fill, OrderStatus, Position

ACCOUNT = Account(
    account_id=story.ACCOUNT_ID,
    login=1,
    broker="ünïcode \u2028 and \x00",
    is_live=False,
    kind=AccountKind.HEDGED,
    is_limited_risk=False,
    can_trade=True,
    currency="USD",
    balance=10_000 * 10**8,
    balance_version=1,
)
CONTRACT = Symbol(
    symbol_id=1154,
    name=story.SYMBOL,
    digits=2,
    quote_asset="MYR",
    lot_size=1_000,
    volume_min=100,
    volume_step=100,
    volume_max=100_000,
    stop_distance_min=0,
    target_distance_min=0,
    trading_mode=TradingMode.ENABLED,
    is_short_selling_allowed=True,
    leverage=100 / 3,
    hours=TradingHours(
        zone="Asia/Kuala_Lumpur",
        intervals=(Interval(start_s=0, end_s=604_800),),
        holidays=(Holiday(name="Hari Raya", zone="UTC", day=20_000, is_recurring=True),),
    ),
)
ORDER = BrokerOrder(
    order_id=2**62,
    symbol_id=1154,
    side=Side.BUY,
    volume=100,
    executed_volume=100,
    status=OrderStatus.FILLED,
    is_closing=True,
    is_protection=False,
    position_id=None,
    label="pob1|simulator|x",
    client_order_id="",
    updated_at=5,
)
POSITION = Position(
    position_id=9,
    symbol_id=1154,
    side=Side.SELL,
    volume=100,
    entry_price=100_000_000,
    stop_loss=None,
    take_profit=99_000_000,
    opened_at=4,
    swap=-1,
    commission=-2,
    label="",
)
FILL = Fill(
    deal_id=1,
    order_id=2,
    position_id=9,
    symbol_id=1154,
    side=Side.BUY,
    volume=100,
    price=100_000_000,
    time=6,
    commission=-3,
    closing=Closing(
        entry_price=1, gross_profit=-(2**60), swap=0, commission=0, balance=7, balance_version=8
    ),
)
BOOKS = BrokerBooks(
    taken_at=10,
    since=0,
    positions=(POSITION,),
    orders=(ORDER,),
    past_orders=(ORDER, ORDER),
    fills=(FILL,),
    balance=10_000 * 10**8,
    balance_version=1,
)
LEG = ConversionLeg(symbol_id=1200, name="USDMYR", is_inverted=True)

EVENTS: tuple[Event, ...] = (
    Started(time=1, run_id="r1", nonce=2**80 - 1),
    LinkReady(generation=1, account=ACCOUNT, symbol=CONTRACT, conversion=(LEG,)),
    story.tick(0),
    BarsLoaded(generation=1, bars=(story.bar(0).bar, story.bar(1).bar)),
    BarsUnavailable(generation=1, reason="no"),
    BooksReported(generation=1, books=structs.replace(BOOKS, positions=(), orders=(), fills=())),
    BooksReported(generation=1, books=BOOKS),
    BooksUnavailable(generation=1, reason="partial"),
    story.bar(2),
    TimePassed(time=2**52),
    StampMissing(generation=1),
    ClockChecked(jump_ms=-(2**40), offset_ms=None),
    ClockChecked(jump_ms=0, offset_ms=-30_000),
    DiskMeasured(free_bytes=None),
    DiskMeasured(free_bytes=2**45),
    TokenChecked(left_ms=-1, failure="refused"),
    SentimentUpdated(
        score=None, confidence=1 / 3, domains=0, has_driver=False, as_of=0, source="none"
    ),
    IntentStored(intent_id=story.intent_id(0), age_ms=1, order_budget=40),
    SendInterrupted(intent_id=story.intent_id(0), reason="cut"),
    OrderUnanswered(intent_id=story.intent_id(0), reason="5 s"),
    OrderRefused(intent_id=story.intent_id(0), code="NOT_ENOUGH_MONEY", reason=""),
    OrderAccepted(order=ORDER),
    OrderFilled(order=ORDER, fill=FILL, position=None, is_partial=True),
    OrderFilled(
        order=ORDER, fill=structs.replace(FILL, deal_id=2), position=POSITION, is_partial=False
    ),
    OrderEnded(order=ORDER, end=OrderEnd.EXPIRED, reason="late"),
    PositionChanged(position=POSITION),
    BalanceChanged(balance=1, balance_version=2, delta=-1, kind="deposit", time=3),
    AccountChanged(account=ACCOUNT),
    SymbolChanged(reason="new hours"),
    ExecutionUnreadable(reason="unknown enum"),
    OperatorHalted(actor="me", reason="news"),
    OperatorHalted(actor="me", reason="news", flatten=True),
    ReconciliationRequested(actor="me"),
    AlertUndelivered(text="breaker tripped", reason="address 1 (json): it was not accepted"),
    StopRequested(reason="SIGTERM"),
    StampMissing(generation=3),
    ClockChecked(jump_ms=-3_600_000, offset_ms=None),
    DiskMeasured(free_bytes=None),
    TokenChecked(left_ms=-1, failure="refused"),
    OperatorReset(name=BreakerName.DAILY_LOSS, actor="me", reason="looked into it", budget_bp=100),
    OperatorResumed(actor="me", reason='"quoted"'),
    OperatorAcknowledged(
        item="position:9", action=Acknowledgement.IGNORE, actor="me", reason="not there"
    ),
    LinkLost(generation=1, reason="cut"),
)
COMMANDS: tuple[Command, ...] = (
    StoreIntent(intent=story.intent(0)),
    Send(intent=story.intent(1)),
    QueryBooks(generation=1, since=0, delay_s=0.1),
    LoadBars(generation=1, period_ms=300_000, count=500, delay_s=0.0),
    Reconnect(generation=1, reason="stale"),
    RaiseAlarm(severity=Severity.CRITICAL, text="look"),
)
ROW = (GENESIS_HASH, 1, 2, b"run", b"Tick", b"{}", b"", b"")


def test_the_examples_hold_every_kind_of_event_and_command():
    assert {type(event) for event in EVENTS} == set(get_args(Event))
    assert {type(command) for command in COMMANDS} == set(get_args(Command))


@pytest.mark.parametrize("event", EVENTS, ids=lambda event: type(event).__name__)
def test_every_event_comes_back_equal(event):
    row = encode_step(
        event,
        Decision(state=structs.replace(story.START, sequence=1)),
        recorded_at=0,
        run_id=b"r1",
        previous_hash=GENESIS_HASH,
    )
    assert decode_event(row.event_type, row.event) == event


def test_every_command_is_written_with_its_name_and_its_fields():
    text = encode_commands(Decision(state=story.START, commands=COMMANDS))
    for (name, written), command in zip(msgspec.json.decode(text), COMMANDS, strict=True):
        assert name == type(command).__name__
        assert msgspec.convert(written, type(command)) == command


def test_the_real_state_comes_back_equal_after_every_kind_of_event():
    state = initial_state(story.PARAMS)
    for event in EVENTS:
        state = decide(state, event, story.PARAMS).state
        assert decode_state(encode_state(state)) == state
    assert state.sequence == len(EVENTS)


def test_parameters_come_back_equal():
    rules = SentimentRules(mode=SentimentMode.CONFIRM, veto_confidence=0.1)
    params = replace(story.PARAMS, sentiment=rules, rsi_buy=28.1)
    assert decode_params(encode_params(params)) == params


def test_parameters_older_than_a_field_get_its_default():
    text = encode_params(story.PARAMS).replace(b'"rsi_buy":30.0,', b"")
    assert decode_params(text) == story.PARAMS


@pytest.mark.parametrize("text", [b"", b"{}", b'{"rsi_period":0}', b"\xff"])
def test_parameters_that_make_no_sense_are_damage(text):
    with pytest.raises(JournalDamaged):
        decode_params(text)


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        (b"Tick", b'{"symbol_id":1,"time":1,"bid":2,"ask":1}'),
        (b"Tick", b'{"symbol_id":1,"time":1,"bid":2}'),
        (b"Tick", b'{"symbol_id":1,"time":1,"bid":2.5,"ask":3}'),
        (b"Tick", b"{"),
        (b"Exec", b"{}"),
        (b"\xff", b"{}"),
    ],
)
def test_an_event_that_cannot_have_happened_is_damage(kind, text):
    with pytest.raises(JournalDamaged):
        decode_event(kind, text)


@pytest.mark.parametrize("text", [b"", b"{}", b"null", b'{"sequence":"1"}'])
def test_a_state_that_reads_differently_is_none(text):
    assert decode_state(text) is None


def test_the_hash_depends_on_every_column_and_on_every_border_between_two():
    changed = [
        (bytes(31) + b"\x01", *ROW[1:]),
        *(
            (*ROW[:place], value, *ROW[place + 1 :])
            for place, value in enumerate((2, 3, b"ru", b"Tic", b"{ }", b"[]", b"why"), start=1)
        ),
        (*ROW[:3], b"runT", b"ick", *ROW[5:]),
        (*ROW[:6], b"", b"x"),
        (*ROW[:6], b"x", b""),
    ]
    assert len({chain_hash(*row) for row in [ROW, *changed]}) == len(changed) + 1
