"""Every server the bot must refuse, and those it must accept; docs/SAFETY.md lists the same."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from ssl import TLSVersion

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.x509.oid import ExtendedKeyUsageOID

from harness.tls_papers import (
    HOST,
    MD5_RSA,
    SHA1_RSA,
    SMALL_GROUP,
    UNKNOWN_EXTENSION,
    Office,
    Paper,
    as_version_1,
    forge,
    sign_again,
)
from harness.tls_servers import (
    CaseServer,
    Script,
    TlsSetting,
    answer_with,
    close_at_once,
    echo,
    flip_bit_at,
    flood,
    meddle,
    reset_at_once,
    serve_tls,
    stay_silent,
    without_version_offer,
)

ANSWER_S = 5.0
SILENCE_S = 0.3
"""For servers that never answer: what the client waits for."""

OLD = "ALL:@SECLEVEL=0"
DNS = x509.DNSName
NAME = DNS(HOST)


@dataclass(frozen=True, kw_only=True)
class Case:
    """One server, and what is wrong with it."""

    name: str
    chain: tuple[Paper, ...] = ()
    """Sent by the server, its own first."""
    trust: Paper | None = None
    """In the client's file of authorities."""
    setting: TlsSetting = field(default_factory=TlsSetting)
    script: Script | None = None
    """Instead of TLS."""
    behind: Callable[[int], Script] | None = None
    """Stands before a good server, whose port it is given."""
    crl: bytes = b""
    is_good: bool = False
    verify_codes: tuple[int, ...] = ()
    """X509_V_ERR numbers that may be given; empty if it does not come to a certificate."""
    timeout_s: float = ANSWER_S


@dataclass
class Standing:
    """A case with its server up."""

    case: Case
    server: CaseServer
    ca: Path
    crl: Path | None


