"""Servers side by side: one column each, the lines in which they differ marked."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any, Final

from rich.markup import escape
from rich.table import Table

from palmbot.domain.units import MS_PER_SECOND

DIFFERS: Final = "≠"
_EXPECTED_TO_DIFFER: Final = frozenset({"addresses", "DNS, TCP, handshake", "server"})


def render_servers(document: dict[str, Any]) -> Table:
    """Return the document of `palmbot tls-check` as a table."""
    servers = document["servers"]
    table = Table(title="TLS, as the bot demands it", expand=True)
    table.add_column("", style="dim", no_wrap=True)
    for server in servers:
        table.add_column(escape(server["server"]), overflow="fold", ratio=1)
    for name, render in _ROWS:
        cells = [escape(render(server)) for server in servers]
        differs = name not in _EXPECTED_TO_DIFFER and len(set(cells)) > 1
        styled = [_colour(cell) for cell in cells] if name == "verdict" else cells
        table.add_row(f"{name} {DIFFERS}" if differs else name, *styled)
    depth = max((len(server["chain"]) for server in servers), default=0)
    for place in range(depth):
        table.add_section()
        for name, render in _CERTIFICATE_ROWS:
            cells = [
                escape(render(server["chain"][place])) if place < len(server["chain"]) else "-"
                for server in servers
            ]
            title = f"{name} {DIFFERS}" if len(set(cells)) > 1 else name
            table.add_row(title, *cells)
    return table


def _colour(verdict: str) -> str:
    return f"[bold green]{verdict}[/]" if verdict == "VALID" else f"[bold red]{verdict}[/]"


def _times(server: dict[str, Any]) -> str:
    known = (server["dns_ms"], server["tcp_ms"], server["handshake_ms"])
    return ", ".join("-" if ms is None else f"{ms:.1f} ms" for ms in known)


def _protocol(server: dict[str, Any]) -> str:
    return " ".join(part for part in (server["tls_version"], server["cipher"]) if part) or "-"


def _name_match(server: dict[str, Any]) -> str:
    names = ", ".join(server["names"]) or "no names"
    return f"yes: {names}" if server["is_name_proven"] else f"not proven: {names}"


def _days(server: dict[str, Any]) -> str:
    return "-" if server["days_left"] is None else str(server["days_left"])


def _pin(server: dict[str, Any]) -> str:
    return f"{server['pin']} ({server['pin_status'] or 'not stored'})" if server["pin"] else "-"


def _validity(certificate: dict[str, Any]) -> str:
    return f"{_day(certificate['not_before_ms'])} to {_day(certificate['not_after_ms'])}"


def _day(ms: int) -> str:
    return f"{datetime.fromtimestamp(ms / MS_PER_SECOND, UTC):%Y-%m-%d %H:%M}"


def _origin(certificate: dict[str, Any]) -> str:
    return "sent by the server" if certificate["is_sent"] else "from the trust store"


_Row = tuple[str, Callable[[dict[str, Any]], str]]

_ROWS: Final[tuple[_Row, ...]] = (
    ("verdict", lambda server: server["verdict"]),
    ("reason", lambda server: server["reason"]),
    ("mend", lambda server: server["mend"] or "-"),
    ("addresses", lambda server: ", ".join(server["addresses"]) or "-"),
    ("DNS, TCP, handshake", _times),
    ("protocol", _protocol),
    ("name matches", _name_match),
    ("days left", _days),
    ("key pin", _pin),
)
_CERTIFICATE_ROWS: Final[tuple[_Row, ...]] = (
    ("subject", lambda certificate: certificate["subject"]),
    ("issuer", lambda certificate: certificate["issuer"]),
    ("serial", lambda certificate: certificate["serial"] or "-"),
    ("valid (UTC)", _validity),
    ("SHA-256", lambda certificate: certificate["sha256"]),
    ("SPKI pin", lambda certificate: certificate["spki_pin"] or "-"),
    ("key, signed", lambda certificate: f"{certificate['key']}, {certificate['signature']}"),
    ("comes", _origin),
)
