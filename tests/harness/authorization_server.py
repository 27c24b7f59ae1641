"""A published authorization server (`oidc-provider-mock`) behind a thin proxy of cTrader's manners.

The server knows nothing of us: it registers the application, shows a consent page, makes codes and
tokens, and refuses what RFC 6749 refuses. The proxy renames fields, answers errors with HTTP 200,
and lets a code live for a minute, as cTrader does. Tokens it has issued open the simulated broker.
"""

import http.server
import json
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
from cryptography.x509 import DNSName

from harness.tls_papers import Office, Paper
from palmbot.adapters.oauth_client import OAuthSite

CODE_LIFE_S = 60.0
START_S = 15.0


class AuthorizationServer:
    """The server in a process of its own, the proxy in a thread; closed by `close`."""

    def __init__(self, directory: Path, office: Office, root: Paper, *, redirect_uri: str) -> None:
        """Start both; `forget` brings the proxy back to this state."""
        self._process = subprocess.Popen(
            [sys.executable, "-W", "ignore", "-m", "oidc_provider_mock", "-p", "0", "-r", "true"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.address = self._read_address()
        registered = self.ask(
            "POST", "/oauth2/clients", json={"redirect_uris": [redirect_uri]}
        ).json()
        self.client_id: str = registered["client_id"]
        self.client_secret: str = registered["client_secret"]
        self._code_times: dict[str, float] = {}
        self.forget()
        leaf = office.leaf(root, DNSName("localhost"))
        file = directory / "oauth.pem"
        file.write_bytes(leaf.key_pem + leaf.pem)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(file)
        self._proxy = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _make_reader(self))
        self._proxy.socket = context.wrap_socket(self._proxy.socket, server_side=True)
        port = self._proxy.server_address[1]
        self.site = OAuthSite(
            authorize_url=f"https://localhost:{port}/authorize",
            token_url=f"https://localhost:{port}/apps/token",
        )
        threading.Thread(target=self._proxy.serve_forever, daemon=True).start()

    def forget(self) -> None:
        """Begin a test."""
        self.code_age_s = 0.0
        """Added to the age of every code."""
        self.date_offset_s = 0.0
        self.answer: dict[str, Any] | None = None
        """Given instead of the server's, for what it cannot be brought to say."""
        self.queries: list[dict[str, str]] = []
        self.tell: Callable[[dict[str, Any]], None] = lambda _: None
        """Called with every answer."""

    def _read_address(self) -> str:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if "http://" in line:
                self._drain = threading.Thread(target=self._process.stdout.read, daemon=True)
                self._drain.start()
                return "http://" + line.split("http://")[1].split()[0].rstrip("/")
        raise AssertionError("the authorization server did not start")

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        with httpx.Client(base_url=self.address, trust_env=False, timeout=START_S) as client:
            return client.request(method, path, **more)

    def consent(self, address: str, *, action: str = "authorize") -> str:
        """Do what a person does in the browser; return the address it is sent back to."""
        query = {name: values[0] for name, values in parse_qs(urlsplit(address).query).items()}
        query["scope"] = "openid"  # the server has no `trading`
        reply = self.ask(
            "POST", f"/oauth2/authorize?{urlencode(query)}", data={"sub": "me", "action": action}
        )
        if reply.status_code != httpx.codes.FOUND:
            return f"{query['redirect_uri']}?{urlencode({'error': 'invalid_request'})}"
        back = reply.headers["location"]
        found = parse_qs(urlsplit(back).query)
        if "code" in found:
            self._code_times[found["code"][0]] = time.monotonic()
        elif "state" not in found:
            back += f"&{urlencode({'state': query['state']})}"
        return back

    def exchange(self, query: dict[str, str]) -> dict[str, Any]:
        """Return the answer of cTrader's token address to a query."""
        self.queries.append(query)
        if self.answer is not None:
            return self.answer
        issued = self._code_times.get(query.get("code", ""), time.monotonic())
        if time.monotonic() - issued + self.code_age_s > CODE_LIFE_S:
            return {"errorCode": "INVALID_REQUEST", "description": "The code has expired"}
        # The server wants id and secret in a header, cTrader has them in the query.
        who = (query.get("client_id", ""), query.get("client_secret", ""))
        reply = self.ask("POST", "/oauth2/token", data=query, auth=who)
        found = reply.json()
        if "error" in found:
            words = found.get("error_description", "")
            return {"errorCode": found["error"].upper(), "description": words}
        return {
            "accessToken": found["access_token"],
            "tokenType": found["token_type"].lower(),
            "expiresIn": found["expires_in"],
            # The server keeps a refresh token that was used; cTrader always sends a pair.
            "refreshToken": found.get("refresh_token", query.get("refresh_token")),
            "errorCode": None,
            "description": None,
        }

    def close(self) -> None:
        self._proxy.shutdown()
        self._proxy.server_close()
        self._process.kill()
        self._process.wait()
        self._drain.join()
        assert self._process.stdout is not None
        self._process.stdout.close()


def _make_reader(owner: AuthorizationServer) -> type[http.server.BaseHTTPRequestHandler]:
    class Reader(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            query = {k: v[0] for k, v in parse_qs(urlsplit(self.path).query).items()}
            answer = owner.exchange(query)
            owner.tell(answer)
            text = json.dumps(answer).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def date_time_string(self, timestamp=None):
            moment = time.time() if timestamp is None else timestamp  # noqa: TID251 - an HTTP date
            return super().date_time_string(moment + owner.date_offset_s)

        def log_message(self, *_):
            pass

    return Reader
