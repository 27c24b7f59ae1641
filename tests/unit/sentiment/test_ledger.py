"""The day's money: booked before a call, settled after it, never over the limit."""

import asyncio
import math
import random
import sqlite3
from contextlib import suppress

import pytest

from harness.mood_world import MoodClock
from palmbot.domain.errors import ConfigInvalid
from palmbot.sentiment.failures import FailureKind, ProviderFailed
from palmbot.sentiment.ledger import Ledger

LIMITS = {"perplexity": 1.0, "x": 0.5}


def play(tmp_path, story, limits=LIMITS):
    async def run():
        clock = MoodClock()
        ledger = Ledger(tmp_path / "ledger.sqlite", limits, clock)
        try:
            return await story(ledger, clock)
        finally:
            await ledger.close()

    return asyncio.run(run())


async def booked(ledger, provider="perplexity"):
    day = await ledger.read_day()
    return day[provider].booked_usd if provider in day else 0.0


def test_the_worst_case_is_booked_until_the_cost_is_known(tmp_path):
    async def story(ledger, _clock):
        number = await ledger.reserve("perplexity", 0.02)
        assert await booked(ledger) == 0.02
        assert await ledger.settle(number, 0.0072)
        assert await booked(ledger) == 0.0072

    play(tmp_path, story)


@pytest.mark.parametrize("cost", [None, float("nan"), float("inf"), -1.0])
def test_a_call_without_a_cost_keeps_its_reservation(tmp_path, cost):
    async def story(ledger, _clock):
        number = await ledger.reserve("perplexity", 0.02)
        assert await ledger.settle(number, cost)
        assert await booked(ledger) == 0.02

    play(tmp_path, story)


def test_the_limit_is_met_exactly_and_never_passed(tmp_path):
    async def story(ledger, _clock):
        for _ in range(10):
            await ledger.reserve("x", 0.05)
        with pytest.raises(ProviderFailed) as failed:
            await ledger.reserve("x", 0.000001)
        assert failed.value.kind is FailureKind.BUDGET
        assert await booked(ledger, "x") == 0.5

    play(tmp_path, story)


def test_a_provider_without_a_limit_may_spend_nothing(tmp_path):
    async def story(ledger, _clock):
        with pytest.raises(ProviderFailed):
            await ledger.reserve("somebody", 0.01)

    play(tmp_path, story)


def test_midnight_in_utc_brings_a_new_budget(tmp_path):
    async def story(ledger, clock):
        await ledger.reserve("perplexity", 1.0)
        clock.now_s = 16 * 3_600 - 0.001
        with pytest.raises(ProviderFailed):
            await ledger.reserve("perplexity", 0.01)
        clock.now_s = 16 * 3_600
        await ledger.reserve("perplexity", 0.01)
        assert await booked(ledger) == 0.01

    play(tmp_path, story)


def test_a_claim_above_the_worst_case_is_kept_apart_and_told(tmp_path):
    async def story(ledger, _clock):
        number = await ledger.reserve("perplexity", 0.02)
        assert not await ledger.settle(number, 1_000.0)
        spending = (await ledger.read_day())["perplexity"]
        assert spending.booked_usd == 0.02
        assert spending.overclaimed_usd == pytest.approx(999.98)

    play(tmp_path, story)


def test_80_per_cent_and_the_end_are_told_once_a_day(tmp_path, capsys):
    async def story(ledger, _clock):
        for _ in range(12):
            with suppress(ProviderFailed):
                await ledger.reserve("perplexity", 0.1)

    play(tmp_path, story)
    text = capsys.readouterr().out
    assert text.count("budget.near") == 1
    assert text.count("budget.reached") == 1


def test_another_process_sees_the_same_budget(tmp_path):
    async def story(ledger, clock):
        other = Ledger(tmp_path / "ledger.sqlite", LIMITS, clock)
        await ledger.reserve("perplexity", 0.6)
        with pytest.raises(ProviderFailed):
            await other.reserve("perplexity", 0.6)
        await other.close()

    play(tmp_path, story)


def test_a_ledger_that_cannot_be_written_stops_the_spending_and_not_the_bot(tmp_path):
    async def story(ledger, _clock):
        with sqlite3.connect(tmp_path / "ledger.sqlite") as connection:
            connection.execute("DROP TABLE call")
        connection.close()
        with pytest.raises(ProviderFailed) as failed:
            await ledger.reserve("perplexity", 0.01)
        assert failed.value.kind is FailureKind.BUDGET

    play(tmp_path, story)


def test_another_database_is_left_alone(tmp_path):
    path = tmp_path / "ledger.sqlite"
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE t (x)")
    connection.close()
    with pytest.raises(ConfigInvalid, match="no ledger"):
        Ledger(path, LIMITS, MoodClock())


def test_no_sequence_of_calls_and_claims_passes_the_limit(tmp_path):
    draw = random.Random(1)  # noqa: S311 - no secret

    async def story(ledger, _clock):
        refused = 0
        for _ in range(40):
            try:
                number = await ledger.reserve("perplexity", draw.uniform(0.001, 0.2))
            except ProviderFailed:
                refused += 1
                continue
            await ledger.settle(number, draw.choice((None, math.nan, 0.0, 0.01, 0.3, 1e300, -1.0)))
            assert await booked(ledger) <= 1.0
        assert refused > 0

    play(tmp_path, story)


def test_regression_a_claim_too_large_for_the_file_is_noted_as_the_largest(tmp_path):
    async def story(ledger, _clock):
        number = await ledger.reserve("perplexity", 0.02)
        assert not await ledger.settle(number, 1e300)
        assert (await ledger.read_day())["perplexity"].overclaimed_usd == pytest.approx(1e6)

    play(tmp_path, story)
