"""Commands of a person over a real Unix socket."""

import asyncio
import os
import socket
from pathlib import Path

import pytest

from palmbot.adapters import operator_socket
from palmbot.adapters.operator_socket import LINE_BYTES_MAX, OperatorServer, ask
from palmbot.domain.errors import ConfigInvalid, InputInvalid


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "operator.sock"


async def repeat(request):
    return {"heard": request}


async def converse(path: Path, *requests, answer=repeat):
    server = OperatorServer(path, answer)
    await server.start()
    try:
        return [await ask(path, request) for request in requests]
    finally:
        await server.close()


def test_a_request_gets_its_reply(path):
    requests = [{"command": "status"}, {"command": "halt", "reason": "line\nbreak, ünïcode"}]
    replies = asyncio.run(converse(path, *requests))
    assert replies == [{"heard": request} for request in requests]


def test_without_a_bot_there_is_one_clear_sentence(path):
    with pytest.raises(InputInvalid, match="no bot is running here"):
        asyncio.run(ask(path, {}))


def test_the_socket_of_a_dead_bot_is_the_same_as_none_and_is_replaced(path):
    with socket.socket(socket.AF_UNIX) as left_behind:
        left_behind.bind(str(path))
    with pytest.raises(InputInvalid, match="no bot is running here"):
        asyncio.run(ask(path, {}))
    assert asyncio.run(converse(path, {"a": 1})) == [{"heard": {"a": 1}}]


def test_a_second_bot_does_not_take_over_the_door_of_a_living_one(path):
    async def start_twice():
        first = OperatorServer(path, repeat)
        await first.start()
        with pytest.raises(ConfigInvalid, match="a bot already listens"):
            await OperatorServer(path, repeat).start()
        assert await ask(path, {"still": "there"}) == {"heard": {"still": "there"}}
        await first.close()

    asyncio.run(start_twice())


def test_only_the_owner_may_connect_and_nothing_is_left_afterwards(path):
    async def look() -> int:
        server = OperatorServer(path, repeat)
        before = os.umask(0)
        try:
            await server.start()
        finally:
            os.umask(before)
        mode = path.stat().st_mode & 0o777
        await server.close()
        await server.close()
        return mode

    assert asyncio.run(look()) == 0o600
    assert not path.exists()


@pytest.mark.parametrize(
    ("line", "error"),
    [
        (b"halt\n", "not a JSON object"),
        (b"[1]\n", "not a JSON object"),
        (b"\xff\n", "not a JSON object"),
        (b'"' + b"x" * (2 * LINE_BYTES_MAX) + b'"\n', "too long"),
    ],
)
def test_a_line_that_is_no_request_is_answered_and_harms_nobody(path, line, error):
    async def send_and_ask() -> bytes:
        server = OperatorServer(path, repeat)
        await server.start()
        reader, writer = await asyncio.open_unix_connection(path)
        writer.write(line)
        reply = await reader.readline()
        writer.close()
        assert await ask(path, {"next": 1}) == {"heard": {"next": 1}}
        await server.close()
        return reply

    assert error in asyncio.run(send_and_ask()).decode()


def test_a_person_who_leaves_early_harms_nobody(path):
    async def leave_and_ask():
        server = OperatorServer(path, repeat)
        await server.start()
        _, writer = await asyncio.open_unix_connection(path)
        writer.transport.abort()
        reply = await ask(path, {"next": 1})
        await server.close()
        return reply

    assert asyncio.run(leave_and_ask()) == {"heard": {"next": 1}}


def test_a_bot_that_does_not_answer_is_reported(path):
    async def never(_request):
        await asyncio.Event().wait()

    async def ask_in_vain():
        server = OperatorServer(path, never)
        await server.start()
        try:
            with pytest.raises(InputInvalid, match=r"did not answer within 0.01 s"):
                await ask(path, {}, timeout_s=0.01)
        finally:
            await server.close()

    asyncio.run(ask_in_vain())


def test_a_bot_that_hangs_up_is_reported(path, monkeypatch):
    monkeypatch.setattr(operator_socket, "REQUEST_TIMEOUT_S", 0.01)

    async def never(_request):
        await asyncio.Event().wait()

    with pytest.raises(InputInvalid, match="without an answer"):
        asyncio.run(converse(path, {"a": 1}, answer=never))


def test_a_path_that_no_socket_can_have_is_refused_with_the_remedy(tmp_path):
    deep = tmp_path / ("d" * 120) / "operator.sock"
    with pytest.raises(ConfigInvalid, match="too long for a socket"):
        asyncio.run(OperatorServer(deep, repeat).start())


def test_a_missing_directory_is_named(tmp_path):
    with pytest.raises(ConfigInvalid, match="cannot listen at"):
        asyncio.run(OperatorServer(tmp_path / "no" / "s", repeat).start())
