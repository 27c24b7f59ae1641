"""Gives the broker's host names to servers on this machine, so that the product stays as it is.

The name is resolved to an address of the loopback network of its own, where a server listens on
the broker's port with a certificate for the broker's name.
"""

import os
import socket
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import pytest
from cryptography.x509 import DNSName, IPAddress

from harness.tls_papers import Office, Paper
from palmbot.adapters.ctrader_broker import PROTOBUF_PORT

ADDRESSES_MAX = 250


def point_hosts(monkeypatch: pytest.MonkeyPatch, addresses: dict[str, str]) -> None:
    """Resolve these names to these addresses, and every other name as always."""
    ask = socket.getaddrinfo

    def answer(host: Any, *rest: Any, **more: Any) -> Any:
        return ask(addresses.get(host, host), *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", answer)


def find_free_address() -> str:
    """Return an address of the loopback network on which nobody has the broker's port."""
    # Tests run side by side: each process begins at an address of its own.
    process = os.getpid()
    for number in range(2, ADDRESSES_MAX):
        address = f"127.{64 + (process >> 8) % 64}.{process % 256}.{number}"
        with socket.socket() as probe:
            try:
                probe.bind((address, PROTOBUF_PORT))
            except OSError:
                continue
            return address
    raise AssertionError("no free address on loopback")


def write_certificates(directory: Path, office: Office, root: Paper, name: str) -> Path:
    """Put the files in which the simulator looks for its certificates; return the authority's."""
    directory.mkdir(parents=True, exist_ok=True)
    leaf = office.leaf(
        root, DNSName(name), DNSName("localhost"), IPAddress(ip_address("127.0.0.1"))
    )
    (directory / "ca.pem").write_bytes(root.pem)
    (directory / "server.pem").write_bytes(leaf.pem)
    (directory / "server.key").write_bytes(leaf.key_pem)
    return directory / "ca.pem"
