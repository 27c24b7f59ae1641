"""Waits on loopback for the one request with which the browser comes back from the login."""

import http.server
import socket
import time
from pathlib import PurePosixPath
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

from palmbot.domain.errors import InputInvalid

ADDRESS: Final = "127.0.0.1"
"""Not `localhost`, which may be something else on a machine (RFC 8252, section 7.3)."""
PATH: Final = "/callback"
REQUEST_TIMEOUT_S: Final = 5.0

_PAGE: Final = (
    "<!doctype html><meta charset=utf-8><title>palmbot</title>"
    "<p>The login has come back. Close this page and look at the terminal."
)


class RedirectListener:
    """Listens on 127.0.0.1 from construction until `close`, for one answer."""

    def __init__(self, port: int) -> None:
        """Bind the port.

        Raises:
            InputInvalid: it is in use.
        """
        try:
            self._server = _Server((ADDRESS, port), _Reader)
        except OSError as e:
            raise InputInvalid(
                f"cannot listen on {ADDRESS} port {port}: {e.strerror}; end what uses it, or log "
                "in with --paste"
            ) from e
        self.redirect_uri = f"http://{ADDRESS}:{self._server.server_address[1]}{PATH}"

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        self.close()

    def wait(self, timeout_s: float) -> str:
        """Return the address the browser came back to; other requests are turned away.

        Raises:
            InputInvalid: nobody came in time.
        """
        end_s = time.monotonic() + timeout_s
        while self._server.answer is None:
            left_s = end_s - time.monotonic()
            if left_s <= 0:
                raise InputInvalid(
                    f"nobody came back from the login within {timeout_s:.0f} s: run it again, "
                    "or with --paste if the browser runs on another machine"
                )
            self._server.timeout = left_s
            self._server.handle_request()
        return f"{self.redirect_uri}?{self._server.answer}"

    def close(self) -> None:
        """Stop listening."""
        self._server.server_close()


class _Server(http.server.HTTPServer):
    answer: str | None = None
    """Query of the one request that counted."""

    def get_request(self) -> tuple[socket.socket, tuple[str, int]]:
        connected, address = super().get_request()
        connected.settimeout(REQUEST_TIMEOUT_S)
        return connected, address

    def handle_error(self, request: object, client_address: object) -> None:
        """Say nothing: whoever connected went away, and a traceback would show the code."""


class _Reader(http.server.BaseHTTPRequestHandler):
    server: _Server

    def do_GET(self) -> None:
        """Take the answer if it is addressed to us, by a browser on this machine."""
        ours = f"{ADDRESS}:{self.server.server_address[1]}"
        parts = urlsplit(self.path)
        if self.headers.get("Host") != ours:
            self.send_error(http.HTTPStatus.MISDIRECTED_REQUEST)
        elif PurePosixPath(parts.path) != PurePosixPath(PATH) or not parts.query:
            self.send_error(http.HTTPStatus.NOT_FOUND)
        else:
            self.server.answer = parts.query
            self._show_page()

    def _show_page(self) -> None:
        page = _PAGE.encode()
        self.send_response(http.HTTPStatus.OK)
        self.send_header("Content-Type", "text/html; charset=utf-8")
        self.send_header("Content-Length", str(len(page)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(page)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - its name there
        """Write nothing: the address holds the code."""
