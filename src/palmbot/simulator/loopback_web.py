"""A small HTTP/1.1 server on loopback that can also answer as no server should."""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from http import HTTPStatus
from typing import Final
from urllib.parse import parse_qsl, urlsplit

HEAD_BYTES_MAX: Final = 65_536
BODY_BYTES_MAX: Final = 4 * 1024 * 1024


class Manner(StrEnum):
    """How a reply is handed over."""

    WHOLE = "whole"
    HANG = "hang"
    """Nothing, until the client gives up."""
    STALL = "stall"
    """Half of the body, then nothing."""
    CUT = "cut"
    """Half of the body, then the end of the connection."""
    DROP = "drop"
    """The end of the connection at once."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """One request as it came."""

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    """By lower-case name."""
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """One answer, and how to hand it over."""

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    manner: Manner = Manner.WHOLE


class LoopbackWeb:
    """Serves replies of a function at 127.0.0.1, by TLS if given a context."""

    def __init__(self, reply_to: Callable[[Question], Reply]) -> None:
        self._reply_to = reply_to
        self._server: asyncio.Server | None = None
        self._tasks: set[asyncio.Task[None]] = set()
        self.held = 0
        """Requests that are being answered by silence now."""

    async def start(self, tls: ssl.SSLContext | None = None) -> int:
        """Listen at any free port, and return it."""
        self._server = await asyncio.start_server(
            self._welcome, "127.0.0.1", 0, ssl=tls, limit=HEAD_BYTES_MAX
        )
        port: int = self._server.sockets[0].getsockname()[1]
        return port

    async def close(self) -> None:
        """Stop listening and drop every connection."""
        if self._server is not None:
            self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            while (question := await _read_question(reader)) is not None:
                if not await self._hand_over(self._reply_to(question), reader, writer):
                    break
        except (ConnectionError, asyncio.IncompleteReadError, ValueError, ssl.SSLError):
            pass  # the client went, or speaks something else
        except asyncio.CancelledError:
            writer.transport.abort()  # the server closes, and waits for no client's goodbye
        finally:
            self._tasks.discard(task)
            writer.close()
            with suppress(ConnectionError, ssl.SSLError, asyncio.CancelledError, TimeoutError):
                await writer.wait_closed()

    async def _hand_over(
        self, reply: Reply, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        """Send a reply in its manner; return whether the connection can be used again."""
        if reply.manner is Manner.DROP:
            return False
        if reply.manner is not Manner.HANG:
            is_whole = reply.manner is Manner.WHOLE
            sent = reply.body if is_whole else reply.body[: len(reply.body) // 2]
            writer.write(_render_head(reply) + sent)
            await writer.drain()
        if reply.manner in {Manner.HANG, Manner.STALL}:
            self.held += 1
            try:
                await reader.read()  # until the client gives up
            finally:
                self.held -= 1
            return False
        return reply.manner is Manner.WHOLE


def _render_head(reply: Reply) -> bytes:
    try:
        phrase = HTTPStatus(reply.status).phrase
    except ValueError:
        phrase = "Unknown"
    headers = {"content-type": "application/json", **reply.headers}
    headers["content-length"] = str(len(reply.body))
    lines = [f"HTTP/1.1 {reply.status} {phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")


async def _read_question(reader: asyncio.StreamReader) -> Question | None:
    """Return the next request of a connection, None at its end."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError as e:
        if e.partial:
            raise
        return None
    first, *lines = head.decode("latin-1").split("\r\n")
    method, target, _version = first.split(" ", 2)
    headers = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if colon:
            headers[name.strip().lower()] = value.strip()
    size = int(headers.get("content-length", "0"))
    if size > BODY_BYTES_MAX:
        raise ValueError("the request is too large")
    parts = urlsplit(target)
    return Question(
        method=method,
        path=parts.path,
        params=dict(parse_qsl(parts.query, keep_blank_values=True)),
        headers=headers,
        body=await reader.readexactly(size),
    )
