"""Laws of the wire: framing under any chunking, short way equals long way, units there and back."""

import itertools
import math
from contextlib import suppress

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from harness import wire
from harness.scripted_broker import (
    ACCOUNT,
    NOON,
    WALL,
    ScriptedBroker,
    make_deal,
    make_filled,
    make_intent,
    make_position,
    make_spot,
)
from palmbot.ctrader.errors import proves_refusal
from palmbot.ctrader.frames import FrameReader, write_frame
from palmbot.ctrader.generated.entities_pb2 import ProtoOATrendbar
from palmbot.ctrader.messages import (
    MESSAGE_CLASSES,
    Received,
    UnreadableMessage,
    decode,
    decode_spot,
    encode,
)
from palmbot.ctrader.rates import RateBudget
from palmbot.ctrader.requests import render_request
from palmbot.ctrader.translate import to_bar, to_double, to_fill, to_money, to_position, to_price
from palmbot.domain.errors import PalmbotError, ProtocolViolation
from palmbot.domain.events import LinkReady
from palmbot.domain.orders import Environment
from palmbot.domain.units import Price

bodies = st.lists(st.binary(max_size=300), max_size=12)
int64s = st.integers(-(2**63), 2**63 - 1)
uint64s = st.integers(0, 2**64 - 1)
prices = st.integers(1, 10**12)


def decode_or_error(body: bytes) -> Received | UnreadableMessage | ProtocolViolation:
    try:
        return decode(body)
    except (UnreadableMessage, ProtocolViolation) as e:
        return e


@given(bodies, st.lists(st.integers(0, 900), max_size=12))
def test_frames_survive_any_chunking(bodies, cuts):
    stream = b"".join(map(wire.frame, bodies))
    edges = sorted({0, len(stream), *(cut for cut in cuts if cut < len(stream))})
    reader = FrameReader()
    out: list[bytes] = []
    for start, end in itertools.pairwise(edges):
        out += reader.feed(stream[start:end])
    assert out == [body for body in bodies if body]


@given(bodies)
def test_what_we_write_the_second_implementation_reads(bodies):
    assert wire.split_frames(b"".join(map(write_frame, bodies))) == bodies


@given(st.binary(max_size=80), st.sampled_from(sorted(MESSAGE_CLASSES)))
def test_any_payload_gives_a_message_or_a_typed_error(payload, number):
    (body,) = wire.split_frames(wire.envelope(number, payload))
    outcome = decode_or_error(body)
    assert not isinstance(outcome, ProtocolViolation)
    assert outcome.payload_type == number
    if isinstance(outcome, Received):
        assert outcome.message is not None
        assert outcome.message.IsInitialized()


@given(st.binary(max_size=80))
def test_any_bytes_give_an_envelope_or_a_typed_error(body):
    outcome = decode_or_error(body)
    assert isinstance(outcome, Received) or str(outcome)


fields = st.lists(
    st.one_of(
        st.builds(wire.number, st.integers(1, 10), uint64s),
        st.builds(wire.text, st.integers(1, 10), st.binary(max_size=40)),
        st.builds(wire.double, st.integers(1, 10), st.floats()),
    ),
    max_size=9,
).map(b"".join)


@given(fields, st.sampled_from([wire.number(2, 1) + wire.number(3, 2), b""]))
def test_the_short_way_for_quotes_gives_what_the_long_way_gives_or_nothing(fields, required):
    (body,) = wire.split_frames(wire.envelope(2131, required + fields))
    short = decode_spot(body)
    if short is not None:
        assert decode(body).message == short


@given(st.binary(max_size=60), st.integers(0, 255))
def test_the_short_way_never_reads_what_is_no_envelope_of_a_quote(tail, size):
    body = b"\x08\xd3\x10\x12" + bytes([size]) + tail
    short = decode_spot(body)
    if short is not None:
        received = decode(body)
        assert (received.client_msg_id, received.message) == ("", short)


@given(st.integers(1, 2**40), st.integers(1, 2**40), st.integers(0, 2**40), st.integers(0, 2**40))
def test_an_ordinary_quote_takes_the_short_way(account, symbol, bid, ask):
    quote = make_spot(ctidTraderAccountId=account, symbolId=symbol, bid=bid, ask=ask)
    (body,) = wire.split_frames(encode(quote))
    assume(b"\x32" not in body)
    assert decode_spot(body) == quote


# ---- units ----


@given(prices)
def test_a_price_goes_to_a_double_and_back(price):
    assert to_price(to_double(Price(price))) == price


@given(prices, st.integers(0, 5))
def test_a_price_on_its_step_never_has_more_decimals_than_the_symbol(price, digits):
    step = 10 ** (5 - digits)
    text = repr(to_double(Price(price * step)))
    if "e" not in text:
        assert len(text.partition(".")[2].rstrip("0")) <= digits


@given(st.floats())
def test_a_price_is_positive_or_refused(value):
    try:
        assert to_price(value) > 0
    except ProtocolViolation:
        assert not math.isfinite(value) or value < 1e-5 or value >= 1e10


@given(st.integers(-(10**10), 10**10), st.integers(0, 8))
def test_money_keeps_its_worth_whatever_its_digits(amount, digits):
    money = to_money(amount, digits)
    assert money * 10**digits == amount * 10**8


