"""The comparison of books by itself, each rule at its limit and one step beyond."""

from dataclasses import replace

import pytest
from msgspec import structs

from harness.engine_world import EASY, PRICE, START, World
from palmbot.core.reconcile import compare_books
from palmbot.core.state import Absence, DiscrepancyClass
from palmbot.domain.market import Side
from palmbot.domain.orders import (
    Closing,
    IntentKind,
    IntentState,
    OrderStatus,
    OrderStyle,
    Payment,
)
from palmbot.domain.units import (
    IntentId,
    Money,
    OrderId,
    PositionId,
    Price,
    TimestampMs,
    Volume,
)

D = DiscrepancyClass


def compare(state, broker, params=EASY):
    return compare_books(state, broker, params)


def kinds(found):
    return [each.kind for each in found]


@pytest.fixture(scope="module")
def held():
    """State and reading with one long position of ours, equal on both sides."""
    world = World(EASY)
    world.make_ready()
    world.enter()
    world.read_books()
    books = world.broker.books()
    assert compare(world.state, books) == ()
    return world.state, books


def remote(books, **changes):
    (position,) = books.positions
    return structs.replace(books, positions=(structs.replace(position, **changes),))


def local(state, **changes):
    (position,) = state.books.positions.values()
    position = structs.replace(position, **changes)
    return structs.replace(
        state, books=structs.replace(state.books, positions={position.position_id: position})
    )


# -- positions --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "away", "action"),
    [
        (Side.BUY, 0, None),
        (Side.BUY, -75_000, "take them over"),
        (Side.BUY, -75_001, "restore it"),
        (Side.BUY, 500_000, "take them over"),
        (Side.SELL, 0, None),
        (Side.SELL, 75_000, "take them over"),
        (Side.SELL, 75_001, "restore it"),
        (Side.SELL, -500_000, "take them over"),
    ],
)
def test_a_stop_may_be_looser_by_a_twentieth_of_its_distance_and_no_more(held, side, away, action):
    state, books = held
    entry = Price(PRICE)
    stop = Price(entry - side.sign * 1_500_000)
    levels = {"side": side, "entry_price": entry, "stop_loss": stop}
    state = local(state, intended_stop=stop, **levels)
    moved = remote(books, **{**levels, "stop_loss": Price(stop + away)})
    found = compare(state, moved)
    if action is None:
        assert found == ()
    else:
        assert [(each.kind, each.action) for each in found] == [(D.LEVELS_MOVED, action)]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"volume": Volume(599)}, [D.VOLUME_SMALLER]),
        ({"volume": Volume(601)}, [D.VOLUME_LARGER]),
        ({"side": Side.SELL}, [D.SIDE_DIFFERS, D.LEVELS_MOVED]),
        ({"stop_loss": None}, [D.STOP_MISSING]),
        ({"take_profit": None}, [D.LEVELS_MOVED]),
        ({"label": "by hand"}, []),
    ],
)
def test_what_differs_about_a_position_has_its_class(held, changes, expected):
    state, books = held
    found = compare(state, remote(books, **changes))
    assert kinds(found)[: len(expected)] == expected[: len(found)]
    assert {D.SIDE_DIFFERS, D.LEVELS_MOVED} >= set(kinds(found)) - set(expected)
    assert all(each.position_id == books.positions[0].position_id for each in found)


@pytest.mark.parametrize("sign", [1, -1])
@pytest.mark.parametrize(("off", "expected"), [(10_000, []), (10_001, [D.PRICE_DIFFERS])])
def test_an_average_price_may_differ_by_one_part_in_ten_thousand(held, sign, off, expected):
    state, books = held
    entry = books.positions[0].entry_price
    assert entry == 100_000_000
    assert kinds(compare(state, remote(books, entry_price=Price(entry + sign * off)))) == expected


@pytest.mark.parametrize(("off", "expected"), [(1_000, []), (1_001, [D.PRICE_DIFFERS])])
def test_or_by_one_step_where_that_is_more(held, off, expected):
    state, books = held
    low = {"entry_price": Price(5_000_000), "stop_loss": None}
    state = local(state, intended_stop=Price(4_000_000), **low)
    found = compare(state, remote(books, entry_price=Price(5_000_000 + off), stop_loss=None))
    assert [each for each in kinds(found) if each is not D.STOP_MISSING] == expected


