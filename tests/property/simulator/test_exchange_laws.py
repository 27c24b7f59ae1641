"""Laws that hold whatever the market does and whatever clients ask for."""

from contextlib import suppress
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from harness.small_market import OIL, SmallMarket
from palmbot.domain.errors import RequestRefused
from palmbot.domain.market import Side
from palmbot.domain.units import Volume
from palmbot.simulator.records import OrderKind

CONTRACT = replace(OIL, commission_usd_per_lot=3.55, swap_long=-7.0, swap_short=4.5)

moves = st.tuples(
    st.just("move"),
    st.integers(-1_500, 1_500),
    st.integers(0, 300),
    st.integers(1, 40 * 3_600_000),
    st.booleans(),
)
orders = st.tuples(
    st.just("order"),
    st.sampled_from(Side),
    st.integers(1, 30).map(lambda steps: steps * 100),
    st.integers(20, 3_000),
    st.integers(20, 3_000) | st.none(),
    st.integers(-500, 500) | st.none(),
)
closings = st.tuples(st.just("close"), st.integers(0, 5), st.integers(1, 30))
cancellings = st.tuples(st.just("cancel"), st.integers(0, 5))
actions = st.lists(moves | orders | closings | cancellings, max_size=40)


def cents(value):
    return value / 100


def run(market, action):
    """Carry out one action of a client or of the market; a refusal is fine."""
    match action:
        case ("move", change, spread, wait_ms, is_continuous):
            bid = max(100.0, market.bid + cents(change))
            market.bid = bid
            market.quote(
                bid, bid + cents(spread), at=market.time + wait_ms, is_continuous=is_continuous
            )
        case ("order", side, volume, stop, target, limit):
            kind = OrderKind.MARKET if limit is None else OrderKind.LIMIT
            fields = {} if limit is None else {"limit_price": market.bid + cents(limit)}
            if target is not None:
                fields["target_distance"] = cents(target)
            market.place(side, volume, kind, stop_distance=cents(stop), **fields)
        case ("close", which, steps):
            positions = market.books.positions
            if which < len(positions):
                volume = Volume(min(steps * 100, positions[which].volume))
                market.exchange.close(positions[which].position_id, volume)
        case ("cancel", which):
            pending = market.books.orders
            if which < len(pending):
                market.exchange.cancel(pending[which].order_id)


def play(actions, **settings):
    market = SmallMarket(CONTRACT, **settings)
    market.bid = 1_000.0
    market.quote(market.bid, market.bid + 1)
    for action in actions:
        with suppress(RequestRefused):
            run(market, action)
        yield market


@given(actions, st.sampled_from([None, 0.3, 0.9]), st.sampled_from([2, 8]))
def test_the_books_balance_after_every_step(actions, share, digits):
    for market in play(actions, partial_fill_share=share, money_digits=digits):
        market.books.verify()


@given(actions)
def test_equity_is_balance_plus_what_every_position_would_bring(actions):
    for market in play(actions):
        quote = market.exchange.last_quote(OIL.symbol_id)
        worth = market.books.balance
        for position in market.books.positions:
            leave = quote.bid if position.side is Side.BUY else quote.ask
            # Price and volume together count 1/10_000_000; money counts 1/100_000_000.
            gross = position.side.sign * (leave - position.entry_price) * position.volume * 10
            worth += gross + (position.swap + position.commission) * 1_000_000
        # Each position is rounded to a cent.
        assert abs(market.books.equity - worth) <= 500_000 * len(market.books.positions)


@given(actions, st.sampled_from([None, 0.5]))
def test_a_position_from_a_protected_order_is_never_without_its_stop(actions, share):
    for market in play(actions, partial_fill_share=share):
        assert market.books.positions_without_stop == 0


@given(actions)
def test_no_quote_leaves_a_position_open_beyond_its_stop(actions):
    for market in play(actions):
        quote = market.exchange.last_quote(OIL.symbol_id)
        for position in market.books.positions:
            if position.opened_at == quote.time:
                continue  # the spread may be wider than the stop; the next quote closes it
            leave = quote.bid if position.side is Side.BUY else quote.ask
            assert position.side.sign * (leave - position.stop_loss) > 0


@given(st.integers(1, 3_000), st.integers(1, 29))
def test_closing_in_two_parts_brings_what_closing_at_once_brings(move, part):
    results = []
    for parts in ((30,), (part, 30 - part)):
        market = SmallMarket(CONTRACT)
        market.quote(1_000)
        market.place(volume=3_000)
        market.quote(1_000 + cents(move), at=market.time + 90 * 3_600_000)
        for steps in parts:
            market.exchange.close(market.position.position_id, Volume(steps * 100))
        results.append(market.books.balance)
    # Profit and commission of each part are rounded to a cent.
    assert abs(results[0] - results[1]) <= 2_000_000
