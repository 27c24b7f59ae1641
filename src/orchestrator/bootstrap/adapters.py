"""Which agent command lines there are for a project, and which of them cannot be used."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

from orchestrator.agents.adapters.catalogue import known_adapters
from orchestrator.agents.command_adapter import CommandAdapter
from orchestrator.bootstrap.inputs import SIDECAR, Reading
from orchestrator.document.sidecar import parse_acceptance
from orchestrator.domain.acceptance import Acceptance
from orchestrator.ports import Adapter
from orchestrator.store.files import read_bounded
from orchestrator.store.wall_clock import WallClock


def adapters_for(
    reading: Reading, extra: Mapping[str, Adapter] | None = None
) -> dict[str, Adapter]:
    """Return every adapter by name, wired so that its agent finds `orchestrate report`."""
    programs = str(Path(sys.executable).parent)
    environment = {
        "ORCH_INBOX": str(reading.settings.folder / "inbox"),
        "PATH": os.pathsep.join((programs, os.environ.get("PATH", os.defpath))),
    }
    return {
        CommandAdapter.name: CommandAdapter(reading.acceptance.agent_command, environment),
        **known_adapters(os.environ | environment, WallClock()),
        **(extra or {}),
    }


def adapters_here(root: Path) -> dict[str, Adapter]:
    """Return every adapter for people who ask what is there; no session document is needed."""
    acceptance = parse_acceptance(read_bounded(root / SIDECAR))
    return {
        CommandAdapter.name: CommandAdapter(acceptance.agent_command),
        **known_adapters(os.environ, WallClock()),
    }


def find_problems(reading: Reading, adapters: Mapping[str, Adapter]) -> dict[str, str]:
    """Return why adapters that a run may use cannot be used; empty for those that can.

    Runs the programs for their version and help text, which may take seconds each.
    """
    acceptance = reading.acceptance
    names = (
        acceptance.adapter or reading.settings.adapter,
        *(said.adapter for _, said in acceptance.batches if said.adapter),
    )
    return {
        name: _find_problem(adapters.get(name), name, adapters, acceptance)
        for name in dict.fromkeys(names)
    }


def _find_problem(
    adapter: Adapter | None, name: str, known: Mapping[str, Adapter], acceptance: Acceptance
) -> str:
    if adapter is None:
        return f"no adapter is called {name}: choose one of {', '.join(known)}"
    probe = adapter.probe()
    if acceptance.budget_usd is not None and not probe.capabilities.has_cost_usd:
        return f"budget_usd is set, and {name} does not say what it costs"
    return probe.problem