def test_the_oldest_of_several_positions_is_the_one_that_may_stay(held):
    state, books = held
    (position,) = state.books.positions.values()
    (there,) = books.positions
    ids = [PositionId(1), PositionId(9_999)]
    younger = [
        structs.replace(
            position, position_id=ids[0], opened_at=TimestampMs(position.opened_at + 1)
        ),
        structs.replace(position, position_id=ids[1]),
    ]
    positions = {each.position_id: each for each in (*younger, position)}
    state = structs.replace(state, books=structs.replace(state.books, positions=positions))
    here = tuple(structs.replace(there, position_id=each) for each in positions)
    found = compare(state, structs.replace(books, positions=here))
    assert [each.position_id for each in found if each.kind is D.DUPLICATE] == [ids[1], ids[0]]
    one_gone = compare(state, structs.replace(books, positions=here[1:]))
    assert [each.position_id for each in one_gone if each.kind is D.DUPLICATE] == [ids[1]]


# -- orders and intents -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def sent():
    """State and reading with one limit order of ours that rests at the broker."""
    world = World(replace(EASY, order_style=OrderStyle.LIMIT))
    world.make_ready()
    world.stored(world.fall())
    accepted = world.broker.enter(world.sends[0], [world.sends[0].volume])[0]
    world.give(accepted)
    world.broker.positions.clear()
    world.broker.fills.clear()
    order = structs.replace(
        world.broker.orders[0], status=OrderStatus.ACCEPTED, executed_volume=Volume(0)
    )
    books = structs.replace(world.broker.books(), orders=(order,), past_orders=(order,))
    return world.state, books


def with_intent(state, /, **changes):
    (intent,) = state.books.intents.values()
    intent = structs.replace(intent, **changes)
    return structs.replace(
        state, books=structs.replace(state.books, intents={intent.intent_id: intent})
    )


def with_order(books, **changes):
    (order,) = books.orders
    order = structs.replace(order, **changes)
    return structs.replace(books, orders=(order,), past_orders=(order,))


def at(books, time):
    return structs.replace(books, taken_at=TimestampMs(time))


def expiry(state):
    (intent,) = state.books.intents.values()
    return intent.expires_at


@pytest.mark.parametrize(("late_ms", "expected"), [(5_000, []), (5_001, [D.ORPHAN_ORDER])])
def test_a_resting_order_may_outlive_its_end_by_five_seconds(sent, late_ms, expected):
    state, books = sent
    found = compare(state, at(books, expiry(state) + late_ms))
    assert kinds(found) == expected
    assert all(each.detail == "it rests after its end of life" for each in found)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, [D.ORPHAN_ORDER]),
        ({"is_protection": True}, []),
        ({"is_closing": True}, []),
        ({"label": ""}, []),
        ({"label": "pob1|demo|01KE5F3ZG000000000000000K5"}, []),
    ],
)
def test_a_resting_order_that_no_entry_needs_is_an_orphan(sent, changes, expected):
    state, books = sent
    done = with_intent(state, state=IntentState.CANCELLED)
    found = compare(done, with_order(books, **changes))
    assert kinds(found) == expected
    assert all(each.detail == "no entry of ours needs it" for each in found)
    forgotten = structs.replace(state, books=structs.replace(state.books, intents={}))
    mine = [each for each in compare(forgotten, books) if each.kind is D.ORPHAN_ORDER]
    assert len(mine) == 1


@pytest.mark.parametrize("intent_state", [IntentState.ACCEPTED, IntentState.PARTIAL])
@pytest.mark.parametrize(
    ("executed", "other_id", "expected"),
    [
        (100, False, []),
        (99, False, []),
        (101, False, [D.IN_FLIGHT_UNDECIDED]),
        (100, True, [D.IN_FLIGHT_UNDECIDED]),
    ],
)
def test_an_order_that_no_longer_rests_is_at_work_while_it_shows_no_more_than_we_know(
    sent, intent_state, executed, other_id, expected
):
    state, books = sent
    state = with_intent(state, state=intent_state, filled_volume=Volume(100))
    books = with_order(books, executed_volume=Volume(executed))
    (order,) = books.orders
    past = structs.replace(order, order_id=OrderId(5)) if other_id else order
    found = compare(state, structs.replace(books, orders=(), past_orders=(past,)))
    assert kinds(found) == expected


