"""What one execution does to the books, by itself and to the last digit."""

import pytest
from msgspec.structs import replace

from harness.engine_world import EASY, PRICE, START, World
from palmbot.core.executions import (
    adopt_position,
    apply_accepted,
    apply_balance,
    apply_ended,
    apply_fill,
    bind,
    find_intent,
    read_intended_levels,
    settle_protective,
)
from palmbot.core.step import Step
from palmbot.domain.errors import BooksDoNotBalance
from palmbot.domain.events import OrderEnd
from palmbot.domain.market import Side
from palmbot.domain.orders import (
    BrokerOrder,
    Closing,
    Fill,
    IntentKind,
    IntentState,
    OrderStatus,
    OrderStyle,
    Position,
    render_label,
)
from palmbot.domain.units import (
    DealId,
    IntentId,
    Money,
    OrderId,
    PositionId,
    Price,
    SymbolId,
    TimestampMs,
    Volume,
)

POSITION = PositionId(50)
ORDER = OrderId(40)


def sent_step(side=Side.BUY) -> Step:
    """A step of a bot whose entry of 600 was sent; nothing of it was heard yet."""
    world = World(EASY)
    world.make_ready()
    world.stored(world.fall())
    (intent,) = world.state.books.intents.values()
    turned = replace(intent, side=side)
    books = replace(world.state.books, intents={intent.intent_id: turned})
    return Step(replace(world.state, books=books), world.params)


def entry_of(step):
    return next(i for i in step.books.intents.values() if i.kind is IntentKind.ENTRY)


def order_of(step, **changes) -> BrokerOrder:
    intent = entry_of(step)
    order = BrokerOrder(
        order_id=ORDER,
        symbol_id=intent.symbol_id,
        side=intent.side,
        volume=intent.volume,
        executed_volume=Volume(0),
        status=OrderStatus.ACCEPTED,
        is_closing=False,
        is_protection=False,
        position_id=POSITION,
        label=render_label(EASY.environment, intent.intent_id),
        client_order_id=intent.intent_id,
        updated_at=TimestampMs(START),
    )
    return replace(order, **changes)


def fill_of(step, deal, volume, price, **changes) -> Fill:
    fill = Fill(
        deal_id=DealId(deal),
        order_id=ORDER,
        position_id=POSITION,
        symbol_id=entry_of(step).symbol_id,
        side=entry_of(step).side,
        volume=Volume(volume),
        price=Price(price),
        time=TimestampMs(START + deal),
        commission=Money(-deal),
        closing=None,
    )
    return replace(fill, **changes)


def closing_of(step, deal, volume, price, net, **changes) -> Fill:
    closing = Closing(
        entry_price=Price(PRICE),
        gross_profit=Money(net),
        swap=Money(0),
        commission=Money(0),
        balance=Money(1_000_000 + net),
        balance_version=100 + deal,
    )
    side = entry_of(step).side.opposite
    return fill_of(step, deal, volume, price, side=side, closing=closing, **changes)


def closing_order(step, **changes) -> BrokerOrder:
    facts = {"is_closing": True, "is_protection": True, "client_order_id": "", **changes}
    return order_of(step, **{"order_id": OrderId(41), "side": Side.SELL, **facts})


def held_step(side=Side.BUY) -> Step:
    step = sent_step(side)
    assert apply_fill(step, order_of(step), fill_of(step, 1, 600, PRICE), None)
    return step


def add(step, **changes):
    """Put another request beside the entry."""
    facts = {
        "intent_id": IntentId("REQUEST"),
        "kind": IntentKind.CLOSE,
        "state": IntentState.SENT,
        "position_id": POSITION,
        "order_id": None,
        "filled_volume": Volume(0),
        "resolution": "",
    } | changes
    step.put_intent(replace(entry_of(step), **facts))
    return facts["intent_id"]


def state_of(step, intent_id="REQUEST"):
    return step.books.intents[intent_id].state


