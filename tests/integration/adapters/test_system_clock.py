"""The machine's clocks, as far as they can be tested without waiting."""

import asyncio
import time

from palmbot.adapters.system_clock import SystemClock
from palmbot.adapters.system_ids import SystemIds


def test_link_time_only_grows_and_wall_time_is_now():
    clock = SystemClock()
    first, second = clock.link_s(), clock.link_s()
    assert first <= second
    assert abs(clock.wall_ms() - time.time_ns() / 1e6) < 60_000


def test_a_moment_that_has_passed_calls_at_once_and_a_cancelled_one_never():
    async def schedule() -> list[str]:
        clock, calls, done = SystemClock(), [], asyncio.Event()
        clock.call_at(clock.link_s() + 0.005, lambda: calls.append("cancelled")).cancel()
        clock.call_at(clock.link_s() + 0.01, done.set)
        clock.call_at(clock.link_s() - 10, lambda: calls.append("past"))
        await done.wait()
        return calls

    assert asyncio.run(schedule()) == ["past"]


def test_a_call_is_never_made_before_its_moment():
    async def measure() -> float:
        clock, done = SystemClock(), asyncio.Event()
        moment_s = clock.link_s() + 0.02
        clock.call_at(moment_s, done.set)
        await done.wait()
        return clock.link_s() - moment_s

    # The loop's own clock has a resolution, by which it may be early.
    assert asyncio.run(measure()) > -time.get_clock_info("monotonic").resolution - 1e-3


def test_names_do_not_repeat_and_use_all_80_bits():
    nonces = {SystemIds().draw_nonce() for _ in range(1_000)}
    assert len(nonces) == 1_000
    assert max(nonces).bit_length() == 80
