"""Judges what a handshake has shown: may a secret go there, why not, and what to do about it."""

from dataclasses import dataclass
from typing import Final

from palmbot.adapters.tls_certificates import CertificateFacts, read_certificate
from palmbot.adapters.tls_handshake import Handshake, HandshakeFailure, Stage
from palmbot.domain.units import MS_PER_DAY, TimestampMs

WARN_DAYS: Final = 21
"""Automatic renewals happen about a month before the end: later than this one has failed."""
FAIL_DAYS: Final = 3
"""A weekend: whoever would notice has to be asked before it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is to be said about one server."""

    is_valid: bool
    reason: str
    mend: str
    """What to do; empty if all is well."""
    warnings: tuple[str, ...] = ()
    days_left: int | None = None
    """Whole days to the first end of a certificate on the proven way; None without one."""


def judge(seen: Handshake, *, server_name: str, now: TimestampMs) -> Verdict:
    """Return the verdict on one handshake.

    Args:
        server_name: What the certificate had to be for.
        now: Wall clock, for the days that are left.
    """
    if seen.failure is not None:
        sent = tuple(read_certificate(der) for der in seen.sent_chain)
        reason, mend = _explain(seen.failure, server_name, sent)
        return Verdict(is_valid=False, reason=reason, mend=mend)
    chain = tuple(read_certificate(der) for der in seen.proven_chain)
    # The last one is trusted because it is here, not for its dates; OpenSSL judged those as well.
    served = chain[:-1] or chain
    first = min(served, key=lambda facts: facts.not_after)
    days = (first.not_after - now) // MS_PER_DAY
    if days < FAIL_DAYS:
        return Verdict(
            is_valid=False,
            reason=f"the certificate of {first.subject} ends in {_count(days)}",
            mend="its owner has to renew it now; until then the link will break at its end",
            days_left=days,
        )
    warnings: tuple[str, ...] = ()
    if days < WARN_DAYS:
        warnings = (
            f"the certificate of {first.subject} ends in {_count(days)}: look again tomorrow",
        )
    return Verdict(
        is_valid=True,
        reason="chain, host name and dates are proven",
        mend="",
        warnings=warnings,
        days_left=days,
    )


def _count(days: int) -> str:
    return "1 day" if days == 1 else f"{days} days"


_CLOCK = "compare this machine's clock with `palmbot doctor`; if it is right"
_INTERCEPTED = (
    "something between here and the broker may be reading along: try another network; "
    "if you run an authority of your own on purpose, name it with --ca-file"
)
_BROKEN = (
    "the server is set up wrongly or is not the broker's: trust nothing there, tell the broker"
)

_MENDS: Final[tuple[tuple[frozenset[int], str], ...]] = (
    (frozenset({9}), f"{_CLOCK}, the server is set up wrongly: wait, tell the broker"),
    (frozenset({10}), f"{_CLOCK}, the server's owner has to renew it: wait, tell the broker"),
    (frozenset({18, 19}), _INTERCEPTED),
    (
        frozenset({2, 20, 21}),
        f"{_INTERCEPTED}; if every site fails, install the system's ca-certificates",
    ),
    (frozenset({3, 11, 12, 33, 44}), "get the newest list of the server's issuer for --crl"),
    (frozenset({23}), "its key may be stolen: send nothing, tell the broker"),
    (frozenset({62, 64}), f"check the host name and the name service; otherwise {_INTERCEPTED}"),
)
"""By number of X509_V_ERR in OpenSSL's x509_vfy.h; all others are certificates made wrongly."""

_TLS_MENDS: Final[dict[str, str]] = {
    "WRONG_VERSION_NUMBER": "that port does not speak TLS: check the port, 5035 for the broker",
    "HTTP_REQUEST": "that port does not speak TLS: check the port, 5035 for the broker",
    "UNSUPPORTED_PROTOCOL": "the server only offers versions before TLS 1.2, which are broken",
    "TLSV1_ALERT_PROTOCOL_VERSION": "the server only offers versions before TLS 1.2",
    "SSLV3_ALERT_HANDSHAKE_FAILURE": "the server offers no cipher that keeps a secret",
    "DH_KEY_TOO_SMALL": "the server's key exchange can be broken: tell its owner",
    "UNEXPECTED_EOF_WHILE_READING": "a firewall may cut the connection: try another network",
}


def _explain(
    failure: HandshakeFailure, server_name: str, sent: tuple[CertificateFacts, ...]
) -> tuple[str, str]:
    """Return the exact reason, and the mend."""
    if failure.stage is Stage.DNS:
        return (
            f"the name {server_name} has no address ({failure.text})",
            "check the network and the name service of this machine",
        )
    if failure.stage is Stage.TCP:
        return (
            f"no connection ({failure.text})",
            "check the network, and that the firewall lets out TCP to this port",
        )
    if failure.verify_code is not None:
        reason = f"the certificate is refused: {failure.text}"
        if sent and sent[0].names:
            reason += f" (it is for {', '.join(sent[0].names)})"
        mend = next((m for codes, m in _MENDS if failure.verify_code in codes), _BROKEN)
        return reason, mend
    if failure.ssl_reason:
        name = failure.ssl_reason
        words = name.lower().replace("_", " ")
        return f"the handshake failed: {words}", _TLS_MENDS.get(name, _BROKEN)
    return (
        f"the handshake did not end ({failure.text})",
        "that port may not speak TLS, or a firewall swallows it: try another network",
    )
