"""Certificates made to order, good and bad; written beside what the product makes, not with it."""

import base64
import ssl
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID, ObjectIdentifier

HOST = "demo.ctraderapi.com"
DAY = timedelta(days=1)

SHA256_RSA = bytes.fromhex("2a864886f70d01010b")
SHA1_RSA = bytes.fromhex("2a864886f70d010105")
MD5_RSA = bytes.fromhex("2a864886f70d010104")
USAGES = (
    "digital_signature content_commitment key_encipherment data_encipherment "
    "key_agreement key_cert_sign crl_sign encipher_only decipher_only"
)
UNKNOWN_EXTENSION = x509.UnrecognizedExtension(ObjectIdentifier("1.3.6.1.4.1.99999.1"), b"\x05\x00")


@dataclass(frozen=True)
class Paper:
    """A certificate as it is sent, with the key in it."""

    certificate: x509.Certificate
    key: Any
    der: bytes

    @property
    def pem(self) -> bytes:
        return ssl.DER_cert_to_PEM_cert(self.der).encode()

    @property
    def key_pem(self) -> bytes:
        return self.key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )


def make_key(kind: str) -> Any:
    match kind:
        case "ec":
            return ec.generate_private_key(ec.SECP256R1())
        case "p192":
            return ec.generate_private_key(ec.SECP192R1())
        case "ed25519":
            return ed25519.Ed25519PrivateKey.generate()
        case _:
            return rsa.generate_private_key(public_exponent=65537, key_size=int(kind))


def usage(*allowed: str) -> x509.KeyUsage:
    names = USAGES.split()
    return x509.KeyUsage(**{name: name in allowed for name in names})


def name_of(common_name: str | None) -> x509.Name:
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, "made for a test")]
    if common_name is not None:
        attributes.append(x509.NameAttribute(NameOID.COMMON_NAME, common_name))
    return x509.Name(attributes)


class Office:
    """Issues certificates relative to one moment. Each refusal of the tests is one argument off."""

    def __init__(self, now: datetime) -> None:
        self._now = now
        self._keys: dict[str, Any] = {}

    def key(self, kind: str) -> Any:
        """One RSA key for each size is enough, they take long; the others are always fresh."""
        if not kind.isdecimal():
            return make_key(kind)
        return self._keys.setdefault(kind, make_key(kind))

    def authority(  # noqa: PLR0913 - one argument for each thing that can be wrong
        self,
        name: str,
        issuer: Paper | None = None,
        *,
        path_length: int | None = None,
        is_authority: bool = True,
        is_critical: bool = True,
        can_sign: bool = True,
        has_subject_key_id: bool = True,
        constraints: x509.NameConstraints | None = None,
        key: str = "ec",
        days: tuple[int, int] = (-30, 365),
    ) -> Paper:
        signs = ("key_cert_sign", "crl_sign") if can_sign else ("crl_sign",)
        extensions: list[tuple[Any, bool]] = [
            (
                x509.BasicConstraints(
                    ca=is_authority, path_length=path_length if is_authority else None
                ),
                is_critical,
            ),
            (usage(*signs), True),
        ]
        if constraints is not None:
            extensions.append((constraints, True))
        return self._issue(
            name_of(name), issuer, extensions, key, days, has_subject_key_id=has_subject_key_id
        )

    def leaf(  # noqa: PLR0913 - likewise
        self,
        issuer: Paper | None,
        *names: x509.GeneralName,
        common_name: str | None = HOST,
        purpose: ObjectIdentifier = ExtendedKeyUsageOID.SERVER_AUTH,
        uses: tuple[str, ...] = ("digital_signature",),
        extra: tuple[tuple[Any, bool], ...] = (),
        is_authority: bool = False,
        has_authority_key_id: bool = True,
        key: str = "ec",
        days: tuple[int, int] = (-1, 90),
    ) -> Paper:
        extensions: list[tuple[Any, bool]] = [
            (x509.BasicConstraints(ca=is_authority, path_length=None), True),
            (usage(*uses), True),
            (x509.ExtendedKeyUsage([purpose]), False),
            *extra,
        ]
        if names:
            extensions.append((x509.SubjectAlternativeName(names), False))
        return self._issue(
            name_of(common_name),
            issuer,
            extensions,
            key,
            days,
            has_authority_key_id=has_authority_key_id,
        )

    def _issue(  # noqa: PLR0913
        self,
        subject: x509.Name,
        issuer: Paper | None,
        extensions: list[tuple[Any, bool]],
        key_kind: str,
        days: tuple[int, int],
        *,
        has_authority_key_id: bool = True,
        has_subject_key_id: bool = True,
    ) -> Paper:
        key = self.key(key_kind)
        signer = key if issuer is None else issuer.key
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(subject if issuer is None else issuer.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._now + days[0] * DAY)
            .not_valid_after(self._now + days[1] * DAY)
        )
        if has_subject_key_id:
            builder = builder.add_extension(
                x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
            )
        if has_authority_key_id:
            builder = builder.add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()),
                critical=False,
            )
        for extension, is_critical in extensions:
            builder = builder.add_extension(extension, critical=is_critical)
        digest = None if isinstance(signer, ed25519.Ed25519PrivateKey) else hashes.SHA256()
        certificate = builder.sign(signer, digest)
        return Paper(certificate, key, certificate.public_bytes(serialization.Encoding.DER))

    def revocations(
        self,
        issuer: Paper,
        *revoked: Paper,
        signer: Any = None,
        days: tuple[int, int] = (-1, 7),
    ) -> bytes:
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.certificate.subject)
            .last_update(self._now + days[0] * DAY)
            .next_update(self._now + days[1] * DAY)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()),
                critical=False,
            )
            .add_extension(x509.CRLNumber(1), critical=False)
        )
        for paper in revoked:
            builder = builder.add_revoked_certificate(
                x509.RevokedCertificateBuilder()
                .serial_number(paper.certificate.serial_number)
                .revocation_date(self._now - DAY)
                .build()
            )
        signed = builder.sign(signer or issuer.key, hashes.SHA256())
        return signed.public_bytes(serialization.Encoding.PEM)


