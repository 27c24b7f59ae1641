"""A TLS handshake with a server: chain and host name must hold, nothing is switched off."""

import socket
import ssl
from pathlib import Path

from orchestrator.domain.checks import TlsProbeCheck
from orchestrator.proof.observations import Observation, failed, not_measured, passed


def check_tls(check: TlsProbeCheck, sidecar_folder: Path) -> Observation:
    """Check that a server proves its name. One that cannot be reached was not measured."""
    ca_file = sidecar_folder / check.ca_file if check.ca_file else None
    try:
        context = ssl.create_default_context(cafile=ca_file)
    except OSError as e:
        return not_measured(f"the authorities in {check.ca_file} cannot be read: {e}")
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    place = f"{check.host}:{check.port}"
    try:
        with (
            socket.create_connection((check.host, check.port), timeout=check.timeout_s) as plain,
            context.wrap_socket(plain, server_hostname=check.host) as secure,
        ):
            certificate = secure.getpeercert() or {}
            until = certificate.get("notAfter", "?")
            return passed(f"{place} {secure.version()}, valid until {until}")
    except ssl.SSLError as e:
        return failed(f"{place}: {e.reason or e}")
    except OSError as e:
        return not_measured(f"{place} cannot be reached: {e}")