# -- opening ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("side", "stop", "target"),
    [(Side.BUY, 98_501_000, 102_000_000), (Side.SELL, 101_500_000, 98_001_000)],
)
def test_parts_make_one_position_at_their_average_with_levels_rounded_towards_it(
    side, stop, target
):
    step = sent_step(side)
    order = order_of(step)
    assert apply_fill(step, order, fill_of(step, 1, 100, PRICE), None)
    assert entry_of(step).state is IntentState.PARTIAL
    assert apply_fill(step, order, fill_of(step, 2, 200, PRICE + 1_000), None)
    held = step.books.positions[POSITION]
    assert (held.volume, held.entry_volume, held.commission) == (300, 300, -3)
    assert held.entry_price == PRICE + 667  # 666.67, half a unit up
    assert (held.intended_stop, held.intended_target) == (stop, target)
    assert held.opened_at == START + 1
    assert apply_fill(step, order, fill_of(step, 3, 300, PRICE), None)
    assert entry_of(step).state is IntentState.FILLED
    assert entry_of(step).filled_volume == 600
    assert (entry_of(step).order_id, entry_of(step).position_id) == (ORDER, POSITION)
    assert step.books.applied_deals == (1, 2, 3)


@pytest.mark.parametrize(("side", "verb"), [(Side.BUY, "bought"), (Side.SELL, "sold")])
def test_an_opening_is_told_with_its_side_volume_and_price(side, verb):
    step = sent_step(side)
    apply_fill(step, order_of(step), fill_of(step, 1, 600, PRICE), None)
    assert step.finish().reason.startswith(f"{verb} 6 at {PRICE / 100_000:g}, ")


def test_a_fill_beyond_the_order_or_of_a_closed_position_opens_nothing():
    step = sent_step()
    assert not apply_fill(step, order_of(step), fill_of(step, 1, 601, PRICE), None)
    step.set_books(replace(step.books, closed_positions=(POSITION,)))
    assert not apply_fill(step, order_of(step), fill_of(step, 1, 600, PRICE), None)
    assert step.books.positions == {}
    assert step.books.applied_deals == ()


def test_the_broker_s_own_record_of_the_position_is_taken_when_the_volume_is_the_same():
    record = Position(
        position_id=POSITION,
        symbol_id=SymbolId(1154),
        side=Side.BUY,
        volume=Volume(600),
        entry_price=Price(PRICE + 5_000),
        stop_loss=Price(98_000_000),
        take_profit=Price(103_000_000),
        opened_at=TimestampMs(START),
        swap=Money(-4),
        commission=Money(-5),
        label="",
    )
    step = sent_step()
    apply_fill(step, order_of(step), fill_of(step, 1, 600, PRICE), record)
    held = step.books.positions[POSITION]
    assert (held.entry_price, held.stop_loss, held.take_profit) == (
        PRICE + 5_000,
        98_000_000,
        103_000_000,
    )
    assert (held.swap, held.commission) == (-4, -5)
    assert held.intended_stop == PRICE + 5_000 - 1_500_000
    other = sent_step()
    part = fill_of(other, 1, 100, PRICE)
    apply_fill(other, order_of(other), part, record)
    assert other.books.positions[POSITION].stop_loss is None


@pytest.mark.parametrize("order_id", [ORDER, OrderId(7)])
def test_without_its_order_a_fill_is_known_by_the_order_bound_before(order_id):
    step = sent_step()
    step.put_intent(replace(entry_of(step), order_id=order_id))
    is_applied = apply_fill(step, None, fill_of(step, 1, 600, PRICE), None)
    assert is_applied is (order_id == ORDER)


@pytest.mark.parametrize("state", [IntentState.LOST, IntentState.CANCELLED_LOCALLY])
def test_a_late_arrival_opens_its_position_and_keeps_the_state_that_gives_it_away(state):
    step = sent_step()
    step.put_intent(replace(entry_of(step), state=state))
    assert apply_fill(step, order_of(step), fill_of(step, 1, 600, PRICE), None)
    assert entry_of(step).state is state
    assert step.books.positions[POSITION].volume == 600


def test_a_position_without_a_contract_ends_the_program():
    step = sent_step()
    step.state = replace(step.state, symbol=None)
    with pytest.raises(BooksDoNotBalance, match="without a contract"):
        read_intended_levels(step, Side.BUY, Price(PRICE), None)


