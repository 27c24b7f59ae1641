"""How a pair of tokens is renewed over the socket, without a secret in any address."""

from dataclasses import dataclass

from palmbot.ctrader.conversation import Procedure, ask
from palmbot.ctrader.errors import ErrorClass, classify
from palmbot.ctrader.generated.session_messages_pb2 import (
    ProtoOARefreshTokenReq,
    ProtoOARefreshTokenRes,
)
from palmbot.domain.errors import ProtocolViolation, RequestRefused, TokenRefused
from palmbot.domain.secret import Secret


@dataclass(frozen=True, slots=True, kw_only=True)
class RenewedTokens:
    """The pair that replaces the one before, which is dead from now on."""

    access_token: Secret
    refresh_token: Secret
    life_s: int
    """Of the access token, from now."""


def renew_tokens(refresh_token: Secret) -> Procedure[RenewedTokens]:
    """Ask for a new pair; the application has to be known on the connection already.

    Raises:
        RequestRefused: nothing changed; see `explain_refusal`.
        RequestTimedOut: no answer: nobody knows whether the pair at hand still lives.
        ProtocolViolation: an answer without tokens in it.
    """
    reply = yield from ask(
        ProtoOARefreshTokenReq(refreshToken=refresh_token.reveal()), ProtoOARefreshTokenRes
    )
    if not reply.accessToken or not reply.refreshToken or reply.expiresIn <= 0:
        raise ProtocolViolation("the broker renewed the tokens and sent none")
    return RenewedTokens(
        access_token=Secret(reply.accessToken),
        refresh_token=Secret(reply.refreshToken),
        life_s=reply.expiresIn,
    )


def explain_refusal(refused: RequestRefused) -> TokenRefused | None:
    """Return what a refused renewal means if only a person can mend it, None otherwise."""
    if classify(refused.code, refused.reason) is not ErrorClass.TOKEN:
        return None
    return TokenRefused(
        f"the broker refuses to renew the tokens ({refused}): they were renewed elsewhere or "
        "withdrawn; log in again with `palmbot login`"
    )
