"""`palmbot tls-check` against servers on loopback: what it says, what it stores, how it ends."""

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.x509 import DNSName

from harness.tls_papers import Office
from harness.tls_servers import CaseServer, TlsSetting, serve_tls, stay_silent
from palmbot.adapters.pin_file import PinFile
from palmbot.adapters.system_clock import SystemClock
from palmbot.adapters.tls import make_context
from palmbot.adapters.tls_certificates import read_certificate, read_pin
from palmbot.adapters.tls_handshake import Stage, shake_hands
from palmbot.adapters.tls_verdict import judge
from palmbot.cli.main import run_command
from palmbot.cli.tls_check import Server, parse_server
from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import MS_PER_DAY, TimestampMs

LOCALHOST = "localhost"
PINS = Path("palmbot-data/tls-pins.json")


class Place:
    """A directory of its own, an authority, and servers it has signed."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.office = Office(datetime.now(UTC))  # noqa: TID251 - OpenSSL goes by the clock
        self.root = self.office.authority("root")
        self.ca = directory / "ca.pem"
        self.ca.write_bytes(self.root.pem)
        self.servers: list[CaseServer] = []

    def serve(self, *, name: str = LOCALHOST, days: int = 90) -> CaseServer:
        leaf = self.office.leaf(self.root, DNSName(name), days=(-1, days))
        place = self.directory / f"server-{len(self.servers)}"
        place.mkdir()
        self.servers.append(
            CaseServer(serve_tls(TlsSetting().make_context(leaf.pem, leaf.key_pem, place)))
        )
        return self.servers[-1]


@pytest.fixture
def place(tmp_path, monkeypatch):
    for name in ("SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.chdir(tmp_path)
    made = Place(tmp_path)
    yield made
    for server in made.servers:
        server.close()


def check(capsys, place: Place, *words: str) -> tuple[int, dict]:
    code = run_command(["tls-check", *words, "--ca-file", str(place.ca), "--json"])
    return code, json.loads(capsys.readouterr().out)


def test_a_good_server_is_valid_and_no_byte_of_an_application_reached_it(capsys, place):
    server = place.serve()
    code, document = check(capsys, place, f"{LOCALHOST}:{server.port}")
    assert code == 0
    (seen,) = document["servers"]
    assert (seen["verdict"], seen["pin_status"], seen["mend"]) == ("VALID", "first", "")
    assert seen["names"] == [LOCALHOST]
    assert seen["days_left"] == 89
    assert seen["tls_version"] == "TLSv1.3"
    assert seen["addresses"]
    assert [each["is_sent"] for each in seen["chain"]] == [True, False]
    assert seen["root"] == seen["chain"][-1]["subject"] == seen["issuer"]
    assert all(seen[key] > 0 for key in ("tcp_ms", "handshake_ms"))
    assert server.read == b""


def test_the_table_puts_servers_side_by_side_and_marks_what_differs(capsys, place, monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    names = [f"{LOCALHOST}:{place.serve(days=days).port}" for days in (90, 15)]
    assert run_command(["tls-check", *names, "--ca-file", str(place.ca)]) == 0
    shown = capsys.readouterr()
    assert all(name in shown.out for name in names)
    marked = [line.split("≠")[0].strip(" │") for line in shown.out.splitlines() if "≠" in line]
    assert "days left" in marked
    assert "name matches" not in marked
    assert "ends in 14 days: look again tomorrow" in shown.err


@pytest.mark.parametrize(
    ("days", "code", "verdict"), [(3, 1, "INVALID"), (4, 0, "VALID"), (1, 1, "INVALID")]
)
def test_a_certificate_that_ends_within_three_days_fails(capsys, place, days, code, verdict):
    found, document = check(capsys, place, f"{LOCALHOST}:{place.serve(days=days).port}")
    (seen,) = document["servers"]
    assert (found, seen["verdict"]) == (code, verdict)
    if code:
        assert "ends in" in seen["reason"]
        assert "renew" in seen["mend"]


def test_one_bad_server_among_good_ones_fails_the_check(capsys, place):
    good, bad = place.serve(), place.serve(name="elsewhere.example")
    names = [f"{LOCALHOST}:{each.port}" for each in (good, bad)]
    code, document = check(capsys, place, *names)
    assert code == 1
    assert document["differences"][0] == "verdict"
    seen = document["servers"][1]
    assert seen["verdict"] == "INVALID"
    assert "Hostname mismatch" in seen["reason"]
    assert "it is for elsewhere.example" in seen["reason"]
    assert "check the host name" in seen["mend"]
    assert seen["chain"][0]["names"] == ["elsewhere.example"]
    assert seen["pin_status"] is None
    assert list(json.loads(PINS.read_text())) == [names[0]]
    assert bad.read == b""


def test_a_server_that_cannot_be_reached_is_told_with_the_mend(capsys, place):
    closed = place.serve()
    closed.close()
    code, document = check(capsys, place, f"{LOCALHOST}:{closed.port}", "nowhere.invalid:5035")
    assert code == 1
    refused, unknown = document["servers"]
    assert "no connection (Connection refused)" in refused["reason"]
    assert "firewall" in refused["mend"]
    assert "the name nowhere.invalid has no address" in unknown["reason"]


def test_a_silent_server_ends_by_the_time_limit(place):
    place.servers.append(CaseServer(stay_silent))
    seen = shake_hands(
        "127.0.0.1",
        place.servers[-1].port,
        server_name=LOCALHOST,
        context=make_context(place.ca),
        timeout_s=0.2,
    )
    assert seen.failure is not None
    assert seen.failure.stage is Stage.TLS
    verdict = judge(seen, server_name=LOCALHOST, now=TimestampMs(0))
    assert not verdict.is_valid
    assert "the handshake did not end" in verdict.reason


def test_a_changed_key_is_shown_and_kept_for_a_server_that_is_not_live(capsys, place):
    first, second = place.serve(), place.serve()
    pins = PinFile(PINS)
    name = f"{LOCALHOST}:{second.port}"
    pins.accept(name, "sha256/before", TimestampMs(1))
    code, document = check(capsys, place, name)
    (seen,) = document["servers"]
    assert (code, seen["pin_status"]) == (0, "changed")
    assert f"the key of {name} changed from sha256/before to {seen['pin']}" in seen["warnings"][0]
    known = pins.find(name)
    assert known is not None
    assert (known.pin, known.previous) == (seen["pin"], ("sha256/before",))
    assert check(capsys, place, name)[1]["servers"][0]["pin_status"] == "same"
    assert first.clients == 0


def test_a_changed_key_of_live_counts_as_bad_until_a_person_confirms_it(capsys, place, monkeypatch):
    server = place.serve()
    name = f"{LOCALHOST}:{server.port}"
    monkeypatch.setattr("palmbot.cli.tls_check.HOSTS", {"demo": "x", "live": LOCALHOST})
    PinFile(PINS).accept(name, "sha256/before", TimestampMs(1))
    for _ in range(2):  # looking again confirms nothing
        code, document = check(capsys, place, name)
        assert (code, document["is_good"]) == (1, False)
        assert "confirm it with `palmbot tls-check --confirm`" in str(document["servers"])
    assert check(capsys, place, name, "--confirm")[0] == 0
    assert check(capsys, place, name)[0] == 0


def test_pins_that_cannot_be_read_are_never_taken_for_a_first_sight(place):
    PINS.parent.mkdir()
    PINS.write_text("{")
    with pytest.raises(InputInvalid, match="are damaged"):
        PinFile(PINS).compare("a:1", "sha256/x", TimestampMs(0))
    assert PINS.read_text() == "{"


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("demo.ctraderapi.com", "demo.ctraderapi.com", 5035),
        ("localhost:1", "localhost", 1),
        ("[::1]:5035", "::1", 5035),
        ("[::1]", "::1", 5035),
    ],
)
def test_a_server_is_named_by_host_and_port(text, host, port):
    assert parse_server(text) == Server(host, port)


@pytest.mark.parametrize("text", ["", ":5035", "a:0", "a:65536", "a:b", "https://a:1"])
def test_what_names_no_server_is_wrong_usage(capsys, place, text):
    assert run_command(["tls-check", text]) == 2
    assert not PINS.exists()


def test_what_is_no_certificate_is_described_and_not_raised():
    facts = read_certificate(b"\x30\x03\x02\x01\x00")
    assert facts.subject.startswith("unreadable")
    assert facts.sha256
    with pytest.raises(ValueError, match="pars"):
        read_pin(b"")


def test_the_days_left_are_those_of_the_first_certificate_to_end(place):
    server = place.serve(days=40)
    seen = shake_hands(
        "127.0.0.1", server.port, server_name=LOCALHOST, context=make_context(place.ca)
    )
    now = SystemClock().wall_ms()
    assert judge(seen, server_name=LOCALHOST, now=now).days_left == 39
    late = TimestampMs(now + 20 * MS_PER_DAY)
    assert judge(seen, server_name=LOCALHOST, now=late).warnings


def test_a_binary_revocation_list_gets_its_command(capsys, place):
    der = place.directory / "list.crl"
    der.write_bytes(b"\x30\x00")
    code = run_command(["tls-check", "localhost:1", "--crl", str(der)])
    assert code == 3
    assert "openssl crl -inform DER" in capsys.readouterr().err


def test_a_file_of_authorities_is_no_revocation_list(capsys, place):
    assert run_command(["tls-check", "localhost:1", "--crl", str(place.ca)]) == 3
    assert "no revocation list" in capsys.readouterr().err
