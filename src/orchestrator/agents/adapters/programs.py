"""What an adapter knows of its program, and how the program on this machine is compared with it."""

import os
import platform
import re
import shutil
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from orchestrator.domain.agents import Brief, Capabilities, Probe, Tier
from orchestrator.domain.errors import AgentUnusable

PROBE_LIMIT_S: Final = 30.0
"""Node programs take up to 15 s for their first help text on a busy machine, as measured."""
OUR_NAMES: Final = ("PATH", "ORCH_INBOX")
"""What every agent sees because of us: where `orchestrate report` lies, and where it writes."""
_BASIC_NAMES: Final = ("PATH", "HOME", "LANG", "LC_ALL", "TMPDIR")
_VERSION: Final = re.compile(r"\d+\.\d+\.\d+(?:-[0-9A-Za-z.]+)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """The contract with one agent program, as recorded from its own help text."""

    adapter: str
    command: str
    tested: tuple[str, ...]
    """Versions whose help text and output this adapter was held against."""
    help_arguments: tuple[str, ...]
    """What makes it print the options that the template uses."""
    options: tuple[str, ...]
    """Every option of the template that the help text must name."""
    environment: tuple[str, ...]
    """Variables of ours that it may see beyond the common ones: login, endpoint, own folders."""
    login_names: tuple[str, ...]
    """Variables of which one is enough for a login."""
    login_files: tuple[str, ...]
    """Files of which one is enough, relative to the home folder; never opened."""
    login_hint: str
    """What a person does to log in."""
    capabilities: Capabilities
    tier: Tier
    tier_note: str = ""
    """Why the tests go no further, one sentence; empty if only the live test is missing."""


def chosen_environment(
    program: Program, environment: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Return those variables that the program may see beyond the common ones.

    An allow-list: markers such as `CLAUDECODE`, which make an agent believe that it runs inside
    another one, and the secrets of everything else stay outside.
    """
    names = (*OUR_NAMES, *program.environment)
    return tuple((name, environment[name]) for name in names if name in environment)


def find(program: Program, environment: Mapping[str, str]) -> str:
    """Return the absolute path of the program.

    Raises:
        AgentUnusable: not installed.
    """
    path = shutil.which(program.command, path=environment.get("PATH", os.defpath))
    if path is None:
        raise AgentUnusable(f"{program.command} is not on PATH: install it, or name another agent")
    return str(Path(path).absolute())


def probe_program(program: Program, environment: Mapping[str, str]) -> Probe:
    """Ask the program for its version and options and look for signs of a login.

    Spends nothing: only `--version` and the help text are run, in an empty folder, with the
    basic variables, each under `PROBE_LIMIT_S`.
    """
    path = shutil.which(program.command, path=environment.get("PATH", os.defpath))
    version, problem = None, f"{program.command} is not on PATH"
    if path is not None:
        printed, problem = _print([path, "--version"], environment)
        version = found[0] if (found := _VERSION.search(printed)) else None
        if not problem and version is None:
            problem = f"{program.command} --version prints no version"
        if not problem:
            printed, problem = _print([path, *program.help_arguments], environment)
            missing = [each for each in program.options if not _names(printed, each)]
            if not problem and missing:
                problem = f"{program.command} {version} does not know {', '.join(missing)}"
        if not problem and not has_login_sign(program, environment):
            problem = f"no sign of a login: {program.login_hint}"
    return Probe(
        adapter=program.adapter,
        path=path,
        version=version,
        is_version_tested=version in program.tested,
        capabilities=program.capabilities,
        tier=program.tier,
        tier_note=program.tier_note,
        problem=problem,
    )


def has_login_sign(program: Program, environment: Mapping[str, str]) -> bool:
    """Tell whether a login is at all likely; agents without one tend to hang, not to fail.

    On macOS the login may be in the keychain, which we do not ask: there the answer is yes.
    """
    if any(environment.get(name) for name in program.login_names):
        return True
    home = environment.get("HOME")
    if home and any((Path(home) / each).is_file() for each in program.login_files):
        return True
    return platform.system() == "Darwin"


def _print(argv: Sequence[str], environment: Mapping[str, str]) -> tuple[str, str]:
    """Run a program that only prints; return what it printed and what went wrong."""
    shown = " ".join((Path(argv[0]).name, *argv[1:]))
    basic = {name: environment[name] for name in _BASIC_NAMES if name in environment}
    try:
        with tempfile.TemporaryDirectory(prefix="orchestrate-probe-") as folder:
            done = subprocess.run(  # noqa: S603 - a fixed vector, no shell
                argv,
                cwd=folder,
                env=basic | {"NO_COLOR": "1"},
                stdin=subprocess.DEVNULL,
                capture_output=True,
                timeout=PROBE_LIMIT_S,
                check=False,
            )
    except subprocess.TimeoutExpired:
        return "", f"{shown} did not answer within {PROBE_LIMIT_S:.0f} s"
    except OSError as e:
        return "", f"{shown} cannot be run: {e}"
    printed = (done.stdout + b"\n" + done.stderr).decode(errors="replace")
    return printed, "" if done.returncode == 0 else f"{shown} ended with code {done.returncode}"


def _names(printed: str, option: str) -> bool:
    """Tell whether a help text names an option, and not only a longer one."""
    return re.search(rf"(?<![\w-]){re.escape(option)}(?![\w-])", printed) is not None


def refuse_budget(program: Program, brief: Brief) -> None:
    """Refuse a budget in USD where nobody would know what was spent.

    Where the program says what it costs, the loop counts; Claude Code also stops by itself.

    Raises:
        AgentUnusable: the brief has one, and the program does not say what it costs.
    """
    if brief.budget_usd is not None and not program.capabilities.has_cost_usd:
        raise AgentUnusable(
            f"{program.command} does not say what it costs, so a budget in USD cannot be kept: "
            "remove budget_usd, or name another agent"
        )
