"""The code flow of cTrader's login: the address a person opens, and the code exchanged for tokens.

cTrader's answers are camelCase, errors come with HTTP 200, and the exchange is a GET whose query
holds every secret. So the request goes through the transport of httpx and not through its client,
which writes the address of each request to the log.
"""

import base64
import hashlib
import hmac
import secrets
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import msgspec

from palmbot.ctrader.tokens import RenewedTokens
from palmbot.domain.errors import ConnectionLost, InputInvalid
from palmbot.domain.secret import Secret
from palmbot.domain.units import MS_PER_SECOND, TimestampMs

TIMEOUT_S: Final = 20.0
ANSWER_BYTES_MAX: Final = 64 * 1024
RANDOM_BYTES: Final = 32
CODE_LIFE_S: Final = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class OAuthSite:
    """The two addresses of an authorization server."""

    authorize_url: str
    token_url: str


CTRADER: Final = OAuthSite(
    authorize_url="https://id.ctrader.com/my/settings/openapi/grantingaccess/",
    token_url="https://openapi.ctrader.com/apps/token",  # noqa: S106 - an address
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Authorization:
    """One login under way; its state and verifier are used once."""

    client_id: str
    client_secret: Secret
    redirect_uri: str
    scope: str
    state: Secret
    verifier: Secret
    """Of PKCE (RFC 7636); sent although cTrader may not ask for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """What the exchange brought."""

    tokens: RenewedTokens
    server_time: TimestampMs | None
    """Clock of the authorization server; None if it did not tell."""


def begin_authorization(
    *, client_id: str, client_secret: Secret, redirect_uri: str, scope: str
) -> Authorization:
    """Return a login with fresh random state and verifier."""
    return Authorization(
        client_id=client_id,
        client_secret=client_secret,
        redirect_uri=redirect_uri,
        scope=scope,
        state=Secret(secrets.token_urlsafe(RANDOM_BYTES)),
        verifier=Secret(secrets.token_urlsafe(RANDOM_BYTES)),
    )


def render_address(site: OAuthSite, login: Authorization) -> str:
    """Return the address that a person opens to consent; it holds no secret of the application."""
    challenge = hashlib.sha256(login.verifier.reveal().encode()).digest()
    query = {
        "client_id": login.client_id,
        "redirect_uri": login.redirect_uri,
        "response_type": "code",
        "scope": login.scope,
        "product": "web",
        "state": login.state.reveal(),
        "code_challenge": base64.urlsafe_b64encode(challenge).rstrip(b"=").decode(),
        "code_challenge_method": "S256",
    }
    return f"{site.authorize_url}?{urlencode(query)}"


def read_redirect(login: Authorization, address: str) -> Secret:
    """Return the code in the address to which the browser was sent back.

    Raises:
        InputInvalid: it belongs to another login, consent was denied, or there is no code in it.
    """
    query = {name: values[-1] for name, values in parse_qs(urlsplit(address).query).items()}
    if not query:
        raise InputInvalid(
            "there is nothing after a question mark in that address: paste the whole address line "
            f"of the browser, which begins with {login.redirect_uri}"
        )
    if not hmac.compare_digest(query.get("state", "").encode(), login.state.reveal().encode()):
        raise InputInvalid(
            "that answer belongs to another login (its state differs), and nothing of it was used: "
            "close old tabs and run `palmbot login` again"
        )
    if query.get("error") == "access_denied":
        raise InputInvalid("consent was denied at cTrader: run `palmbot login` again and allow it")
    if "error" in query:
        raise InputInvalid(
            f"cTrader refused the login ({query['error']} {query.get('error_description', '')}): "
            "compare client id, redirect address and status of the application at "
            "openapi.ctrader.com"
        )
    if not query.get("code"):
        raise InputInvalid("there is no code in that address: run `palmbot login` again")
    return Secret(query["code"])


def exchange_code(
    site: OAuthSite, login: Authorization, code: Secret, tls: ssl.SSLContext
) -> Granted:
    """Turn the code into tokens; a code lives for a minute and works once.

    Raises:
        InputInvalid: refused, with what to mend.
        ConnectionLost: no answer, or none that can be read; run the login again.
    """
    query = {
        "grant_type": "authorization_code",
        "code": code.reveal(),
        "redirect_uri": login.redirect_uri,
        "client_id": login.client_id,
        "client_secret": login.client_secret.reveal(),
        "code_verifier": login.verifier.reveal(),
    }
    text, headers = _get(site.token_url, query, tls)
    server_time = _read_date(headers)
    try:
        answer = msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeDecodeError):
        raise ConnectionLost(
            "the authorization server sent no JSON: it may be under maintenance; try again later"
        ) from None
    if answer.get("errorCode"):
        raise _explain(str(answer["errorCode"]), str(answer.get("description") or ""), login)
    return Granted(tokens=_read_tokens(answer), server_time=server_time)


def _get(url: str, query: dict[str, str], tls: ssl.SSLContext) -> tuple[bytes, httpx.Headers]:
    """Ask without a proxy, a redirect or a line in the log."""
    timeouts = dict.fromkeys(("connect", "read", "write", "pool"), TIMEOUT_S)
    request = httpx.Request("GET", url, params=query, extensions={"timeout": timeouts})
    host = request.url.host
    try:
        with httpx.HTTPTransport(verify=tls, trust_env=False) as transport:
            response = transport.handle_request(request)
            try:
                text = b""
                for chunk in response.iter_raw():
                    text += chunk
                    if len(text) > ANSWER_BYTES_MAX:
                        raise ConnectionLost(f"the answer of {host} is too long for tokens")
            finally:
                response.close()
    except httpx.HTTPError as e:
        # The error holds the request and so every secret: it is not chained.
        reason = str(e) or type(e).__name__
        raise ConnectionLost(
            f"{host} cannot be asked ({reason}): check the network, then run `palmbot login` again"
        ) from None
    return text, response.headers


def _read_tokens(answer: Mapping[str, Any]) -> RenewedTokens:
    access, refresh = answer.get("accessToken"), answer.get("refreshToken")
    life_s = answer.get("expiresIn")
    if not (access and isinstance(access, str) and refresh and isinstance(refresh, str)):
        raise ConnectionLost("the authorization server sent no tokens: run `palmbot login` again")
    if not isinstance(life_s, int) or life_s <= 0:
        raise ConnectionLost("the authorization server did not say how long the tokens live")
    return RenewedTokens(access_token=Secret(access), refresh_token=Secret(refresh), life_s=life_s)


def _read_date(headers: httpx.Headers) -> TimestampMs | None:
    try:
        moment = parsedate_to_datetime(headers.get("date", ""))
    except ValueError:
        return None
    return TimestampMs(round(moment.timestamp() * MS_PER_SECOND))


def _explain(code: str, description: str, login: Authorization) -> InputInvalid:
    """Return what a refused exchange means. cTrader's codes are few, its texts decide."""
    words = f"{code}: {description}" if description else code
    text = f"{code} {description}".lower()
    if "redirect" in text:
        sentence = (
            f"the redirect address {login.redirect_uri} is not one of the application: add exactly "
            "this one at openapi.ctrader.com, or change [login] redirect_port"
        )
    elif "active" in text or "submitted" in text or "approv" in text:
        sentence = (
            "the application is not active yet: Spotware looks at new ones for up to three working "
            "days, its status stands at openapi.ctrader.com"
        )
    elif "client" in text or "secret" in text:
        sentence = (
            "client id or secret are wrong: CTRADER_CLIENT_ID and CTRADER_CLIENT_SECRET are those "
            "of the application at openapi.ctrader.com, not the trading login"
        )
    elif "code" in text or "grant" in text or "expired" in text:
        sentence = (
            f"the code is not good any more: it lives for {CODE_LIFE_S} s and works once; run "
            "`palmbot login` again and consent without a pause"
        )
    else:
        sentence = (
            "the authorization server refuses the login: compare CTRADER_CLIENT_ID, "
            "CTRADER_CLIENT_SECRET and the redirect address with openapi.ctrader.com"
        )
    return InputInvalid(f"{sentence} ({words})")
