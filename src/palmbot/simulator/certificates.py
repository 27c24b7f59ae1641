"""An authority and a server certificate of the simulator's own, kept in its data directory."""

import os
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import MS_PER_SECOND, TimestampMs

LIFETIME = timedelta(days=365)
BACKDATED = timedelta(days=1)
"""Clocks of client and server may differ a little."""

RENEW_BEFORE = timedelta(days=30)
LOOPBACK = IPv4Address("127.0.0.1")
HOST_NAME = "localhost"
AUTHORITY = "palmbot simulator authority"


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """Where the PEM files are."""

    ca: Path
    """What a client has to trust."""
    server: Path
    """Certificate of the server."""
    key: Path
    """Its private key, readable by the owner alone."""


def ensure_certificates(directory: Path, now: TimestampMs) -> CertificateFiles:
    """Return certificates for localhost and 127.0.0.1; make them if missing or soon over.

    The authority's key is thrown away once the server's certificate is signed: nobody can
    sign another with it.

    Args:
        directory: Made if missing.
        now: Time of the day, for the dates in the certificates.

    Raises:
        InputInvalid: the directory cannot be written.
    """
    files = CertificateFiles(
        ca=directory / "ca.pem", server=directory / "server.pem", key=directory / "server.key"
    )
    moment = datetime.fromtimestamp(now / MS_PER_SECOND, UTC)
    try:
        directory.mkdir(parents=True, exist_ok=True)
        if not _are_good(files, moment):
            _write(files, moment)
    except OSError as e:
        raise InputInvalid(
            f"cannot keep certificates in {directory}: {e.strerror}; "
            "choose a directory you may write to"
        ) from e
    return files


def _are_good(files: CertificateFiles, now: datetime) -> bool:
    try:
        ca = x509.load_pem_x509_certificate(files.ca.read_bytes())
        server = x509.load_pem_x509_certificate(files.server.read_bytes())
        key = serialization.load_pem_private_key(files.key.read_bytes(), password=None)
        server.verify_directly_issued_by(ca)
    except (FileNotFoundError, ValueError, TypeError):
        return False
    ends = min(ca.not_valid_after_utc, server.not_valid_after_utc)
    return key.public_key() == server.public_key() and now < ends - RENEW_BEFORE


def _write(files: CertificateFiles, now: datetime) -> None:
    ca_key = ec.generate_private_key(ec.SECP256R1())
    ca = _sign_authority(ca_key, now)
    key = ec.generate_private_key(ec.SECP256R1())
    server = _sign_server(key, ca_key, now)
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    _replace(files.key, secret, mode=0o600)
    _replace(files.server, server.public_bytes(serialization.Encoding.PEM), mode=0o644)
    _replace(files.ca, ca.public_bytes(serialization.Encoding.PEM), mode=0o644)


def _replace(path: Path, content: bytes, *, mode: int) -> None:
    """Write a file so that nobody ever sees half of it."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
    part.replace(path)


def _name(text: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _begin(
    subject: str, issuer: str, key: ec.EllipticCurvePublicKey, now: datetime
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(_name(subject))
        .issuer_name(_name(issuer))
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(now + LIFETIME)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _sign_authority(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    public = key.public_key()
    return (
        _begin(AUTHORITY, AUTHORITY, public, now)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(public), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .sign(key, hashes.SHA256())
    )


def _sign_server(
    key: ec.EllipticCurvePrivateKey,
    ca_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.Certificate:
    names = [x509.DNSName(HOST_NAME), x509.IPAddress(LOOPBACK)]
    authority = x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key())
    return (
        _begin(HOST_NAME, AUTHORITY, key.public_key(), now)
        .add_extension(authority, critical=False)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
