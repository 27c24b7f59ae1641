"""All tasks of a bot end together, and none of them ends unnoticed."""

import asyncio

import pytest

from palmbot.domain.errors import ConfigInvalid, ConnectionLost, FatalError
from palmbot.live.supervisor import supervise


async def forever():
    await asyncio.Event().wait()


async def fail(error):
    await asyncio.sleep(0)
    raise error


def run(players, *, stop=False):
    async def body():
        stopped = asyncio.Event()
        if stop:
            stopped.set()
        await supervise(players, stopped=stopped)

    asyncio.run(body())


def test_a_request_to_stop_ends_all_tasks_without_an_error():
    ended = []

    async def remember():
        try:
            await forever()
        finally:
            ended.append(True)

    run({"a": remember(), "b": forever()}, stop=True)
    assert ended == [True]


def test_a_task_that_ends_by_itself_is_fatal():
    async def finish():
        await asyncio.sleep(0)

    with pytest.raises(FatalError, match="broker task ended by itself"):
        run({"broker": finish(), "trader": forever()})


def test_a_fatal_error_comes_out_as_it_is():
    with pytest.raises(ConfigInvalid, match="no such symbol"):
        run({"broker": fail(ConfigInvalid("no such symbol")), "trader": forever()})


@pytest.mark.parametrize("error", [ConnectionLost("cut"), ZeroDivisionError("x / 0")])
def test_any_other_error_of_a_task_is_fatal_and_named(error):
    with pytest.raises(FatalError, match=f"trader task failed.*{error}"):
        run({"broker": forever(), "trader": fail(error)})