class Cases:
    """Makes all of them, relative to one moment."""

    def __init__(self, now: datetime) -> None:
        self._office = office = Office(now)
        self.root = office.authority("root")
        self.middle = office.authority("middle", self.root, path_length=0)
        self.rsa_root = office.authority("rsa root", key="2048")

    def all(self) -> tuple[Case, ...]:
        return (
            *self._from_the_fact_sheet(),
            *self._names(),
            *self._authorities(),
            *self._weak(),
            *self._revoked(),
            *self._protocols(),
            *self._misbehaving(),
            *self._good(),
        )

    def _leaf(self, *names: x509.GeneralName, **wrong: object) -> Paper:
        return self._office.leaf(self.root, *(names or (NAME,)), **wrong)  # type: ignore[arg-type]

    def _direct(self, name: str, *codes: int, names: tuple = (NAME,), **wrong: object) -> Case:
        """A leaf directly under the root, with one thing wrong."""
        chain = (self._office.leaf(self.root, *names, **wrong),)  # type: ignore[arg-type]
        return Case(name=name, chain=chain, trust=self.root, verify_codes=codes)

    def _under(self, name: str, *codes: int, **wrong: object) -> Case:
        """A good leaf under an intermediate authority with one thing wrong."""
        middle = self._office.authority("wrong middle", self.root, **wrong)  # type: ignore[arg-type]
        leaf = self._office.leaf(middle, NAME)
        return Case(name=name, chain=(leaf, middle), trust=self.root, verify_codes=codes)

    def _from_the_fact_sheet(self) -> Iterator[Case]:
        office, root = self._office, self.root
        yield self._direct("expired", 10, days=(-90, -1))
        yield self._direct("not yet valid", 9, days=(1, 90))
        own = office.leaf(None, NAME)
        yield Case(name="self-signed", chain=(own,), trust=root, verify_codes=(18,))
        other = office.authority("another root")
        yield Case(
            name="untrusted root",
            chain=(office.leaf(other, NAME), other),
            trust=root,
            verify_codes=(19, 20),
        )
        yield self._direct("wrong host", 62, names=(DNS("live.example.com"),))
        yield self._direct("name in the subject only", 62, names=())
        yield self._direct("wildcard too broad", 62, names=(DNS("*.com"),))
        yield self._direct("partial wildcard", 62, names=(DNS("d*.ctraderapi.com"),))
        leaf = office.leaf(self.middle, NAME)
        yield Case(name="incomplete chain", chain=(leaf,), trust=root, verify_codes=(20,))
        clerk = self._leaf(DNS("clerk.example.com"))
        below = office.leaf(clerk, NAME)
        yield Case(
            name="leaf used as an authority",
            chain=(below, clerk),
            trust=root,
            verify_codes=(79, 32),
        )
        lower = office.authority("lower", self.middle)
        yield Case(
            name="path longer than allowed",
            chain=(office.leaf(lower, NAME), lower, self.middle),
            trust=root,
            verify_codes=(25,),
        )
        yield self._direct("for clients only", 26, purpose=ExtendedKeyUsageOID.CLIENT_AUTH)
        yield self._direct("RSA key of 1024 bits", 66, key="1024")
        sha1 = sign_again(
            office.leaf(self.rsa_root, NAME),
            self.rsa_root,
            SHA1_RSA,
            hashes.SHA1(),  # noqa: S303
        )
        yield Case(name="SHA-1 signature", chain=(sha1,), trust=self.rsa_root, verify_codes=(68,))
        yield self._under(
            "outside the name constraint",
            47,
            constraints=x509.NameConstraints([DNS("example.com")], None),
        )
        yield self._direct("no authority key identifier", 85, has_authority_key_id=False)
        yield self._under("expired intermediate", 10, days=(-90, -1))
        yield Case(
            name="plain text",
            trust=root,
            script=answer_with(b"\0\0\0\4\x08\x33\x12\0"),
        )
        yield Case(
            name="TLS 1.1 only",
            chain=(self._leaf(),),
            trust=root,
            setting=TlsSetting(lowest=TLSVersion.TLSv1_1, highest=TLSVersion.TLSv1_1),
        )
        yield Case(
            name="revoked",
            chain=(clerk := self._leaf(),),
            trust=root,
            crl=office.revocations(root, clerk),
            verify_codes=(23,),
        )

    def _names(self) -> Iterator[Case]:
        yield self._direct("look-alike host", 62, names=(DNS(f"{HOST}.example.com"),))
        yield self._direct("wildcard one label too deep", 62, names=(DNS(f"*.{HOST}"),))
        yield self._direct("wildcard alone", 62, names=(DNS("*"),))
        address = x509.IPAddress(ip_address("127.0.0.1"))
        yield self._direct("address instead of the name", 62, names=(address,))
        yield self._direct("name as an e-mail address", 62, names=(x509.RFC822Name(f"x@{HOST}"),))
        link = x509.UniformResourceIdentifier(f"https://{HOST}/")
        yield self._direct("name as a link", 62, names=(link,))
        cut = DNS(f"{HOST}\0.example.com")
        yield self._direct("NUL inside the name", 62, names=(cut,))

    def _authorities(self) -> Iterator[Case]:
        office, root = self._office, self.root
        yield self._under("intermediate not yet valid", 9, days=(1, 90))
        yield self._under("intermediate that is no authority", 79, 32, 24, is_authority=False)
        yield self._under("intermediate that may not sign", 32, 79, 92, can_sign=False)
        yield self._under("authority flag not critical", 89, is_critical=False)
        yield self._under("authority without key identifier", 86, has_subject_key_id=False)
        yield self._under(
            "excluded by a name constraint",
            48,
            constraints=x509.NameConstraints(None, [DNS("ctraderapi.com")]),
        )
        old_root = office.authority("old root", days=(-365, -1))
        yield Case(
            name="expired root",
            chain=(office.leaf(old_root, NAME),),
            trust=old_root,
            verify_codes=(10,),
        )
        yield Case(
            name="forged signature",
            chain=(forge(self._leaf()),),
            trust=root,
            verify_codes=(7,),
        )
        impostor = office.authority("root")
        yield Case(
            name="issuer of the same name with another key",
            chain=(office.leaf(impostor, NAME),),
            trust=root,
            verify_codes=(20, 7, 30),
        )
        yield self._direct("unknown critical extension", 34, extra=((UNKNOWN_EXTENSION, True),))
        yield self._direct("for signing code only", 26, purpose=ExtendedKeyUsageOID.CODE_SIGNING)
        yield self._direct("key not for TLS", 26, uses=("data_encipherment",))
        yield Case(
            name="version 1 with extensions",
            chain=(as_version_1(office.leaf(self.rsa_root, NAME), self.rsa_root),),
            trust=self.rsa_root,
            verify_codes=(93,),
        )

    def _weak(self) -> Iterator[Case]:
        office = self._office
        yield self._direct("EC key of 192 bits", key="p192")
        small = office.authority("small root", key="1024")
        yield Case(
            name="authority with a key of 1024 bits",
            chain=(office.leaf(small, NAME),),
            trust=small,
            verify_codes=(67,),
        )
        md5 = sign_again(
            office.leaf(self.rsa_root, NAME),
            self.rsa_root,
            MD5_RSA,
            hashes.MD5(),  # noqa: S303
        )
        yield Case(name="MD5 signature", chain=(md5,), trust=self.rsa_root, verify_codes=(68,))
        middle = office.authority("sha1 middle", self.rsa_root)
        leaf = office.leaf(middle, NAME)
        middle = sign_again(middle, self.rsa_root, SHA1_RSA, hashes.SHA1())  # noqa: S303
        yield Case(
            name="intermediate signed with SHA-1",
            chain=(leaf, middle),
            trust=self.rsa_root,
            verify_codes=(68,),
        )

    def _revoked(self) -> Iterator[Case]:
        office, root = self._office, self.root
        for name, crl, codes in (
            ("revocation list out of date", office.revocations(root, days=(-9, -2)), (12,)),
            ("revocation list of the future", office.revocations(root, days=(2, 9)), (11,)),
            ("revocation list of another", office.revocations(self.rsa_root), (3,)),
            (
                "forged revocation list",
                office.revocations(root, signer=office.key("ec")),
                (8,),
            ),
        ):
            yield Case(name=name, chain=(self._leaf(),), trust=root, crl=crl, verify_codes=codes)

    def _protocols(self) -> Iterator[Case]:
        rsa = (
            self._office.leaf(
                self.rsa_root, NAME, key="2048", uses=("digital_signature", "key_encipherment")
            ),
        )
        v1_2 = TLSVersion.TLSv1_2
        for name, setting in (
            ("TLS 1.0 only", TlsSetting(lowest=TLSVersion.TLSv1, highest=TLSVersion.TLSv1)),
            ("no encryption (NULL)", TlsSetting(highest=v1_2, ciphers="NULL:@SECLEVEL=0")),
            ("no certificate (anonymous)", TlsSetting(highest=v1_2, ciphers="aNULL:@SECLEVEL=0")),
            (
                "no forward secrecy (static RSA)",
                TlsSetting(highest=v1_2, ciphers="kRSA:@SECLEVEL=0"),
            ),
            ("CBC with SHA-1 only", TlsSetting(highest=v1_2, ciphers="ECDHE-RSA-AES128-SHA")),
            (
                "DH group of 1024 bits",
                TlsSetting(
                    highest=v1_2,
                    ciphers="DHE-RSA-AES128-GCM-SHA256:@SECLEVEL=0",
                    dh_parameters=SMALL_GROUP,
                ),
            ),
            ("name refused (SNI)", TlsSetting(refuses_names=True)),
        ):
            yield Case(name=name, chain=rsa, trust=self.rsa_root, setting=setting)
        good = {"chain": (self._leaf(),), "trust": self.root}
        yield Case(
            name="downgrade to TLS 1.2 in the middle",
            behind=lambda port: meddle(port, ask=without_version_offer),
            **good,  # type: ignore[arg-type]
        )
        yield Case(
            name="bit changed in the hello",
            behind=lambda port: meddle(port, answer=flip_bit_at(20)),
            **good,  # type: ignore[arg-type]
        )
        yield Case(
            name="bit changed in the certificate",
            behind=lambda port: meddle(port, answer=flip_bit_at(400)),
            **good,  # type: ignore[arg-type]
        )
        yield Case(
            name="cut in mid-handshake",
            behind=lambda port: meddle(port, answer=lambda _: None),
            **good,  # type: ignore[arg-type]
        )

    def _misbehaving(self) -> Iterator[Case]:
        alert = b"\x15\x03\x03\x00\x02\x02\x28"
        for name, script, timeout_s in (
            ("silence", stay_silent, SILENCE_S),
            ("closed at once", close_at_once, ANSWER_S),
            ("reset at once", reset_at_once, ANSWER_S),
            ("garbage", answer_with(bytes(range(256)) * 8), ANSWER_S),
            (
                "HTTP",
                answer_with(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"),
                ANSWER_S,
            ),
            ("SSH", answer_with(b"SSH-2.0-OpenSSH_9.6\r\n", waits=False), ANSWER_S),
            ("alert at once", answer_with(alert), ANSWER_S),
            ("echo of our hello", echo, ANSWER_S),
            ("handshake without an end", flood, ANSWER_S),
            ("half a record", answer_with(b"\x16\x03\x03\x40\x00\x02"), SILENCE_S),
        ):
            yield Case(name=name, trust=self.root, script=script, timeout_s=timeout_s)

    def _good(self) -> Iterator[Case]:
        office, root, middle = self._office, self.root, self.middle
        only_1_2 = TlsSetting(highest=TLSVersion.TLSv1_2)
        only_1_3 = TlsSetting(lowest=TLSVersion.TLSv1_3)
        under = office.leaf(middle, NAME)
        fresh = office.revocations(root)
        for name, chain, trust, setting, crl in (
            ("directly under the root", (self._leaf(),), root, TlsSetting(), b""),
            ("one intermediate", (under, middle), root, TlsSetting(), b""),
            ("wildcard", (self._leaf(DNS("*.ctraderapi.com")),), root, TlsSetting(), b""),
            ("no common name", (self._leaf(common_name=None),), root, TlsSetting(), b""),
            ("superfluous certificates", (under, root, middle), root, TlsSetting(), b""),
            ("intermediate trusted by itself", (under,), middle, TlsSetting(), b""),
            ("RSA key of 2048 bits", (self._leaf(key="2048"),), root, TlsSetting(), b""),
            ("TLS 1.2 only", (self._leaf(),), root, only_1_2, b""),
            ("TLS 1.3 only", (self._leaf(),), root, only_1_3, b""),
            ("a fresh revocation list", (self._leaf(),), root, TlsSetting(), fresh),
        ):
            yield Case(
                name=f"good: {name}",
                chain=chain,
                trust=trust,
                setting=setting,
                crl=crl,
                is_good=True,
            )


@contextmanager
def stand_up(cases: tuple[Case, ...], directory: Path) -> Iterator[tuple[Standing, ...]]:
    """Have every server up, files in `directory`; the servers are gone afterwards."""
    standing: list[Standing] = []
    hidden: list[CaseServer] = []
    try:
        for number, case in enumerate(cases):
            place = directory / str(number)
            place.mkdir()
            script = case.script
            if script is None:
                pem = b"".join(paper.pem for paper in case.chain)
                context = case.setting.make_context(pem, case.chain[0].key_pem, place)
                script = serve_tls(context)
            if case.behind is not None:
                hidden.append(CaseServer(script))
                script = case.behind(hidden[-1].port)
            assert case.trust is not None
            ca = place / "ca.pem"
            ca.write_bytes(case.trust.pem)
            crl = place / "crl.pem" if case.crl else None
            if crl is not None:
                crl.write_bytes(case.crl)
            standing.append(Standing(case, CaseServer(script), ca, crl))
        yield tuple(standing)
    finally:
        for each in (*(stood.server for stood in standing), *hidden):
            each.close()
