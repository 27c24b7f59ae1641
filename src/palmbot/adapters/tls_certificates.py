"""Reads certificates: whose they are, by whom, how long, and the pin of their key."""

import base64
import hashlib
from dataclasses import dataclass
from datetime import UTC
from functools import lru_cache
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import dsa, ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from palmbot.domain.units import MS_PER_SECOND, TimestampMs

PIN_PREFIX: Final = "sha256/"
UNREADABLE: Final = "unreadable"


@dataclass(frozen=True, slots=True, kw_only=True)
class CertificateFacts:
    """One certificate in words."""

    subject: str
    issuer: str
    serial: str
    """Hexadecimal, as authorities and browsers show it."""
    not_before: TimestampMs
    not_after: TimestampMs
    sha256: str
    """Fingerprint of the whole certificate, hexadecimal."""
    spki_pin: str
    """`sha256/` and the base64 of the SHA-256 of its public key (RFC 7469, section 2.4)."""
    key: str
    """Kind and size of its key."""
    signature: str
    names: tuple[str, ...]
    """DNS names and addresses it is for (subject alternative names)."""


def read_certificate(der: bytes) -> CertificateFacts:
    """Return what a certificate says; what cannot be read is said to be so, and never raised.

    A server may send anything, and a broken certificate is refused by OpenSSL before.
    """
    digest = hashlib.sha256(der).hexdigest()
    try:
        certificate = x509.load_der_x509_certificate(der)
        return CertificateFacts(
            subject=certificate.subject.rfc4514_string() or "(empty)",
            issuer=certificate.issuer.rfc4514_string() or "(empty)",
            serial=f"{certificate.serial_number:x}",
            not_before=_to_ms(certificate.not_valid_before_utc.astimezone(UTC).timestamp()),
            not_after=_to_ms(certificate.not_valid_after_utc.astimezone(UTC).timestamp()),
            sha256=digest,
            spki_pin=_pin(certificate),
            key=_describe_key(certificate),
            signature=_describe_signature(certificate),
            names=_read_names(certificate),
        )
    except ValueError as e:  # also UnsupportedVersion and what the parser of extensions raises
        return CertificateFacts(
            subject=f"{UNREADABLE}: {e}",
            issuer=UNREADABLE,
            serial="",
            not_before=TimestampMs(0),
            not_after=TimestampMs(0),
            sha256=digest,
            spki_pin="",
            key=UNREADABLE,
            signature=UNREADABLE,
            names=(),
        )


@lru_cache(maxsize=4)  # the same certificate comes again at every reconnect
def read_pin(der: bytes) -> str:
    """Return the pin of the key in a certificate that OpenSSL has proven."""
    return _pin(x509.load_der_x509_certificate(der))


def _pin(certificate: x509.Certificate) -> str:
    key = certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return PIN_PREFIX + base64.b64encode(hashlib.sha256(key).digest()).decode()


def _describe_key(certificate: x509.Certificate) -> str:
    match certificate.public_key():
        case rsa.RSAPublicKey() as key:
            return f"RSA {key.key_size}"
        case ec.EllipticCurvePublicKey() as key:
            return f"EC {key.curve.name}"
        case dsa.DSAPublicKey() as key:
            return f"DSA {key.key_size}"
        case key:
            return type(key).__name__.removesuffix("PublicKey")


def _describe_signature(certificate: x509.Certificate) -> str:
    digest = certificate.signature_hash_algorithm
    return certificate.signature_algorithm_oid._name if digest is None else digest.name  # noqa: SLF001


def _read_names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    except x509.ExtensionNotFound:
        return ()
    dns = found.value.get_values_for_type(x509.DNSName)
    return (*dns, *map(str, found.value.get_values_for_type(x509.IPAddress)))


def _to_ms(seconds: float) -> TimestampMs:
    return TimestampMs(round(seconds * MS_PER_SECOND))
