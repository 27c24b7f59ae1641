"""What happens in one run of the simulation, drawn from its seed."""

import math
import random
from dataclasses import dataclass, field, replace

from harness.sim_broker import PALM, BrokerFaults
from harness.sim_disk import DiskFaults
from harness.sim_network import CALM, NetworkFaults
from palmbot.core.breakers.rules import BreakerRules, Unknown
from palmbot.core.params import EngineParams, SentimentMode, SentimentRules
from palmbot.domain.orders import Environment, OrderStyle
from palmbot.domain.units import AccountId
from palmbot.simulator.scenarios import FaultPlan, RequestFault, StepFault
from palmbot.simulator.settings import (
    AccountSettings,
    Correlation,
    RejectStyle,
    SimulatorSettings,
)

WARM_UP_BARS = 4
OUT_OF_REACH = 100_000
LOOSE = BreakerRules(
    unknown=Unknown.ALLOW,
    daily_loss_bp=9_000,
    losses_max=OUT_OF_REACH,
    volatility_percent=OUT_OF_REACH,
    burst_trip_factor=OUT_OF_REACH,
    burst_deny_factor=OUT_OF_REACH,
    spread_trip_factor=OUT_OF_REACH,
    spread_deny_factor=OUT_OF_REACH,
    limit_move_bp=0,
    fresh_ticks=1,
    gap_percent=OUT_OF_REACH,
    rejects_max=OUT_OF_REACH,
    unknowns_max=OUT_OF_REACH,
    starts_max=OUT_OF_REACH,
)
"""Breakers that stay out of the way of the orders."""
TIGHT = replace(
    LOOSE,
    losses_max=3,
    cool_down_minutes=(1,) * 100,
    streak_trips_max=OUT_OF_REACH,
    volatility_percent=170,
    volatility_hold_minutes=1,
    volatility_trips_max=OUT_OF_REACH,
    atr_period=3,
    reference_bars=20,
    calm_bars=1,
    fresh_ticks=3,
)
"""Breakers that trip and release within minutes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What happens in one run; drawn from its seed."""

    seed: int
    entries: int = 20
    """Orders at the broker after which the faults end."""
    bar_s: int = 60
    hours_max: float = 24.0
    quote_s: float = 5.0
    """Mean seconds between two quotes; from bar to bar prices move alike, however many come."""
    beat_s: float = 5.0
    heartbeat_s: float = 10.0
    """The server hangs up after 30 s without one."""
    network: NetworkFaults = CALM
    broker: BrokerFaults = field(default_factory=BrokerFaults)
    disk: DiskFaults = field(default_factory=DiskFaults)
    requests: FaultPlan = field(default_factory=FaultPlan)
    settings: SimulatorSettings = field(default_factory=SimulatorSettings)
    style: OrderStyle = OrderStyle.MARKET
    books_interval_s: float = 60.0
    snapshot_steps: int = 500
    gap: float = 0.0
    jump: float = 0.0
    wide: float = 0.0
    """Probability of a quote whose spread is twenty times the usual."""
    kill_share: float = 0.0
    """Share of processes that die at a step drawn for them."""
    kill_steps_max: int = 3_000
    kill_at: int | None = None
    """Step of the first process at which it dies, for the sweep."""
    mischief_s: float = 0.0
    """Mean seconds between two acts of people and clocks; 0 for none."""
    trouble_s: float = 0.0
    """Mean seconds between two troubles of machine, line and contract; 0 for none."""
    watch_s: float | None = None
    """Seconds between two readings of the stop watch on a line of its own; None for no watch."""
    halt_in_commit: float = 0.0
    """Probability of a halt while an entry waits for its commit."""
    clock_in_commit: float = 0.0
    """Probability that the wall clock is set back meanwhile."""
    is_tight: bool = False
    """Breakers trip now and then; otherwise their limits are out of reach."""
    patience_s: float = 240.0
    """How long the operator lets the bot look for an order by itself."""
    canary: str = ""


def seeded(name):
    """Return a stream of random numbers that belongs to this name alone."""
    return random.Random(name)  # noqa: S311 - a stream that anybody can repeat


