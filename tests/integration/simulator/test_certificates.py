"""Certificates of the simulator as a strict client sees them."""

import contextlib
import ssl

import pytest

from palmbot.adapters.system_clock import SystemClock
from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import TimestampMs
from palmbot.simulator.certificates import ensure_certificates

NOW = TimestampMs(1_795_000_000_000)
YEAR_MS = 365 * 86_400_000


def wall_ms():
    """Certificates are judged by the real clock, so they are made by it."""
    return SystemClock().wall_ms()


def handshake(files, host, *, verify_flags=ssl.VERIFY_X509_STRICT):
    """Shake hands in memory; return the certificate the client accepted."""
    server_context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_context.load_cert_chain(files.server, files.key)
    client_context = ssl.create_default_context(cafile=files.ca)
    client_context.verify_flags |= verify_flags
    ends = [ssl.MemoryBIO() for _ in range(4)]
    client = client_context.wrap_bio(ends[0], ends[1], server_hostname=host)
    server = server_context.wrap_bio(ends[2], ends[3], server_side=True)
    for _ in range(5):
        for side in (client, server):
            with contextlib.suppress(ssl.SSLWantReadError):
                side.do_handshake()
            ends[2].write(ends[1].read())
            ends[0].write(ends[3].read())
    return client.getpeercert()


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_strict_client_accepts_the_certificate_by_name_and_by_address(tmp_path, host):
    files = ensure_certificates(tmp_path, wall_ms())
    assert handshake(files, host)["subject"] == ((("commonName", "localhost"),),)


def test_another_name_is_refused(tmp_path):
    files = ensure_certificates(tmp_path, wall_ms())
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(files, "demo.ctraderapi.com")


def test_the_authority_of_another_directory_is_not_trusted(tmp_path):
    files = ensure_certificates(tmp_path / "one", wall_ms())
    other = ensure_certificates(tmp_path / "two", wall_ms())
    files.ca.write_bytes(other.ca.read_bytes())
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(files, "localhost")


def test_the_private_key_is_for_its_owner_alone_and_the_authority_s_is_not_kept(tmp_path):
    files = ensure_certificates(tmp_path, NOW)
    assert files.key.stat().st_mode & 0o777 == 0o600
    assert {path.name for path in tmp_path.iterdir()} == {"ca.pem", "server.pem", "server.key"}


def test_good_certificates_are_kept_and_old_ones_made_anew(tmp_path):
    files = ensure_certificates(tmp_path, NOW)
    first = files.ca.read_bytes()
    ensure_certificates(tmp_path, NOW)
    assert files.ca.read_bytes() == first
    ensure_certificates(tmp_path, TimestampMs(NOW + YEAR_MS))
    assert files.ca.read_bytes() != first


def test_damaged_certificates_are_made_anew(tmp_path):
    files = ensure_certificates(tmp_path, NOW)
    files.key.write_text("nonsense")
    ensure_certificates(tmp_path, NOW)
    assert b"PRIVATE KEY" in files.key.read_bytes()


def test_a_place_that_cannot_be_written_is_named(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputInvalid, match="cannot keep certificates in"):
        ensure_certificates(tmp_path / "file", NOW)
