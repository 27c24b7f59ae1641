"""Amp: `amp --execute`, prompt by standard input, the stream of JSON lines of Claude Code.

Amp's own server calls the model and drives the program over a protocol of its own, so no scripted
model can stand in: the real program was asked for its options, and was refused a login, no more.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import msgspec

from orchestrator.agents.adapters import conversations, programs
from orchestrator.agents.adapters.claude_stream import parse_claude_line
from orchestrator.agents.adapters.endings import judge_stream
from orchestrator.domain.agents import (
    AgentEvent,
    Brief,
    Capabilities,
    Ending,
    Launch,
    Probe,
    Tier,
)
from orchestrator.domain.errors import AgentUnusable
from orchestrator.ports import Clock

SETTINGS: Final = {
    "amp.dangerouslyAllowAll": False,
    "amp.git.commit.ampThread.enabled": False,
    "amp.git.commit.coauthor.enabled": False,
    "amp.notifications.enabled": False,
    "amp.updates.mode": "disabled",
}
PROGRAM: Final = programs.Program(
    adapter="amp",
    command="amp",
    tested=("0.0.1790142911-g7618fb",),
    help_arguments=("--help",),
    options=("--execute", "--stream-json", "--settings-file", "--no-ide", "--no-notifications"),
    environment=("AMP_API_KEY", "AMP_URL"),
    login_names=("AMP_API_KEY",),
    login_files=(".local/share/amp/secrets.json",),
    login_hint="run amp login, or set AMP_API_KEY",
    capabilities=Capabilities(has_tokens=True, can_resume=True),
    tier=Tier.CONTRACT,
    tier_note="the real program answers for its options and a refused login; its model is called "
    "by Amp's own server, which a scripted model cannot stand in for",
)


class AmpAdapter:
    """Implements `ports.Adapter` for Amp."""

    name = PROGRAM.adapter

    def __init__(self, environment: Mapping[str, str], clock: Clock) -> None:
        """Use our environment to choose from and a clock for quotas."""
        self._environment = environment
        self._clock = clock

    def probe(self) -> Probe:
        """Look for the program, its version, its options and a login, without spending anything."""
        return programs.probe_program(PROGRAM, self._environment)

    def build(self, brief: Brief) -> Launch:
        """Return the process to start; writes its settings into the attempt's folder.

        Settings of ours, so that a person's own `dangerouslyAllowAll` does not reach an agent
        that nobody watches.

        Raises:
            AgentUnusable: not installed, a budget in USD, a conversation no agent named, or the
                settings cannot be written.
        """
        programs.refuse_budget(PROGRAM, brief)
        resumed = conversations.resumed(brief)
        program = programs.find(PROGRAM, self._environment)
        settings = Path(brief.attempt_dir) / "amp_settings.json"
        try:
            settings.parent.mkdir(parents=True, exist_ok=True)
            settings.write_bytes(msgspec.json.encode(SETTINGS))
        except OSError as e:
            raise AgentUnusable(f"the settings for amp cannot be written: {e}") from e
        argv = (
            program,
            *(("threads", "continue", resumed) if resumed is not None else ()),
            "--execute",
            "--stream-json",
            "--settings-file",
            str(settings),
            "--no-ide",
            "--no-notifications",
        )
        return Launch(
            argv=argv,
            stdin_file=brief.prompt_file,
            environment=programs.chosen_environment(PROGRAM, self._environment),
        )

    def parse(self, line: bytes) -> AgentEvent | None:
        """Understand one line of standard output; None for what says nothing to us."""
        return parse_claude_line(line)

    def classify(
        self, exit_code: int | None, events: Sequence[AgentEvent], stderr_tail: bytes
    ) -> Ending:
        """Judge how a process ended that nobody stopped. Never judges the work."""
        return judge_stream(exit_code, events, stderr_tail, self._clock.now_ms())
