"""`palmbot live`: the locks between this program and real money, and the person who opens them."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter
from rich.markup import escape
from rich.table import Table

from palmbot.adapters.live_arming import (
    LIFE_MS,
    Arming,
    read_arming,
    read_build,
    remove_arming,
    write_arming,
)
from palmbot.adapters.system_clock import SystemClock
from palmbot.bootstrap.directory import make_directory
from palmbot.cli.doctor import examine_config, is_fit
from palmbot.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, stderr, stdout
from palmbot.cli.run import find_live_place
from palmbot.config.live_locks import (
    SHADOW_LOCKS,
    LivePlace,
    Lock,
    LockState,
    digest_settings,
    examine_locks,
)
from palmbot.config.loading import load_config
from palmbot.config.settings import Config
from palmbot.domain.errors import InputInvalid
from palmbot.domain.units import MS_PER_DAY, TimestampMs
from palmbot.workbench.checkup import Grade

AsJson = Annotated[bool, Parameter(name="--json", negative=())]

BEFORE_ARMING = frozenset(Lock) - {Lock.FLAG, Lock.DOCTOR, Lock.ARMED}
"""Locks that have to be open before a person is asked; the others open by that, and at the run."""


def status(
    *, directory: Path | None = None, settings: Path | None = None, as_json: AsJson = False
) -> int:
    """Show every lock of LIVE, and what opens the ones that are shut.

    Done (0) means that `palmbot run --live` would trade.

    Example: `palmbot live status`

    Args:
        directory: Data directory of LIVE; by default `palmbot-data/live`.
        settings: Another file than `palmbot.toml`.
        as_json: Print one JSON document.
    """
    states = examine_locks(
        load_config(settings), find_live_place(directory), has_flag=True, now=_now()
    )
    is_open = all(state.is_open for state in states)
    if as_json:
        print_json({"is_open": is_open, "locks": states})
    else:
        stdout.print(_render(states))
    return EXIT_DONE if is_open else EXIT_REFUSED


def arm(*, directory: Path | None = None, settings: Path | None = None) -> int:
    """Arm LIVE for seven days: a person types the account number, nobody else can.

    Looks at every lock first, and runs the doctor. Any change of program or settings voids it.
    During the first day every entry has the smallest volume of the contract.

    Example: `palmbot live arm`

    Args:
        directory: Data directory of LIVE; by default `palmbot-data/live`.
        settings: Another file than `palmbot.toml`.
    """
    config, place = load_config(settings), find_live_place(directory)
    states = examine_locks(config, place, has_flag=True, now=_now(), only=BEFORE_ARMING)
    stderr.print(_render(states))
    shut = [state for state in states if not state.is_open]
    if shut:
        raise InputInvalid(
            "not armed; first "
            + "; ".join(f"{state.mend} ({state.lock}: {state.found})" for state in shut)
        )
    _examine(config, place)
    _ask_person(config)
    before, now = read_arming(place.directory), _now()
    account_id = config.live.account_id
    assert account_id is not None
    is_same = before is not None and before.account_id == account_id
    make_directory(place.directory)
    write_arming(
        place.directory,
        Arming(
            account_id=account_id,
            build=read_build(place.program),
            settings=digest_settings(config),
            armed_at_ms=now,
            first_armed_at_ms=before.first_armed_at_ms if before and is_same else now,
            doctor_at_ms=now,
        ),
    )
    stdout.print(
        f"LIVE is armed for account {account_id} for {LIFE_MS // MS_PER_DAY} days, with this "
        "program and these settings; start it with: palmbot run --live",
        highlight=False,
        soft_wrap=True,
    )
    return EXIT_DONE


def disarm(*, directory: Path | None = None) -> int:
    """Shut LIVE again. A running bot stops entries within half a minute and keeps its positions.

    Example: `palmbot live disarm`

    Args:
        directory: Data directory of LIVE; by default `palmbot-data/live`.
    """
    was_armed = remove_arming(find_live_place(directory).directory)
    stdout.print("LIVE is disarmed" if was_armed else "LIVE was not armed", highlight=False)
    return EXIT_DONE


def _examine(config: Config, place: LivePlace) -> None:
    findings = examine_config(config, None, place.directory, is_offline=False)
    if not is_fit(findings):
        wrong = "; ".join(
            f"{each.name}: {each.found}" for each in findings if each.grade is Grade.FAIL
        )
        raise InputInvalid(f"not armed, the doctor objects: {wrong}; see `palmbot doctor`")


def _ask_person(config: Config) -> None:
    """Have the account number typed by a person at a terminal."""
    live = config.live
    if not sys.stdin.isatty():
        raise InputInvalid("not armed: a person has to type the account number at a terminal")
    stderr.print(
        f"This arms trading with REAL MONEY on account {live.account_id} at {live.broker}: up to "
        f"{live.risk_percent:g} % of equity for each trade, {live.daily_loss_percent:g} % a day, "
        f"{live.orders_per_day_max} orders a day.\nType the account number:",
        highlight=False,
        soft_wrap=True,
    )
    if sys.stdin.readline().strip() != str(live.account_id):
        raise InputInvalid("not armed: that is not the account number")


def _render(states: tuple[LockState, ...]) -> Table:
    table = Table(title="The locks of LIVE", expand=True)
    for name in ("lock", "", "found", "what opens it"):
        table.add_column(name)
    for state in states:
        mark = "[green]open[/]" if state.is_open else "[bold red]shut[/]"
        name = state.lock + (" (shadow too)" if state.lock in SHADOW_LOCKS else "")
        mend = "" if state.is_open else state.mend
        table.add_row(name, mark, escape(state.found), escape(mend))
    return table


def _now() -> TimestampMs:
    return SystemClock().wall_ms()
