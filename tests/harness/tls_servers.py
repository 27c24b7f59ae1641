"""Servers of one case each, on loopback, that count what an application would have read."""

import contextlib
import socket
import ssl
import struct
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

TOKEN = b"the-secret-that-must-not-arrive"
PATIENCE_S = 5.0
HELLO_BYTES = 16 * 1024


@dataclass(frozen=True, kw_only=True)
class TlsSetting:
    """How a server of real TLS is set up."""

    lowest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_2
    highest: ssl.TLSVersion = ssl.TLSVersion.TLSv1_3
    ciphers: str = "ALL:@SECLEVEL=0"
    """Strong clients are asked here: the server itself takes everything."""
    dh_parameters: bytes = b""
    refuses_names: bool = False

    def make_context(self, chain: bytes, key: bytes, directory: Path) -> ssl.SSLContext:
        file = directory / "chain.pem"
        file.write_bytes(key + chain)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        with warnings.catch_warnings():  # old versions are what some cases are about
            warnings.simplefilter("ignore", DeprecationWarning)
            context.set_ciphers(self.ciphers)
            context.minimum_version = self.lowest
            context.maximum_version = self.highest
        context.load_cert_chain(file)
        if self.dh_parameters:
            (directory / "dh.pem").write_bytes(self.dh_parameters)
            context.load_dh_params(str(directory / "dh.pem"))
        if self.refuses_names:
            context.sni_callback = lambda *_: ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
        return context


Script = Callable[[socket.socket], bytes]
"""Talks to one client without TLS; returns what it read."""


class CaseServer:
    """Listens until closed; `read` is everything an application behind it has got."""

    def __init__(self, serve: Script) -> None:
        self._serve = serve
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=32)
        self.port: int = self._listener.getsockname()[1]
        self.read = b""
        self.clients = 0
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self.clients += 1
            client.settimeout(PATIENCE_S)
            with client, contextlib.suppress(OSError):
                self.read += self._serve(client)
                # Threads that still read from it would keep the connection open.
                client.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        # `shutdown` wakes the accept in the thread; `close` alone would leave it there.
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(PATIENCE_S)


def serve_tls(context: ssl.SSLContext) -> Script:
    """Shake hands and read to the end."""

    def serve(client: socket.socket) -> bytes:
        with context.wrap_socket(client, server_side=True) as secured:
            read = b""
            with contextlib.suppress(OSError):  # a client that leaves without a word
                while chunk := secured.recv(HELLO_BYTES):
                    read += chunk
            return read

    return serve


def answer_with(content: bytes, *, waits: bool = True) -> Script:
    """Answer the first bytes with the same thing, and read what then still comes."""

    def serve(client: socket.socket) -> bytes:
        read = client.recv(HELLO_BYTES) if waits else b""
        client.sendall(content)
        while chunk := client.recv(HELLO_BYTES):
            read += chunk
        return read

    return serve


def stay_silent(client: socket.socket) -> bytes:
    read = b""
    while chunk := client.recv(HELLO_BYTES):
        read += chunk
    return read


def echo(client: socket.socket) -> bytes:
    read = b""
    while chunk := client.recv(HELLO_BYTES):
        read += chunk
        client.sendall(chunk)
    return read


def flood(client: socket.socket) -> bytes:
    """Send handshake records without an end: each says that more of the same message follows."""
    read = client.recv(HELLO_BYTES)
    record = b"\x16\x03\x03\x40\x00" + b"\x0b\x7f\xff\xff" + bytes(16 * 1024 - 4)
    rest = b"\x16\x03\x03\x40\x00" + bytes(16 * 1024)
    with contextlib.suppress(OSError):
        client.sendall(record)
        for _ in range(1_000):
            client.sendall(rest)
    return read


def close_at_once(client: socket.socket) -> bytes:
    return client.recv(HELLO_BYTES)


def reset_at_once(client: socket.socket) -> bytes:
    read = client.recv(HELLO_BYTES)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    client.close()
    return read


def meddle(
    upstream: int,
    *,
    ask: Callable[[bytes], bytes] = bytes,
    answer: Callable[[bytes], bytes | None] = bytes,
) -> Script:
    """Stand in the middle: change the first bytes of the client, and those of the good server.

    `answer` is given everything the server has sent so far; None cuts the line.
    """

    def serve(client: socket.socket) -> bytes:
        with socket.create_connection(("127.0.0.1", upstream), timeout=PATIENCE_S) as server:
            server.sendall(ask(client.recv(HELLO_BYTES)))
            threading.Thread(target=_pump, args=(client, server), daemon=True).start()
            passed = b""
            with contextlib.suppress(OSError):
                while chunk := server.recv(HELLO_BYTES):
                    changed = answer(passed + chunk)
                    if changed is None:
                        client.sendall(chunk[: len(chunk) // 2])
                        return b""
                    client.sendall(changed[len(passed) :])
                    passed += chunk
        return b""

    return serve


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while chunk := source.recv(HELLO_BYTES):
            sink.sendall(chunk)
        sink.shutdown(socket.SHUT_WR)


def without_version_offer(hello: bytes) -> bytes:
    """Take the extension `supported_versions` out of a ClientHello: a forced downgrade to 1.2."""
    record_head, message = hello[:5], hello[5:]
    place = 4 + 2 + 32  # type and length, version, random
    place += 1 + message[place]  # session id
    place += 2 + int.from_bytes(message[place : place + 2])  # cipher suites
    place += 1 + message[place]  # compression
    head, extensions = message[4:place], message[place + 2 :]
    kept = b""
    while extensions:
        size = 4 + int.from_bytes(extensions[2:4])
        if extensions[:2] != b"\x00\x2b":
            kept += extensions[:size]
        extensions = extensions[size:]
    body = head + len(kept).to_bytes(2) + kept
    message = message[:1] + len(body).to_bytes(3) + body
    return record_head[:3] + len(message).to_bytes(2) + message


def flip_bit_at(place: int) -> Callable[[bytes], bytes]:
    def flip(answer: bytes) -> bytes:
        if len(answer) <= place:
            return answer
        return answer[:place] + bytes([answer[place] ^ 1]) + answer[place + 1 :]

    return flip
