"""The web by httpx: the only file of this room that knows the library."""

import ssl
from types import TracebackType
from typing import Self

import httpx

from palmbot.domain.errors import ProtocolViolation, SourceUnreachable
from palmbot.ports import WebAnswer, WebRequest

USER_AGENT = "palm-oil-bot"
CONNECTIONS_MAX = 8


class HttpxWeb:
    """Implements `ports.Web` over one pool of connections.

    What the environment says about proxies, certificates and `.netrc` is ignored: the last
    would replace our own `Authorization`.
    """

    def __init__(
        self, tls: ssl.SSLContext, *, transport: httpx.AsyncBaseTransport | None = None
    ) -> None:
        """Open nothing yet.

        Args:
            tls: Verifies every server.
            transport: Another one than the network, for tests.
        """
        self._client = httpx.AsyncClient(
            verify=tls,
            transport=transport,
            trust_env=False,
            follow_redirects=False,
            timeout=None,  # noqa: S113 - per phase, so no limit at all: callers cancel instead
            limits=httpx.Limits(max_connections=CONNECTIONS_MAX),
            headers={"user-agent": USER_AGENT, "accept-encoding": "identity"},
        )

    async def send(self, request: WebRequest, *, body_bytes_max: int) -> WebAnswer:
        """See `ports.Web.send`."""
        headers = {}
        if request.bearer is not None:
            headers["authorization"] = f"Bearer {request.bearer.reveal()}"
        try:
            async with self._client.stream(
                request.method,
                request.url,
                params=dict(request.params) or None,
                json=None if request.document is None else dict(request.document),
                headers=headers,
            ) as response:
                body = await _read_body(response, body_bytes_max)
                return WebAnswer(
                    status=response.status_code,
                    headers={key.lower(): value for key, value in response.headers.items()},
                    body=body,
                )
        except (httpx.ConnectError, httpx.UnsupportedProtocol, httpx.InvalidURL) as e:
            # The library's text may quote the address; its type says enough.
            raise SourceUnreachable(type(e).__name__, was_sent=False) from None
        except (httpx.HTTPError, UnicodeError, ValueError) as e:
            raise SourceUnreachable(type(e).__name__, was_sent=True) from None

    async def close(self) -> None:
        """Close the connections."""
        await self._client.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.close()


async def _read_body(response: httpx.Response, bytes_max: int) -> bytes:
    """Read as it comes, so that a flood is noticed early; undecoded, so that none is hidden."""
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise ProtocolViolation("the answer is compressed though nobody asked for it")
    body = bytearray()
    async for chunk in response.aiter_raw():
        body += chunk
        if len(body) > bytes_max:
            raise ProtocolViolation(f"the answer is larger than {bytes_max} bytes")
    return bytes(body)
