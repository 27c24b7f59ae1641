"""The one TLS context: what it demands, and what it refuses to be talked into."""

import ssl

import pytest
import trustme

from palmbot.adapters.tls import make_context
from palmbot.domain.errors import ConfigInvalid

VARIABLES = ("SSLKEYLOGFILE", "SSL_CERT_FILE", "SSL_CERT_DIR")


@pytest.fixture(autouse=True)
def clean_environment(monkeypatch):
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def test_chain_and_host_name_are_verified_in_the_strictest_way_on_every_python():
    context = make_context()
    assert context.verify_mode is ssl.CERT_REQUIRED
    assert context.check_hostname
    assert not context.hostname_checks_common_name
    assert context.minimum_version is ssl.TLSVersion.TLSv1_2
    assert context.verify_flags & ssl.VERIFY_X509_STRICT
    assert context.verify_flags & ssl.VERIFY_X509_PARTIAL_CHAIN


@pytest.mark.parametrize("name", VARIABLES)
def test_a_variable_that_would_weaken_it_is_refused_by_name(monkeypatch, tmp_path, name):
    monkeypatch.setenv(name, str(tmp_path / "anything"))
    with pytest.raises(ConfigInvalid, match=f"{name} is set"):
        make_context()


def test_a_variable_set_to_nothing_changes_nothing(monkeypatch):
    monkeypatch.setenv("SSLKEYLOGFILE", "")
    assert make_context().keylog_filename is None


def test_a_file_of_authorities_replaces_the_system_store(tmp_path):
    path = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(path)
    assert len(make_context(path).get_ca_certs()) == 1


def test_with_a_file_of_authorities_no_variable_adds_another_one(monkeypatch, tmp_path):
    ours, theirs = tmp_path / "ours.pem", tmp_path / "theirs.pem"
    trustme.CA(organization_name="ours").cert_pem.write_to_path(ours)
    trustme.CA(organization_name="theirs").cert_pem.write_to_path(theirs)
    monkeypatch.setenv("SSL_CERT_FILE", str(theirs))
    monkeypatch.setenv("SSL_CERT_DIR", str(tmp_path))
    (authority,) = make_context(ours).get_ca_certs()
    assert (("organizationName", "ours"),) in authority["subject"]


def test_session_keys_are_never_written_to_a_file(monkeypatch, tmp_path):
    path = tmp_path / "ours.pem"
    trustme.CA().cert_pem.write_to_path(path)
    monkeypatch.setenv("SSLKEYLOGFILE", str(tmp_path / "keys"))
    with pytest.raises(ConfigInvalid, match="SSLKEYLOGFILE is set"):
        make_context(path)


@pytest.mark.parametrize("content", [None, b"", b"no certificate"])
def test_a_file_without_certificates_is_refused(tmp_path, content):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(ConfigInvalid, match=r"cannot read certificates from .*ca.pem"):
        make_context(path)
