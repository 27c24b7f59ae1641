"""Real money in the core: no entry without the proof, none too large on the first day."""

from dataclasses import replace

import pytest
from msgspec import structs

from harness.engine_world import BALANCE, EASY, World, make_account, make_symbol, make_tick
from palmbot.core.breakers.rules import BreakerRules
from palmbot.core.conversion import UNITY
from palmbot.core.gate import Denial
from palmbot.core.params import EngineParams
from palmbot.core.sizing import Sized, size_entry
from palmbot.domain.commands import StoreIntent
from palmbot.domain.live import LiveGrant
from palmbot.domain.market import Side
from palmbot.domain.orders import Environment
from palmbot.domain.units import AccountId, TimestampMs


def grant(**changes) -> LiveGrant:
    whole = LiveGrant(
        account_id=EASY.account_id,
        broker="Palm",
        may_trade=True,
        smallest_until=TimestampMs(0),
    )
    return structs.replace(whole, **changes)


def live(proof: LiveGrant | None, *, is_shadow: bool = False) -> EngineParams:
    return replace(
        EASY,
        environment=Environment.LIVE,
        live=proof,
        is_shadow=is_shadow,
        breakers=BreakerRules(),
    )


def make_world(params: EngineParams, *, is_live: bool = True) -> World:
    world = World(params)
    world.account = make_account(is_live=is_live)
    world.make_ready()
    return world


def refusals(world: World) -> list[str]:
    world.fall()
    return list(world.state.tally.refusals)


@pytest.mark.parametrize("params", [live(grant()), live(grant(may_trade=False), is_shadow=True)])
def test_with_the_proof_the_other_questions_of_the_gate_are_asked(params):
    # This world has no history, so that the breakers do not know; on LIVE that denies.
    assert refusals(make_world(params)) == [Denial.RISK_DATA_UNAVAILABLE]


@pytest.mark.parametrize(
    "proof", [None, grant(may_trade=False), grant(account_id=AccountId(EASY.account_id + 1))]
)
def test_without_a_proof_of_its_own_no_entry_on_live(proof):
    assert refusals(make_world(live(proof))) == [Denial.ENVIRONMENT]


@pytest.mark.parametrize(
    ("params", "is_live"), [(live(grant()), False), (replace(EASY, live=grant()), True)]
)
def test_an_account_of_the_other_kind_is_never_entered(params, is_live):
    world = make_world(params, is_live=is_live)
    assert not any(isinstance(each, StoreIntent) for each in world.fall().commands)


@pytest.mark.parametrize(("until", "is_smallest"), [(0, False), (1, True)])
def test_on_the_first_day_every_entry_has_the_smallest_volume(until, is_smallest):
    tick, symbol = make_tick(0), make_symbol()
    params = live(grant(smallest_until=TimestampMs(tick.time + until)))
    sized = size_entry(
        side=Side.BUY, tick=tick, symbol=symbol, equity=BALANCE, rate=UNITY, params=params
    )
    assert isinstance(sized, Sized)
    assert (sized.volume == symbol.volume_min) is is_smallest