def sign_again(
    paper: Paper, issuer: Paper, algorithm: bytes, digest: hashes.HashAlgorithm
) -> Paper:
    """Sign with a digest that no library signs with any more; the issuer's key is RSA."""
    body = paper.certificate.tbs_certificate_bytes.replace(SHA256_RSA, algorithm)
    signature = issuer.key.sign(body, padding.PKCS1v15(), digest)
    name = _wrap(0x30, _wrap(0x06, algorithm) + b"\x05\x00")
    return replace(paper, der=_wrap(0x30, body + name + _wrap(0x03, b"\x00" + signature)))


def as_version_1(paper: Paper, issuer: Paper) -> Paper:
    """Call it version 1, which knows no extensions, and sign that; the issuer's key is RSA."""
    version_3, version_1 = bytes.fromhex("a003020102"), bytes.fromhex("a003020100")
    body = paper.certificate.tbs_certificate_bytes.replace(version_3, version_1, 1)
    signature = issuer.key.sign(body, padding.PKCS1v15(), hashes.SHA256())
    name = _wrap(0x30, _wrap(0x06, SHA256_RSA) + b"\x05\x00")
    return replace(paper, der=_wrap(0x30, body + name + _wrap(0x03, b"\x00" + signature)))


def forge(paper: Paper) -> Paper:
    """Change the last bit of the signature."""
    return replace(paper, der=paper.der[:-1] + bytes([paper.der[-1] ^ 1]))


def _wrap(tag: int, content: bytes) -> bytes:
    length = len(content)
    if length < 0x80:
        return bytes([tag, length]) + content
    size = (length.bit_length() + 7) // 8
    return bytes([tag, 0x80 | size]) + length.to_bytes(size) + content


# The 1024-bit group of RFC 2409, section 6.2, which is too small today.
OAKLEY_2 = bytes.fromhex(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E34"
    "04DDEF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A637ED6B0BFF5CB6"
    "F406B7EDEE386BFB5A899FA5AE9F24117C4B1FE649286651ECE65381FFFFFFFFFFFFFFFF"
)
_GROUP = _wrap(0x30, _wrap(0x02, b"\0" + OAKLEY_2) + _wrap(0x02, b"\2"))
SMALL_GROUP = (
    b"-----BEGIN DH PARAMETERS-----\n"
    + base64.encodebytes(_GROUP)
    + b"-----END DH PARAMETERS-----\n"
)