def test_a_position_that_is_adopted_without_an_entry_gets_the_levels_of_the_settings():
    step = sent_step()
    record = Position(
        position_id=POSITION,
        symbol_id=SymbolId(1154),
        side=Side.SELL,
        volume=Volume(300),
        entry_price=Price(PRICE),
        stop_loss=None,
        take_profit=Price(99_000_000),
        opened_at=TimestampMs(START),
        swap=Money(-1),
        commission=Money(-2),
        label="",
    )
    adopted = adopt_position(step, record, IntentId("SOMEBODY"))
    assert adopted == step.books.positions[POSITION]
    assert (adopted.intended_stop, adopted.intended_target) == (101_500_000, 98_000_000)
    assert (adopted.volume, adopted.entry_volume) == (300, 300)
    assert (adopted.stop_loss, adopted.take_profit) == (None, 99_000_000)
    assert (adopted.swap, adopted.commission) == (-1, -2)
    assert adopted.entry_reason == "found at the broker"


# -- closing ----------------------------------------------------------------------------------


def test_parts_of_a_close_make_one_trade_at_their_average_with_the_sum_of_their_profits():
    step = held_step()
    order = closing_order(step)
    assert apply_fill(step, order, closing_of(step, 2, 100, PRICE + 1_000, 7), None)
    part = step.books.positions[POSITION]
    assert (part.volume, part.closed_volume, part.closed_profit) == (500, 100, 7)
    assert step.closed_trades == ()
    assert apply_fill(step, order, closing_of(step, 3, 500, PRICE + 4_000, 30), None)
    (trade,) = step.closed_trades
    assert (trade.volume, trade.exit_price, trade.profit) == (600, PRICE + 3_500, 37)
    assert (trade.entry_time, trade.exit_time) == (START + 1, START + 3)
    assert step.books.positions == {}
    assert step.books.closed_positions == (POSITION,)
    assert (step.books.balance, step.books.balance_version) == (1_000_030, 103)


@pytest.mark.parametrize(
    ("net", "wins", "gain", "loss"), [(9, 1, 9, 0), (1, 1, 1, 0), (0, 0, 0, 0), (-9, 0, 0, 9)]
)
def test_the_tally_counts_wins_gains_and_losses(net, wins, gain, loss):
    step = held_step()
    tally = replace(step.tally, trades=5, wins=2, gross_profit=Money(100), gross_loss=Money(50))
    step.set_tally(tally)
    apply_fill(step, closing_order(step), closing_of(step, 2, 600, PRICE, net), None)
    after = step.tally
    assert (after.trades, after.wins) == (6, 2 + wins)
    assert (after.gross_profit, after.gross_loss) == (100 + gain, 50 + loss)


def test_a_close_of_all_we_know_of_leaves_a_position_that_the_broker_still_shows_in_the_books():
    """The rest of its entry was not heard: the comparison has to bring both in order."""
    step = held_step()
    rest = Position(
        position_id=POSITION,
        symbol_id=SymbolId(1154),
        side=Side.BUY,
        volume=Volume(300),
        entry_price=Price(PRICE),
        stop_loss=None,
        take_profit=None,
        opened_at=TimestampMs(START),
        swap=Money(0),
        commission=Money(0),
        label="",
    )
    assert not apply_fill(step, closing_order(step), closing_of(step, 2, 600, PRICE, 5), rest)
    assert step.books.positions[POSITION].volume == 600
    assert (step.closed_trades, step.books.closed_positions) == ((), ())
    assert 2 not in step.books.applied_deals
    late = fill_of(step, 3, 300, PRICE, time=TimestampMs(START + 1))
    entry = order_of(step, volume=Volume(900), executed_volume=Volume(900))
    step.put_intent(replace(entry_of(step), volume=Volume(900)))
    assert apply_fill(step, entry, late, None)
    assert apply_fill(step, closing_order(step), closing_of(step, 2, 600, PRICE, 5), rest)
    assert step.books.positions[POSITION].volume == 300


@pytest.mark.parametrize(
    ("changes", "volume"),
    [
        ({"side": Side.BUY}, 600),
        ({"position_id": PositionId(51)}, 600),
        ({"closing": None}, 600),
        ({}, 601),
    ],
)
def test_a_close_that_does_not_fit_changes_no_position(changes, volume):
    step = held_step()
    before = step.books.positions
    fill = replace(closing_of(step, 2, volume, PRICE, 5), **changes)
    assert not apply_fill(step, closing_order(step), fill, None)
    assert step.books.positions == before
    assert 2 not in step.books.applied_deals


