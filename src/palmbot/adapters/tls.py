"""The one TLS context of the program: verified chain, verified host name, no way to turn it off."""

import os
import ssl
from pathlib import Path

from palmbot.domain.errors import ConfigInvalid

# Python obeys these silently. The first writes the session keys to a file; the others replace the
# system's trust store, which matters only where that is used. Some images preset them.
_UNSAFE_ALWAYS = ("SSLKEYLOGFILE",)
_UNSAFE_WITH_SYSTEM_STORE = ("SSL_CERT_FILE", "SSL_CERT_DIR")

_DER_SEQUENCE = b"\x30"
"""First byte of every binary list; a PEM begins with a dash or a comment."""


def make_context(cafile: Path | None = None, crlfile: Path | None = None) -> ssl.SSLContext:
    """Return a client context that refuses every certificate it cannot prove.

    It trusts the system's store, or only the certificates in `cafile` if given. The flags are
    set by hand because the defaults differ between Python versions: 3.11 and 3.12 accept a
    certificate without authority key identifier, and all accept one without a subject
    alternative name.

    Args:
        cafile: PEM with authorities.
        crlfile: PEM with the list of revoked certificates of the server's issuer. Python asks
            no authority by itself, so without it a revoked certificate is not noticed; with it
            a list that is missing or out of date is a refusal too.

    Raises:
        ConfigInvalid: an environment variable would weaken it, or a file cannot be used.
    """
    unsafe = _UNSAFE_ALWAYS if cafile else _UNSAFE_ALWAYS + _UNSAFE_WITH_SYSTEM_STORE
    for name in unsafe:
        if os.environ.get(name):
            raise ConfigInvalid(
                f"the environment variable {name} is set and would weaken TLS: unset it "
                "(a certificate authority of your own goes into the setting tls.cafile)"
            )
    try:
        context = ssl.create_default_context(cafile=cafile)
    except OSError as e:  # includes ssl.SSLError
        raise ConfigInvalid(
            f"cannot read certificates from {cafile}: {e.strerror or e}; "
            "give a PEM file with certificates of authorities"
        ) from e
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.hostname_checks_common_name = False
    context.verify_flags |= ssl.VERIFY_X509_STRICT | ssl.VERIFY_X509_PARTIAL_CHAIN
    if context.verify_mode is not ssl.CERT_REQUIRED or not context.check_hostname:
        raise ConfigInvalid("this Python does not verify TLS certificates by default: use another")
    if crlfile is not None:
        _load_revocations(context, crlfile)
    return context


def _load_revocations(context: ssl.SSLContext, crlfile: Path) -> None:
    try:
        if crlfile.read_bytes()[:1] == _DER_SEQUENCE:
            raise ConfigInvalid(
                f"the revocation list {crlfile} is binary: convert it with "
                f"`openssl crl -inform DER -in {crlfile} -out crl.pem`"
            )
        before = context.cert_store_stats()["crl"]
        context.load_verify_locations(cafile=crlfile)
    except OSError as e:
        raise ConfigInvalid(
            f"cannot read a revocation list from {crlfile}: {e.strerror or e}; give a PEM file"
        ) from e
    if context.cert_store_stats()["crl"] == before:
        raise ConfigInvalid(
            f"{crlfile} holds certificates but no revocation list; authorities go into tls.cafile"
        )
    context.verify_flags |= ssl.VERIFY_CRL_CHECK_LEAF
