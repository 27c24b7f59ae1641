"""One TLS handshake and nothing after it: looks at a server without a byte of an application.

Standard library only, so that the refusals can be proven on every Python there is, whatever is
installed for it. Blocking, because it serves a command and not the bot.
"""

import contextlib
import socket
import ssl
import time
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

MS_PER_S: Final = 1000.0
_DER: Final = 2
"""`_ssl.ENCODING_DER`."""
READ_BYTES: Final = 16 * 1024
ANSWER_BYTES_MAX: Final = 256 * 1024
"""A chain of certificates is some kilobytes; what sends more before it is done is no TLS server."""


class Stage(StrEnum):
    """How far it came before it failed."""

    DNS = "dns"
    TCP = "tcp"
    TLS = "tls"


@dataclass(frozen=True, slots=True, kw_only=True)
class HandshakeFailure:
    """Why there is no connection, in the words of the operating system or of OpenSSL."""

    stage: Stage
    text: str
    verify_code: int | None = None
    """X509_V_ERR number of OpenSSL if the certificate was refused."""
    ssl_reason: str = ""
    """OpenSSL's name for any other TLS failure, such as WRONG_VERSION_NUMBER."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Handshake:
    """What was seen of one server."""

    addresses: tuple[str, ...] = ()
    """Answers of the name service, in the order they are tried."""
    address: str = ""
    """The one that answered."""
    dns_ms: float | None = None
    tcp_ms: float | None = None
    handshake_ms: float | None = None
    version: str = ""
    cipher: str = ""
    sent_chain: tuple[bytes, ...] = ()
    """Certificates as the server sent them, DER, its own first; also of a refused server."""
    proven_chain: tuple[bytes, ...] = ()
    """The way from the server's certificate to a trusted one, DER; empty if there is none."""
    failure: HandshakeFailure | None = None


def shake_hands(
    host: str, port: int, *, server_name: str, context: ssl.SSLContext, timeout_s: float = 10.0
) -> Handshake:
    """Connect, shake hands, say goodbye; no failure is raised, all are told in the result.

    Args:
        server_name: What the certificate has to be for.
        timeout_s: For the connection, and again for the handshake.
    """
    started_s = time.perf_counter()
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except OSError as e:
        return Handshake(failure=HandshakeFailure(stage=Stage.DNS, text=_words(e)))
    seen = Handshake(
        addresses=tuple(dict.fromkeys(str(place[4][0]) for place in found)),
        dns_ms=_ms_since(started_s),
    )
    started_s = time.perf_counter()
    try:
        connected = socket.create_connection((host, port), timeout=timeout_s)
    except OSError as e:
        return replace(seen, failure=HandshakeFailure(stage=Stage.TCP, text=_words(e)))
    with connected:
        address, tcp_ms = str(connected.getpeername()[0]), _ms_since(started_s)
        seen = replace(seen, address=address, tcp_ms=tcp_ms)
        talk = _Talk(connected, context, server_name)
        started_s = time.perf_counter()
        try:
            talk.run(started_s + timeout_s)
        except OSError as e:  # ssl.SSLError and TimeoutError are of its kind
            return replace(seen, failure=_tell_failure(e), **talk.look(is_proven=False))
        took_ms = _ms_since(started_s)
        return replace(seen, handshake_ms=took_ms, **talk.look(is_proven=True))


class _Talk:
    """TLS over a socket by hand: OpenSSL never holds the socket, so all that leaves passes here."""

    def __init__(self, connected: socket.socket, context: ssl.SSLContext, server_name: str) -> None:
        self._socket = connected
        self._incoming = ssl.MemoryBIO()
        self._outgoing = ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_hostname=server_name)

    def run(self, end_s: float) -> None:
        """Finish the handshake and close; an alert that refuses the server is sent as well.

        Raises:
            OSError: it failed, or `end_s` (of the performance counter) has passed.
        """
        received = 0
        while True:
            try:
                self._tls.do_handshake()
            except ssl.SSLWantReadError:
                self._flush()
            except ssl.SSLError:
                with contextlib.suppress(OSError):
                    self._flush()
                raise
            else:
                break
            chunk = self._read(end_s)
            received += len(chunk)
            if received > ANSWER_BYTES_MAX:
                raise OSError(f"the server sent {received} bytes and no end of a handshake")
            if chunk:
                self._incoming.write(chunk)
            else:
                self._incoming.write_eof()
        with contextlib.suppress(OSError):  # the goodbye; the server's own is not waited for
            self._flush()
            with contextlib.suppress(ssl.SSLError):
                self._tls.unwrap()
            self._flush()

    def look(self, *, is_proven: bool) -> dict[str, Any]:
        """Return version, cipher and chains, as fields of `Handshake`."""
        cipher = self._tls.cipher()
        return {
            "version": self._tls.version() or "",
            "cipher": cipher[0] if cipher and is_proven else "",
            "sent_chain": _read_chain(self._tls, "get_unverified_chain"),
            "proven_chain": _read_chain(self._tls, "get_verified_chain") if is_proven else (),
        }

    def _read(self, end_s: float) -> bytes:
        left_s = end_s - time.perf_counter()
        if left_s <= 0:
            raise TimeoutError("no handshake in time")
        self._socket.settimeout(left_s)
        return self._socket.recv(READ_BYTES)

    def _flush(self) -> None:
        if pending := self._outgoing.read():
            self._socket.sendall(pending)


def _read_chain(tls: ssl.SSLObject, method: str) -> tuple[bytes, ...]:
    """Return a chain as DER. Before Python 3.13 the same methods exist one level deeper.

    OpenSSL keeps the chain of a server it refused, so no connection without verification is
    needed to show it.
    """
    reader = tls if hasattr(tls, method) else tls._sslobj  # type: ignore[attr-defined]  # noqa: SLF001
    found = getattr(reader, method)()
    chain = (each if isinstance(each, bytes) else each.public_bytes(_DER) for each in found or ())
    return tuple(bytes(each) for each in chain)


def _tell_failure(error: OSError) -> HandshakeFailure:
    if isinstance(error, ssl.SSLCertVerificationError):
        return HandshakeFailure(
            stage=Stage.TLS, text=error.verify_message, verify_code=error.verify_code
        )
    if isinstance(error, ssl.SSLError):
        reason = error.reason or type(error).__name__.upper()
        return HandshakeFailure(stage=Stage.TLS, text=_words(error), ssl_reason=reason)
    return HandshakeFailure(stage=Stage.TLS, text=_words(error))


def _words(error: OSError) -> str:
    return error.strerror or str(error) or type(error).__name__


def _ms_since(started_s: float) -> float:
    return (time.perf_counter() - started_s) * MS_PER_S