@pytest.mark.parametrize(
    ("price", "reason"),
    [
        (98_500_000, "stop loss"),
        (100_250_000, "stop loss"),
        (100_250_001, "take profit"),
        (102_000_000, "take profit"),
    ],
)
def test_stop_and_target_are_told_apart_by_which_is_nearer(price, reason):
    step = held_step()
    apply_fill(step, closing_order(step), closing_of(step, 2, 600, price, 1), None)
    (trade,) = step.closed_trades
    assert trade.exit_reason == reason


def test_the_levels_that_the_broker_had_count_before_those_intended():
    step = held_step()
    held = step.books.positions[POSITION]
    step.put_position(replace(held, stop_loss=Price(101_000_000), take_profit=Price(110_000_000)))
    apply_fill(step, closing_order(step), closing_of(step, 2, 600, 101_900_000, 1), None)
    (trade,) = step.closed_trades
    assert trade.exit_reason == "stop loss"


def test_a_close_by_hand_and_one_by_us_are_told_apart():
    step = held_step()
    order = closing_order(step, is_protection=False)
    apply_fill(step, order, closing_of(step, 2, 600, PRICE, 1), None)
    assert step.closed_trades[0].exit_reason == "manual"
    step = held_step()
    request = add(step)
    apply_fill(step, order, closing_of(step, 2, 300, PRICE, 1), None)
    assert state_of(step) is IntentState.PARTIAL
    assert step.books.intents[request].order_id == OrderId(41)
    apply_fill(step, order, closing_of(step, 3, 100, PRICE, 1), None)
    assert step.books.intents[request].filled_volume == 400
    apply_fill(step, order, closing_of(step, 4, 200, PRICE, 1), None)
    assert step.closed_trades[0].exit_reason == "closed by the bot"
    assert state_of(step) is IntentState.FILLED
    assert step.books.intents[request].filled_volume == 600


def test_a_stop_that_fires_is_not_our_close_though_one_is_under_way():
    step = held_step()
    add(step)
    apply_fill(step, closing_order(step), closing_of(step, 2, 600, 98_500_000, 1), None)
    assert step.closed_trades[0].exit_reason == "stop loss"
    assert state_of(step) is IntentState.CANCELLED


@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"kind": IntentKind.AMEND}, IntentState.CANCELLED),
        ({"kind": IntentKind.AMEND, "state": IntentState.UNKNOWN}, IntentState.CANCELLED),
        ({"kind": IntentKind.AMEND, "state": IntentState.NEW}, IntentState.CANCELLED_LOCALLY),
        ({"kind": IntentKind.AMEND, "state": IntentState.REJECTED}, IntentState.REJECTED),
        ({"position_id": PositionId(51)}, IntentState.SENT),
        ({"position_id": PositionId(51), "state": IntentState.NEW}, IntentState.NEW),
    ],
)
def test_requests_for_a_position_that_is_gone_end_with_it(changes, state):
    step = held_step()
    add(step, **changes)
    settle_protective(step, POSITION)
    assert state_of(step) is state
    assert entry_of(step).state is IntentState.FILLED


# -- which request an order belongs to --------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "is_found"),
    [
        ({}, True),
        ({"client_order_id": ""}, True),
        ({"label": ""}, True),
        ({"client_order_id": "", "label": ""}, False),
        ({"client_order_id": "", "label": "pob1|demo|01KE5F3ZG000000000000000K5"}, False),
        ({"is_protection": True}, False),
    ],
)
def test_an_entry_is_known_by_its_id_or_its_label(changes, is_found):
    step = sent_step()
    assert (find_intent(step, order_of(step, **changes)) == entry_of(step)) is is_found


def test_an_order_that_opens_is_never_a_close_of_ours():
    step = sent_step()
    add(step)
    order = order_of(step, client_order_id="REQUEST", label="")
    assert find_intent(step, order) is None


@pytest.mark.parametrize(
    ("changes", "is_found"),
    [
        ({}, True),
        ({"order_id": OrderId(41)}, True),
        ({"order_id": OrderId(99)}, False),
        ({"order_id": OrderId(41), "state": IntentState.REJECTED}, True),
        ({"state": IntentState.REJECTED}, False),
        ({"state": IntentState.NEW}, False),
        ({"position_id": PositionId(51)}, False),
        ({"kind": IntentKind.AMEND}, False),
    ],
)
def test_a_close_is_known_by_its_order_or_else_by_its_position_while_it_is_under_way(
    changes, is_found
):
    step = held_step()
    request = add(step, **changes)
    found = find_intent(step, closing_order(step, is_protection=False))
    assert (found is not None and found.intent_id == request) is is_found


