"""`orchestrate agents`: the library of agent files, checked and written in other layouts."""

from pathlib import Path

import msgspec

from orchestrator.agents.exporting import Layout, export_library
from orchestrator.agents.library import read_library
from orchestrator.agents.linting import lint_library
from orchestrator.agents.shipped import SHIPPED_LIBRARY
from orchestrator.cli.output import EXIT_DONE, EXIT_REFUSED, Json, print_json, say, stdout
from orchestrator.domain.batches import Severity
from orchestrator.domain.errors import InputInvalid
from orchestrator.views.terminal import render_findings


def lint(
    folder: Path | None = None,
    /,
    *,
    json_: Json = False,
) -> int:
    """Check agent files: keys that fail silently, missing descriptions, names that differ.

    Example: `orchestrate agents lint .claude/agents`

    Args:
        folder: The library; agents_library here, else our own.
        json_: One JSON document on stdout.
    """
    agents = read_library([_folder(folder)])
    findings = lint_library(agents)
    if json_:
        print_json(
            {
                "agents": sorted(agents),
                "findings": [msgspec.to_builtins(each) for each in findings],
            }
        )
    else:
        say(f"{len(agents)} agents: {', '.join(sorted(agents))}")
        if findings:
            stdout.print(render_findings(findings))
    is_wrong = any(each.severity is Severity.ERROR for each in findings)
    return EXIT_REFUSED if is_wrong else EXIT_DONE


def export(
    out: Path,
    /,
    *,
    to: Layout = Layout.CLAUDE,
    folder: Path | None = None,
    json_: Json = False,
) -> int:
    """Write the agents in the layout of a command line.

    Example: `orchestrate agents export . --to claude`

    Args:
        out: Folder of the project to write into.
        to: Whose layout.
        folder: The library; agents_library here, else our own.
        json_: One JSON document on stdout.
    """
    written = export_library(read_library([_folder(folder)]).values(), to, out)
    if json_:
        print_json({"written": [str(path) for path in written]})
        return EXIT_DONE
    for path in written:
        say(str(path))
    return EXIT_DONE


def _folder(folder: Path | None) -> Path:
    """Return the library that is meant.

    Raises:
        InputInvalid: one was named that is no folder.
    """
    if folder is not None and not folder.is_dir():
        raise InputInvalid(f"{folder} is no folder: name the library of agent files")
    local = Path("agents_library")
    return folder or (local if local.is_dir() else SHIPPED_LIBRARY)