@given(int64s, st.integers(0, 2**32 - 1))
def test_money_fits_64_bits_or_is_refused(amount, digits):
    try:
        assert -(2**63) < to_money(amount, digits) < 2**63
    except ProtocolViolation:
        assert digits > 8 or abs(amount) * 10 ** (8 - digits) >= 2**63


@given(prices, st.integers(0, 10**9), st.integers(0, 10**9), st.integers(0, 10**9))
def test_a_bar_adds_its_deltas_to_its_low_or_is_refused(low, to_open, to_high, to_close):
    trendbar = ProtoOATrendbar(
        volume=1,
        low=low,
        deltaOpen=to_open,
        deltaHigh=to_high,
        deltaClose=to_close,
        utcTimestampInMinutes=3,
    )
    if max(to_open, to_close) > to_high:
        with pytest.raises(ProtocolViolation):
            to_bar(trendbar)
        return
    bar = to_bar(trendbar)
    assert (bar.open_time, bar.low) == (180_000, low)
    assert (bar.open - low, bar.high - low, bar.close - low) == (to_open, to_high, to_close)


@given(prices, st.integers(1, 10**9), st.integers(-(10**9), 10**9), st.integers(0, 8))
def test_a_fill_and_its_position_keep_price_volume_and_money(price, volume, commission, digits):
    deal = make_deal(
        executionPrice=price / 100_000,
        filledVolume=volume,
        commission=commission,
        moneyDigits=digits,
    )
    fill = to_fill(deal, 2)
    assert (fill.price, fill.volume) == (price, volume)
    assert fill.commission * 10**digits == commission * 10**8
    position = to_position(make_position(price=price / 100_000), 2)
    assert position.entry_price == price


@given(st.integers(1, 10**7), st.integers(1, 10**7), st.integers(0, 5))
def test_an_entry_on_the_price_step_has_the_precision_the_server_wants(stop, target, digits):
    broker = ScriptedBroker().open()
    (ready,) = (each for each in broker.events if isinstance(each, LinkReady))
    step = 10 ** (5 - digits)
    symbol = type(ready.symbol)(
        **{
            name: getattr(ready.symbol, name) for name in ready.symbol.__slots__ if name != "digits"
        },
        digits=digits,
    )
    request = render_request(
        make_intent(stop_distance=Price(stop * step), target_distance=Price(target * step)),
        account_id=ACCOUNT,
        symbol=symbol,
        environment=Environment.DEMO,
    )
    assert request.relativeStopLoss == stop * step
    assert request.relativeStopLoss % 10 ** (5 - digits) == 0
    assert request.relativeTakeProfit % 10 ** (5 - digits) == 0


# ---- rates and errors ----


@given(st.lists(st.floats(0, 0.5), max_size=80), st.integers(1, 9))
def test_no_second_ever_holds_more_requests_than_the_budget(pauses, per_s):
    budget = RateBudget(per_s)
    now_s, sent = 0.0, []
    for pause in pauses:
        now_s += pause
        if budget.left(now_s) > 0:
            budget.spend(now_s)
            sent.append(now_s)
        else:
            assert budget.next_s(now_s, 0) > now_s
            assert budget.left(budget.next_s(now_s, 0)) > 0
            break
    assert all(b - a >= 1.0 for a, b in zip(sent, sent[per_s:], strict=False))


@given(st.text(max_size=40), st.text(max_size=40))
def test_an_error_nobody_knows_proves_nothing(code, description):
    assume(not code.isupper())
    assert not proves_refusal(code, description, is_entry=False)


# ---- two ends wired back to back ----


@given(st.lists(st.sampled_from(["quote", "fill", "unknown", "unreadable"]), max_size=8), st.data())
def test_any_chunking_of_the_brokers_bytes_gives_the_same_events(kinds, data):
    made = {
        "quote": lambda i: encode(make_spot(bid=100_000_000 + i, timestamp=NOON + i)),
        "fill": lambda i: encode(make_filled(deal=make_deal(dealId=100 + i))),
        "unknown": lambda i: wire.envelope(2999, b"x" * i),
        "unreadable": lambda _: wire.envelope(2126, wire.number(2, ACCOUNT) + wire.number(3, 99)),
    }
    stream = b"".join(made[kind](i) for i, kind in enumerate(kinds))
    whole = ScriptedBroker().open_with_quote().client.receive(stream, 0.0, WALL)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=8))
    edges = sorted({0, len(stream), *cuts})
    client = ScriptedBroker().open_with_quote().client
    pieces: list[object] = []
    for start, end in itertools.pairwise(edges):
        pieces += client.receive(stream[start:end], 0.0, WALL)
    assert tuple(pieces) == whole
    assert len(whole) == sum(kind != "unknown" for kind in kinds)


@given(
    st.lists(
        st.tuples(st.sampled_from(sorted(MESSAGE_CLASSES)), st.binary(max_size=60)), max_size=6
    )
)
def test_nothing_a_broker_can_send_breaks_the_client_but_typed_errors(messages):
    client = ScriptedBroker().open_with_quote().client
    stream = b"".join(wire.envelope(number, payload) for number, payload in messages)
    with suppress(PalmbotError):
        client.receive(stream, 1.0, WALL)
        client.advance(2.0)
    assert client.deadline_s > 0
