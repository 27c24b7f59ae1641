"""The door through which a person's commands reach the running bot: a Unix socket.

One JSON object in a line goes in, one comes out, then the connection ends.
"""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeAlias

import msgspec

from palmbot.domain.errors import ConfigInvalid, InputInvalid

LINE_BYTES_MAX = 256 * 1024  # a status with every open item is below 64 KiB
REQUEST_TIMEOUT_S = 10.0
PATH_BYTES_MAX = 100  # sockaddr_un holds 108 on Linux and 104 on macOS, with a final zero

# What JSON holds has no closer type; the receiver judges each field it uses.
Message: TypeAlias = dict[str, Any]
Answer: TypeAlias = Callable[[Message], Awaitable[Message]]


class NobodyListens(InputInvalid):
    """No bot runs on this directory."""


class OperatorServer:
    """Takes requests while the bot runs. Only the user who runs the bot may connect."""

    def __init__(self, path: Path, answer: Answer) -> None:
        """Take the address and the callable that answers; nothing listens before `start`."""
        self._path = path
        self._answer = answer
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen. A socket that a dead bot left behind is replaced.

        Raises:
            ConfigInvalid: a living bot listens there, or the path cannot be used.
        """
        listener = _bind(self._path)
        self._server = await asyncio.start_unix_server(
            self._serve, sock=listener, limit=LINE_BYTES_MAX
        )

    async def close(self) -> None:
        """Stop listening and remove the socket; harmless when repeated."""
        if self._server is None:
            return
        self._server.close()
        self._server = None
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(REQUEST_TIMEOUT_S):
                reply = await self._reply_to(await reader.readline())
                writer.write(msgspec.json.encode(reply) + b"\n")
                await writer.drain()
        except ValueError:  # the line is longer than the limit
            writer.write(msgspec.json.encode({"error": "the request is too long"}) + b"\n")
        except (TimeoutError, ConnectionError):
            pass  # the person is gone, and nothing depends on the reply
        finally:
            writer.close()

    async def _reply_to(self, line: bytes) -> Message:
        try:
            request = msgspec.json.decode(line, type=Message)
        except (msgspec.MsgspecError, UnicodeDecodeError):
            return {"error": "the request is not a JSON object"}
        return await self._answer(request)


async def ask(path: Path, request: Message, timeout_s: float = REQUEST_TIMEOUT_S) -> Message:
    """Send one request to the running bot and return its reply.

    Raises:
        NobodyListens: no bot runs here.
        InputInvalid: it did not answer, or not in time.
    """
    _check_length(path)
    try:
        async with asyncio.timeout(timeout_s):
            reader, writer = await asyncio.open_unix_connection(path, limit=LINE_BYTES_MAX)
            try:
                writer.write(msgspec.json.encode(request) + b"\n")
                line = await reader.readline()
            finally:
                writer.close()
    except (FileNotFoundError, ConnectionRefusedError) as e:
        raise NobodyListens(
            f"no bot is running here: nothing listens at {path}; start one with `palmbot run`, "
            "or name the data directory of the one that runs"
        ) from e
    except TimeoutError as e:
        raise InputInvalid(f"the bot at {path} did not answer within {timeout_s:g} s") from e
    except OSError as e:
        raise InputInvalid(f"cannot reach the bot at {path}: {e.strerror or e}") from e
    try:
        return msgspec.json.decode(line, type=Message)
    except (msgspec.MsgspecError, UnicodeDecodeError) as e:
        raise InputInvalid(f"the bot at {path} ended the connection without an answer") from e


def _bind(path: Path) -> socket.socket:
    """Return a socket bound to `path` that only this user can reach."""
    _check_length(path)
    _remove_leftover(path)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    # The mode has to be right when the name appears: a later chmod would leave a gap.
    mask = os.umask(0o177)
    try:
        listener.bind(str(path))
    except OSError as e:
        listener.close()
        raise ConfigInvalid(
            f"cannot listen at {path}: {e.strerror}; choose a data directory you may write to"
        ) from e
    finally:
        os.umask(mask)
    return listener


def _remove_leftover(path: Path) -> None:
    """Unlink the socket of a bot that is gone."""
    if not path.is_socket():
        return
    probe = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        probe.connect(str(path))
    except ConnectionRefusedError:
        path.unlink(missing_ok=True)
    else:
        raise ConfigInvalid(f"a bot already listens at {path}: stop it first")
    finally:
        probe.close()


def _check_length(path: Path) -> None:
    if len(os.fsencode(path)) > PATH_BYTES_MAX:
        raise ConfigInvalid(
            f"the path {path} is too long for a socket (at most {PATH_BYTES_MAX} bytes): "
            "choose a data directory with a shorter path"
        )