def test_while_it_rests_it_is_at_work_whatever_it_shows(sent):
    state, books = sent
    assert compare(state, with_order(books, executed_volume=Volume(300))) == ()
    gone = structs.replace(books, orders=(), past_orders=())
    assert kinds(compare(state, gone)) == [D.IN_FLIGHT_UNDECIDED]
    for final in (IntentState.FILLED, IntentState.REJECTED, IntentState.SENT, IntentState.LOST):
        assert compare(with_intent(state, state=final), gone) == ()


@pytest.mark.parametrize("intent_state", [IntentState.UNKNOWN, IntentState.ACCEPTED])
def test_an_entry_that_is_open_is_found_and_not_missed(held, sent, intent_state):
    state, books = sent
    state = with_intent(state, state=intent_state)
    (intent,) = state.books.intents.values()
    label = books.orders[0].label
    there = structs.replace(held[1].positions[0], label=label)
    found = compare(state, structs.replace(books, orders=(), past_orders=(), positions=(there,)))
    assert [(each.kind, each.intent_id) for each in found] == [
        (D.IN_FLIGHT_FOUND, intent.intent_id)
    ]


@pytest.mark.parametrize(
    ("changes", "is_dead"),
    [
        ({}, True),
        ({"last_at": 4_999}, False),
        ({"taken_at": 14_999}, False),
        ({"ready_at": -1}, False),
        ({"filled": 1}, False),
        ({"expires": None}, False),
        ({"absent": False}, False),
        ({"is_unstamped": True}, False),
    ],
)
def test_an_expired_order_is_dead_by_two_readings_well_after_its_end_and_not_before(
    sent, changes, is_dead
):
    state, books = sent
    facts = {
        "last_at": 5_000,
        "taken_at": 15_000,
        "ready_at": 0,
        "filled": 0,
        "expires": expiry(state),
        "absent": True,
        "is_unstamped": False,
    } | changes
    end = expiry(state)
    state = with_intent(
        state,
        state=IntentState.UNKNOWN,
        filled_volume=Volume(facts["filled"]),
        expires_at=facts["expires"],
    )
    (intent_id,) = state.books.intents
    last_at = TimestampMs(end + facts["last_at"])
    absence = Absence(readings=1, first_at=last_at, last_at=last_at, waited_s=0.0)
    state = structs.replace(
        state,
        books=structs.replace(
            state.books, absences={intent_id: absence} if facts["absent"] else {}
        ),
        link=structs.replace(
            state.link,
            ready_at=TimestampMs(end + facts["ready_at"]),
            is_unstamped=facts["is_unstamped"],
        ),
    )
    gone = at(structs.replace(books, orders=(), past_orders=()), end + facts["taken_at"])
    expected = D.IN_FLIGHT_LOST if is_dead else D.IN_FLIGHT_UNDECIDED
    assert kinds(compare(state, gone)) == [expected]


@pytest.mark.parametrize(
    ("kind", "changes", "expected"),
    [
        (IntentKind.CLOSE, {}, D.IN_FLIGHT_LOST),
        (IntentKind.CLOSE, {"volume": Volume(601)}, D.IN_FLIGHT_FOUND),
        (IntentKind.CLOSE, {"position_id": PositionId(5)}, D.IN_FLIGHT_FOUND),
        (IntentKind.CLOSE, {"position_id": None}, D.IN_FLIGHT_FOUND),
        (IntentKind.AMEND, {}, D.IN_FLIGHT_FOUND),
        (IntentKind.AMEND, {"stop_loss": Price(1)}, D.IN_FLIGHT_LOST),
        (IntentKind.AMEND, {"take_profit": Price(1)}, D.IN_FLIGHT_LOST),
        (IntentKind.AMEND, {"position_id": PositionId(5)}, D.IN_FLIGHT_FOUND),
        (IntentKind.CANCEL, {}, D.IN_FLIGHT_FOUND),
    ],
)
def test_the_reading_shows_whether_an_unanswered_request_took_effect(held, kind, changes, expected):
    state, books = held
    (position,) = state.books.positions.values()
    (entry,) = state.books.intents.values()
    facts = {
        "intent_id": IntentId("X"),
        "kind": kind,
        "state": IntentState.UNKNOWN,
        "volume": Volume(600),
        "position_id": position.position_id,
        "stop_loss": position.stop_loss,
        "take_profit": position.take_profit,
        "order_id": OrderId(4),
    } | changes
    request = structs.replace(entry, **facts)
    intents = {entry.intent_id: entry, request.intent_id: request}
    state = structs.replace(state, books=structs.replace(state.books, intents=intents))
    found = compare(state, books)
    assert [(each.kind, each.item) for each in found] == [(expected, "X")]
    answered = {**intents, request.intent_id: structs.replace(request, state=IntentState.SENT)}
    assert (
        compare(structs.replace(state, books=structs.replace(state.books, intents=answered)), books)
        == ()
    )


