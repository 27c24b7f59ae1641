"""`orchestrate adapters`: which agent command lines are here, and how far each was tested."""

from pathlib import Path

import msgspec
from rich.markup import escape
from rich.table import Table

from orchestrator.bootstrap.adapters import adapters_here
from orchestrator.cli.output import EXIT_DONE, Json, print_json, stdout
from orchestrator.cli.places import find_project


def adapters(
    *,
    root: Path | None = None,
    json_: Json = False,
) -> int:
    """List the agent command lines: installed or not, version, abilities, tier of tests.

    T0: against a fake that refuses unknown options; T1: the real program with a scripted model;
    T2: live.

    Example: `orchestrate adapters --json`

    Args:
        root: The project, for its `agent_command`.
        json_: One JSON document on stdout.
    """
    probes = [each.probe() for each in adapters_here(find_project(root)).values()]
    if json_:
        print_json({"adapters": [msgspec.to_builtins(each) for each in probes]})
        return EXIT_DONE
    table = Table(
        caption="T0: against a fake that refuses unknown options. T1: the real program with a "
        "scripted model on loopback. T2: live; no adapter was.",
        caption_justify="left",
    )
    for name in ("adapter", "found", "version", "tested", "can", "problem"):
        table.add_column(name, overflow="fold")
    for each in probes:
        abilities = msgspec.to_builtins(each.capabilities)
        can = ", ".join(
            key.removeprefix("has_").removeprefix("can_") for key, v in abilities.items() if v
        )
        tested = f"{each.tier.value}: {each.tier_note}" if each.tier_note else each.tier.value
        version = each.version or "-"
        if each.version and not each.is_version_tested:
            version += " (another was tested)"
        table.add_row(
            each.adapter, each.path or "-", version, tested, can, escape(each.problem or "ready")
        )
    stdout.print(table)
    return EXIT_DONE