def draw_plan(seed, **changes):
    """Return the plan of a seed; one seed in five has no faults of the network, and so on."""
    rng = seeded(f"plan {seed}")
    draw, choice = rng.random, rng.choice
    rare = seeded(f"rare {seed}").choice  # a stream of its own: old seeds stay what they were

    def some(most, share=0.5):
        """A probability that is zero in some seeds."""
        return most * draw() if draw() < share else 0.0

    network = NetworkFaults(
        latency_s=choice((0.001, 0.02, 0.02, 0.2)),
        refuse=some(0.5, 0.4),
        hang=some(0.2, 0.2),
        spike=some(0.05),
        spike_s_max=choice((1.0, 5.0, 15.0, 60.0)),
        split=some(0.3),
        reset=some(0.01),
        close=some(0.003, 0.3),
        truncate=some(0.003, 0.3),
        swallow=some(0.002, 0.3),
        swallow_both=some(0.002, 0.3),
        bytes_per_s=rare((math.inf,) * 8 + (1_000.0, 5_000.0)),
    )
    broker = BrokerFaults(
        queue=some(0.3),
        queue_s_max=choice((2.0, 10.0, 30.0, 120.0)),
        unknown_kind=some(0.1, 0.3),
        busy_reading=some(0.1, 0.3),
        stale_positions=rare((0.0,) * 6 + (0.2, 0.8)),
        list_lag_s_max=rare((0.0,) * 6 + (2.0, 20.0)),
    )
    disk = DiskFaults(
        commit_s=choice((0.0005, 0.004, 0.05)),
        slow=some(0.2),
        slow_s_max=choice((0.5, 1.5, 5.0)),
        fail=some(0.004, 0.3),
    )
    order_faults = tuple(RequestFault)
    requests = FaultPlan(
        step_gap=(60, 400),
        step_faults=tuple(fault for fault in StepFault if draw() < 0.5),
        order_faults=(
            *(None,) * (4 + int(12 * draw())),
            *(fault for fault in order_faults if draw() < 0.4),
        ),
        reading_gap=(10, 80),
        reading_faults=tuple(fault for fault in _READING_FAULTS if draw() < 0.4),
        outage_steps=(2, 20),
        maintenance_steps=(2, 20),
    )
    style = choice((OrderStyle.MARKET, OrderStyle.LIMIT))
    settings = SimulatorSettings(
        account=AccountSettings(money_digits=choice((2, 8))),
        has_partial_spots=draw() < 0.5,
        # Without the broker's time there is no sure end of life, and no limit order.
        has_spot_timestamp=draw() < 0.7 or style is OrderStyle.LIMIT,
        correlation=choice(tuple(Correlation)),
        reject_style=choice(tuple(RejectStyle)),
        partial_fill_share=choice((None, None, 0.3, 0.6)),
        announces_protection=draw() < 0.3,
    )
    bars = choice((1, 5, 5))
    plan = Plan(
        seed=seed,
        bar_s=60 * bars,
        hours_max=24.0 * bars,
        quote_s=bars * choice((3.0, *(10.0,) * 3, *(20.0,) * 6)),
        beat_s=bars * choice((1.0, *(10.0,) * 9, *(20.0,) * 40)),
        heartbeat_s=choice((10.0, 25.0, 25.0)),
        network=network,
        broker=broker,
        disk=disk,
        requests=requests,
        settings=settings,
        style=style,
        books_interval_s=bars * choice((60.0, 180.0, 180.0)),
        snapshot_steps=choice((10, 30, 30, 30, 300)),
        gap=some(0.01),
        jump=some(0.01),
        wide=some(0.05, 0.3),
        kill_share=choice((0.0, 0.5, 0.9)),
        kill_steps_max=choice((300, 3_000)),
        mischief_s=choice((0.0, 300.0, 900.0)),
        trouble_s=bars * rare((0.0, 0.0, 600.0, 1_800.0)),
        watch_s=rare((None, None, None, None, 20.0)),
        halt_in_commit=some(0.1),
        clock_in_commit=some(0.2),
        patience_s=choice((240.0, 240.0, 60.0)),
        is_tight=draw() < 0.25,
    )
    return replace(plan, **changes)


_READING_FAULTS = (
    RequestFault.CUT_BEFORE,
    RequestFault.CUT_BETWEEN,
    RequestFault.CUT_AFTER,
    RequestFault.SILENT_LOST,
    RequestFault.SLOW,
    RequestFault.TOO_LATE,
    RequestFault.THROTTLED,
    RequestFault.BUSY,
)


def sweep_plan(seed, kill_at=None):
    """Return the short plan that the kill sweep repeats with a death at every step."""
    rng = seeded(f"sweep {seed}")
    return Plan(
        seed=seed,
        entries=2,
        hours_max=1.0,
        network=NetworkFaults(
            latency_s=0.02, split=rng.choice((0.0, 0.2)), reset=rng.choice((0.0, 0.002))
        ),
        broker=BrokerFaults(queue=rng.choice((0.0, 0.3)), queue_s_max=10.0),
        disk=DiskFaults(commit_s=0.05),
        settings=SimulatorSettings(partial_fill_share=rng.choice((None, 0.5))),
        style=rng.choice((OrderStyle.MARKET, OrderStyle.LIMIT)),
        snapshot_steps=100,
        kill_at=kill_at,
        patience_s=180.0,
    )


def make_params(plan):
    """Return rules under which nearly every bar signals and every position soon ends."""
    return EngineParams(
        environment=Environment.SIMULATOR,
        account_id=AccountId(plan.settings.account.account_id),
        symbol_name=PALM.name,
        rsi_period=2,
        rsi_buy=45.0,
        rsi_sell=55.0,
        bar_period_ms=plan.bar_s * 1_000,
        price_age_max_ms=plan.bar_s * 500,
        warm_up_bars=WARM_UP_BARS,
        history_bars=WARM_UP_BARS,
        sentiment=SentimentRules(mode=SentimentMode.OFF),
        take_profit_bp=22,
        stop_loss_bp=20,
        risk_bp=10,
        order_style=plan.style,
        orders_per_day_max=1_000,
        books_interval_s=plan.books_interval_s,
        breakers=TIGHT if plan.is_tight else LOOSE,
    )
