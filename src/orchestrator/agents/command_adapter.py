"""Any command as an agent: its argument vector from the sidecar, judged by its exit code."""

import re
import shutil
import sys
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from orchestrator.domain.agents import (
    AgentEvent,
    AgentEventKind,
    Brief,
    Capabilities,
    Ending,
    Launch,
    Probe,
    Tier,
)
from orchestrator.domain.errors import AgentUnusable
from orchestrator.domain.verdicts import Execution

QUOTA_EXIT_CODE: Final = 75  # EX_TEMPFAIL of sysexits.h: try again later
_QUOTA: Final = re.compile(
    rb"rate.?limit|quota|usage limit|too many requests|\b429\b", re.IGNORECASE
)
_AUTH: Final = re.compile(
    rb"not logged in|unauthori[sz]ed|invalid api key|authentication", re.IGNORECASE
)


class CommandAdapter:
    """Implements `ports.Adapter` for a command line from the sidecar.

    Lines of output that are JSON objects may tell more: `{"type": "usage", "cost_usd": 0.1}`,
    `{"type": "final"}`, `{"type": "denied", "text": "Bash"}`; anything else is text.
    """

    name = "command"

    def __init__(self, argv: Sequence[str], environment: Mapping[str, str] | None = None) -> None:
        """Use an argument vector with `{prompt_file}` and the like, each within its own place."""
        self._argv = tuple(argv)
        self._environment = tuple((environment or {}).items())

    def probe(self) -> Probe:
        """Look for the program, without running it."""
        program = sys.executable if self._argv[:1] == ("{python}",) else self._argv[:1]
        path = shutil.which(program if isinstance(program, str) else (program or ("",))[0])
        return Probe(
            adapter=self.name,
            path=path,
            version=None,
            is_version_tested=True,
            capabilities=Capabilities(has_cost_usd=True),
            tier=Tier.CONTRACT,
            tier_note="the demonstration runs it from end to end with a scripted program",
            problem=""
            if path
            else "the program of agent_command is not on PATH"
            if self._argv
            else "acceptance.toml names no agent_command, and no other --adapter was chosen",
        )

    def build(self, brief: Brief) -> Launch:
        """Return the process to start; only whole placeholders are replaced, no shell is used.

        Raises:
            AgentUnusable: the sidecar names no command.
        """
        if not self._argv:
            raise AgentUnusable("acceptance.toml names no agent_command, so nothing can be started")
        values = {
            "{prompt_file}": brief.prompt_file,
            "{worktree}": brief.worktree,
            "{attempt_dir}": brief.attempt_dir,
            "{python}": sys.executable,
            "{batch}": brief.batch_id,
            "{attempt}": str(brief.attempt),
        }
        argv = tuple(_fill(part, values) for part in self._argv)
        return Launch(argv=argv, stdin_file=brief.prompt_file, environment=self._environment)

    def parse(self, line: bytes) -> AgentEvent | None:
        """Understand one line of standard output; None for what says nothing to us."""
        if not line.startswith(b"{"):
            return None
        try:
            said = msgspec.json.decode(line, type=dict[str, object])
        except (msgspec.DecodeError, UnicodeDecodeError):
            return None
        kind = said.get("type")
        if kind not in set(AgentEventKind):
            return None
        cost, text = said.get("cost_usd"), said.get("text")
        return AgentEvent(
            kind=AgentEventKind(str(kind)),
            text=text[:2_000] if isinstance(text, str) else "",
            cost_usd=float(cost) if isinstance(cost, int | float) else None,
            denied=(text[:200],) if kind == "denied" and isinstance(text, str) else (),
        )

    def classify(
        self, exit_code: int | None, events: Sequence[AgentEvent], stderr_tail: bytes
    ) -> Ending:
        """Judge by exit code and standard error."""
        costs = [each.cost_usd for each in events if each.cost_usd is not None]
        denied = tuple(name for each in events for name in each.denied)
        execution, detail = judge_exit(exit_code, stderr_tail)
        return Ending(
            execution=execution,
            detail=detail,
            exit_code=exit_code,
            cost_usd=sum(costs) if costs else None,
            denied=denied,
        )


def judge_exit(exit_code: int | None, stderr_tail: bytes) -> tuple[Execution, str]:
    """Return what an exit code and the end of standard error say."""
    last = stderr_tail.strip().splitlines()[-1:] or [b""]
    said = last[0].decode(errors="replace")[:200]
    if exit_code == 0:
        return Execution.OK, "ended by itself"
    if exit_code == QUOTA_EXIT_CODE or _QUOTA.search(stderr_tail):
        return Execution.QUOTA, said or "quota reached"
    if _AUTH.search(stderr_tail):
        return Execution.AUTH, f"the agent is not logged in: {said}"
    if exit_code is not None and exit_code < 0:
        return Execution.CRASHED, f"ended by signal {-exit_code}"
    return Execution.CRASHED, f"ended with code {exit_code}" + (f": {said}" if said else "")


def _fill(part: str, values: Mapping[str, str]) -> str:
    """Replace placeholders once; what a value holds is not looked at again."""
    pattern = re.compile("|".join(re.escape(name) for name in values))
    return pattern.sub(lambda match: values[match[0]], part)