def test_a_cancel_has_not_taken_effect_while_its_order_rests(sent):
    state, books = sent
    (entry,) = state.books.intents.values()
    cancel = structs.replace(
        entry, intent_id=IntentId("X"), kind=IntentKind.CANCEL, state=IntentState.UNKNOWN
    )
    intents = {**state.books.intents, cancel.intent_id: cancel}
    state = structs.replace(state, books=structs.replace(state.books, intents=intents))
    assert kinds(compare(state, books)) == [D.IN_FLIGHT_LOST]


# -- money ------------------------------------------------------------------------------------


def closing_of(books, version, net):
    fill = structs.replace(
        books.fills[0],
        closing=Closing(
            entry_price=Price(1),
            gross_profit=Money(net),
            swap=Money(0),
            commission=Money(0),
            balance=Money(0),
            balance_version=version,
        ),
    )
    return (fill,)


def payment_of(version, delta):
    return (
        Payment(
            delta=Money(delta),
            kind="BALANCE_DEPOSIT",
            balance=Money(0),
            balance_version=version,
            time=TimestampMs(START),
        ),
    )


@pytest.mark.parametrize(
    ("version", "is_explained"), [(5, False), (6, True), (7, True), (8, False)]
)
@pytest.mark.parametrize("by", ["fill", "payment"])
def test_only_what_moved_the_balance_since_the_last_comparison_explains_it(
    held, by, version, is_explained
):
    state, books = held
    state = structs.replace(
        state,
        books=structs.replace(
            state.books, settled_balance=Money(1_000), settled_version=5, balance_version=5
        ),
    )
    moved = structs.replace(books, balance=Money(1_300), balance_version=7, fills=())
    if by == "fill":
        moved = structs.replace(moved, fills=closing_of(books, version, 300))
    else:
        moved = structs.replace(moved, payments=payment_of(version, 300))
    assert kinds(compare(state, moved)) == ([] if is_explained else [D.BALANCE_GAP])


@pytest.mark.parametrize(
    ("ours", "theirs", "expected"),
    [
        (7, 6, []),
        (7, 1, []),
        (7, 7, [D.BALANCE_GAP]),
        (7, 8, [D.BALANCE_GAP]),
        (7, 0, [D.BALANCE_GAP]),  # it no longer numbers them
    ],
)
def test_a_balance_older_than_ours_says_nothing(held, ours, theirs, expected):
    state, books = held
    state = structs.replace(
        state,
        books=structs.replace(
            state.books, settled_balance=Money(1_000), settled_version=5, balance_version=ours
        ),
    )
    moved = structs.replace(books, balance=Money(1_300), balance_version=theirs, fills=())
    assert kinds(compare(state, moved)) == expected


@pytest.mark.parametrize(("booked", "expected"), [(1_300, []), (1_299, [D.BALANCE_GAP])])
def test_without_numbers_what_we_booked_has_to_be_what_the_broker_has(held, booked, expected):
    state, books = held
    books_here = structs.replace(
        state.books,
        settled_balance=Money(1_000),
        settled_version=0,
        balance=Money(booked),
        balance_version=0,
    )
    moved = structs.replace(books, balance=Money(1_300), balance_version=0, fills=())
    assert kinds(compare(structs.replace(state, books=books_here), moved)) == expected