def test_of_two_closes_the_bound_one_is_meant():
    step = held_step()
    add(step)
    add(step, intent_id=IntentId("BOUND"), order_id=OrderId(41))
    found = find_intent(step, closing_order(step, is_protection=False))
    assert found.intent_id == "BOUND"


@pytest.mark.parametrize(
    ("known", "told", "kept"), [(None, 5, 5), (None, 0, None), (3, 5, 3), (3, 0, 3)]
)
def test_an_id_once_given_stays(known, told, kept):
    step = sent_step()
    intent = replace(entry_of(step), order_id=known, position_id=known)
    bound = bind(intent, order_of(step, order_id=OrderId(told), position_id=told))
    assert (bound.order_id, bound.position_id) == (kept, kept)


# -- acceptance and end -----------------------------------------------------------------------


def test_an_acceptance_is_news_once():
    step = sent_step()
    assert apply_accepted(step, order_of(step))
    assert entry_of(step).state is IntentState.ACCEPTED
    assert entry_of(step).order_id == ORDER
    assert not apply_accepted(step, order_of(step))
    assert not apply_accepted(step, order_of(step, client_order_id="", label=""))


def test_an_acceptance_ends_the_doubt_about_an_order_but_revives_none_that_was_given_up():
    step = sent_step()
    step.put_intent(replace(entry_of(step), state=IntentState.UNKNOWN))
    assert apply_accepted(step, order_of(step))
    assert entry_of(step).state is IntentState.ACCEPTED
    step.put_intent(replace(entry_of(step), state=IntentState.LOST))
    assert not apply_accepted(step, order_of(step))
    assert entry_of(step).state is IntentState.LOST


@pytest.mark.parametrize(
    ("end", "state"),
    [
        (OrderEnd.REJECTED, IntentState.REJECTED),
        (OrderEnd.EXPIRED, IntentState.EXPIRED),
        (OrderEnd.CANCELLED, IntentState.CANCELLED),
    ],
)
def test_the_end_of_an_order_ends_its_entry_and_every_cancel_of_it_once(end, state):
    step = sent_step()
    add(step, kind=IntentKind.CANCEL, order_id=ORDER)
    add(step, kind=IntentKind.CANCEL, order_id=OrderId(7), intent_id=IntentId("OTHER"))
    assert apply_ended(step, order_of(step), end, "because")
    assert entry_of(step).state is state
    assert entry_of(step).resolution == "because"
    assert entry_of(step).order_id == ORDER
    assert state_of(step) is IntentState.FILLED
    assert state_of(step, "OTHER") is IntentState.SENT
    assert not apply_ended(step, order_of(step), end, "because")


def test_the_end_of_somebody_else_s_order_is_no_news():
    step = sent_step()
    order = order_of(step, client_order_id="", label="")
    assert not apply_ended(step, order, OrderEnd.CANCELLED, "")
    assert entry_of(step).state is IntentState.SENT


@pytest.mark.parametrize(
    ("version", "balance", "kept"),
    [(6, 999, (111, 7)), (7, 999, (999, 7)), (8, 999, (999, 8)), (0, 999, (999, 7))],
)
def test_only_a_younger_balance_replaces_one(version, balance, kept):
    step = sent_step()
    step.set_books(replace(step.books, balance=Money(111), balance_version=7))
    apply_balance(step, Money(balance), version)
    assert (step.books.balance, step.books.balance_version) == kept


def test_of_the_fills_booked_the_newest_are_remembered():
    step = sent_step()
    step.set_books(replace(step.books, applied_deals=tuple(DealId(n) for n in range(1_000, 1_256))))
    assert not apply_fill(step, order_of(step), fill_of(step, 1_000, 600, PRICE), None)
    assert apply_fill(step, order_of(step), fill_of(step, 1, 600, PRICE), None)
    assert len(step.books.applied_deals) == 256
    assert step.books.applied_deals[-1] == 1
    assert 1_000 not in step.books.applied_deals


def test_a_limit_entry_is_an_entry_like_any_other():
    step = sent_step()
    step.put_intent(replace(entry_of(step), style=OrderStyle.LIMIT))
    assert apply_fill(step, order_of(step), fill_of(step, 1, 600, PRICE), None)
