"""The book of the breakers: its samples, and what it says about all breakers at once."""

import pytest

from palmbot.core.breakers.book import SAMPLE_BLOCK, BreakerBook, BreakerRecord, Sample
from palmbot.domain.breakers import BreakerName, BreakerPhase
from palmbot.domain.units import TimestampMs

SPIKE, LOSSES = BreakerName.VOLATILITY, BreakerName.LOSS_STREAK


def book_of(*records):
    return BreakerBook(records={each.name: each for each in records})


def record(name=SPIKE, phase=BreakerPhase.OPEN, until=1_000):
    return BreakerRecord(name=name, phase=phase, hold_until=TimestampMs(until))


@pytest.mark.parametrize("count", [SAMPLE_BLOCK - 1, SAMPLE_BLOCK, 3 * SAMPLE_BLOCK + 1])
def test_a_sample_is_kept_in_full_blocks_and_a_last_one_that_is_being_filled(count):
    kept = Sample()
    for value in range(count):
        kept = kept.add(value, 1_000)
    blocks, rest = divmod(count, SAMPLE_BLOCK)
    assert [len(each) for each in kept.older] == [SAMPLE_BLOCK] * blocks
    assert len(kept.newest) == rest
    assert kept.values == tuple(range(count))


@pytest.mark.parametrize(("now", "is_out"), [(999, False), (1_000, True)])
def test_a_hold_is_over_at_its_last_millisecond(now, is_out):
    found = book_of(record()).list_held_out(TimestampMs(now))
    assert found == ([SPIKE] if is_out else [])


@pytest.mark.parametrize("phase", [each for each in BreakerPhase if each is not BreakerPhase.OPEN])
def test_only_an_open_breaker_holds(phase):
    assert book_of(record(phase=phase)).list_held_out(TimestampMs(2_000)) == []


def test_one_breaker_that_is_not_closed_is_an_alert():
    closed = record(phase=BreakerPhase.CLOSED)
    assert book_of(closed).is_alert is False
    assert book_of(closed, record(LOSSES)).is_alert is True
