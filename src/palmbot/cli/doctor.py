"""`palmbot doctor`: everything that has to be right before the bot trades, with the mend."""

from dataclasses import fields, is_dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from palmbot.adapters.ctrader_broker import endpoint_for
from palmbot.adapters.system_clock import SystemClock
from palmbot.adapters.tls import make_context
from palmbot.cli.broker import to_access
from palmbot.cli.directory import choose_directory
from palmbot.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, stdout
from palmbot.cli.run import wire
from palmbot.config.loading import load_config
from palmbot.config.names import ENV_NAME
from palmbot.config.settings import Config
from palmbot.domain.errors import PalmbotError
from palmbot.domain.orders import Environment
from palmbot.domain.secret import Secret
from palmbot.workbench.checkup import Finding, Grade, fail_by, ok, skip
from palmbot.workbench.checkup_broker import (
    BROKER_ROWS,
    Wanted,
    examine_broker,
    examine_clock,
    examine_server,
)
from palmbot.workbench.checkup_machine import (
    examine_files,
    examine_journal,
    examine_machine,
    examine_settings,
    examine_tokens,
)

COLOURS = {Grade.OK: "green", Grade.WARN: "yellow", Grade.FAIL: "bold red", Grade.SKIP: "dim"}


def doctor(  # noqa: PLR0913  (options of one command)
    *,
    offline: bool = False,
    values: bool = False,
    simulator: Path | None = None,
    directory: Path | None = None,
    settings: Path | None = None,
    as_json: Annotated[bool, Parameter(name="--json", negative=())] = False,
) -> int:
    """Look at machine, files, network, account and journal, and say how to mend what is wrong.

    Changes nothing and sends no order. Done (0) means that nothing is FAIL.

    Example: `palmbot doctor`

    Args:
        offline: Leave the network alone.
        values: Also show every setting as it is in effect, secrets as ***.
        simulator: Directory of a running `palmbot simulate`.
        directory: Data directory; by default `palmbot-data/<environment>`.
        settings: Another file than `palmbot.toml`.
        as_json: Print one JSON document; it always holds the settings.
    """
    findings: list[Finding] = []
    config: Config | None = None
    try:
        config = load_config(settings)
        findings.append(ok("settings", "every key is known and in range"))
    except PalmbotError as e:
        findings.append(fail_by("settings", e))
    environment = Environment.DEMO if config is None else config.environment
    if simulator is not None:
        environment = Environment.SIMULATOR
    home = choose_directory(environment, directory)
    findings = [*examine_machine(home), *findings, *examine_files(home, Path(ENV_NAME))]
    if config is not None:
        findings += examine_config(config, simulator, home, is_offline=offline)
    if as_json:
        print_json(
            {
                "is_fit": is_fit(findings),
                "environment": environment,
                "findings": findings,
                "settings": {} if config is None else describe_settings(config),
            }
        )
    else:
        stdout.print(_render(findings, environment))
        if values and config is not None:
            stdout.print(_render_settings(describe_settings(config)))
    return EXIT_DONE if is_fit(findings) else EXIT_REFUSED


def examine_config(
    config: Config, simulator: Path | None, home: Path, *, is_offline: bool
) -> list[Finding]:
    """Return what there is to say about settings, network, account and journal."""
    environment = config.environment if simulator is None else Environment.SIMULATOR
    account_id = None if simulator else config.access.account_id
    now = SystemClock().wall_ms()
    tokens = [] if simulator else [examine_tokens(home, config.access, now)]
    return [
        *examine_settings(config),
        *tokens,
        *_examine_network(config, simulator, home, is_offline=is_offline),
        *examine_journal(home, environment, account_id, now),
    ]


def is_fit(findings: list[Finding]) -> bool:
    """Tell whether nothing has to be mended first."""
    return not any(each.grade is Grade.FAIL for each in findings)


def _examine_network(
    config: Config, simulator: Path | None, home: Path, *, is_offline: bool
) -> list[Finding]:
    names = ("clock", "DNS", "TLS", *BROKER_ROWS)
    if is_offline:
        return [skip(name, "asked to stay offline") for name in names]
    clock = SystemClock()
    findings: list[Finding] = []
    try:
        tls = make_context(config.tls.cafile, config.tls.crlfile)
    except PalmbotError as e:
        if simulator is None:
            return [fail_by("TLS", e)] + [skip(name, "no TLS") for name in names if name != "TLS"]
    else:
        if simulator is None:
            findings.append(examine_clock(clock, tls))
    if simulator is not None:
        findings.append(skip("clock", "the simulator lives in a time of its own"))
    try:
        wiring = wire(config, simulator, home, is_shadow=True)
    except PalmbotError as e:
        return findings + _examine_without_access(config, e)
    wanted = Wanted(
        symbol=wiring.params.symbol_name,
        risk_percent=config.risk.risk_percent,
        stop_percent=config.strategy.stop_loss_percent,
    )
    return findings + examine_broker(to_access(wiring), wanted, clock)


def _examine_without_access(config: Config, error: PalmbotError) -> list[Finding]:
    """Look at the server all the same: it needs no secret."""
    server: list[Finding] = []
    try:
        endpoint = endpoint_for(config.environment)
        tls = make_context(config.tls.cafile, config.tls.crlfile)
        server = examine_server(endpoint, tls, SystemClock().wall_ms())
    except PalmbotError as e:
        server = [skip("TLS", f"not looked at: {e}")]
    return [*server, fail_by(BROKER_ROWS[0], error)] + [
        skip(name, f"not asked: see {BROKER_ROWS[0]}") for name in BROKER_ROWS[1:]
    ]


def describe_settings(config: Config) -> dict[str, Any]:
    """Return every setting as it is in effect; secrets as ***, or None if they are not set."""
    return {each.name: _describe(getattr(config, each.name)) for each in fields(config)}


def _describe(value: object) -> Any:  # noqa: ANN401 - what JSON holds
    if isinstance(value, Secret):
        return "***"
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _describe(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, tuple):
        return [_describe(each) for each in value]
    return str(value) if isinstance(value, StrEnum | Path) else value


def _render(findings: list[Finding], environment: Environment) -> Table:
    table = Table(title=f"palmbot doctor ({environment})")
    table.add_column("")
    table.add_column("what")
    table.add_column("found", overflow="fold", ratio=3)
    table.add_column("mend", overflow="fold", ratio=2)
    for each in findings:
        grade = f"[{COLOURS[each.grade]}]{each.grade}[/]"
        table.add_row(grade, each.name, escape(each.found), escape(each.mend))
    return table


def _render_settings(settings: dict[str, Any]) -> Table:
    table = Table(title="settings in effect")
    table.add_column("key")
    table.add_column("value", overflow="fold")
    for section, value in settings.items():
        if isinstance(value, dict):
            for key, one in value.items():
                table.add_row(f"{section}.{key}", escape(str(one)))
        else:
            table.add_row(section, escape(str(value)))
    return table
