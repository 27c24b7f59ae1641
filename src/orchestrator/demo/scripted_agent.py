"""An agent without a model: a separate program that does what a script says, and does it really.

Run as `python -m orchestrator.demo.scripted_agent` in a worktree. `DEMO_SCENARIO` names the
scenario, `ORCH_BATCH` and `ORCH_RUN` come from the orchestrator. How often it was launched for a
batch is counted in the project's folder, so that nothing can be launched twice unseen.
"""

import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from orchestrator.store.files import write_atomically
from orchestrator.store.outgoing_report import compose_report

ASSETS: Final = Path(__file__).parent / "assets"
Step = Mapping[str, Any]


def count_launch(project: Path, batch_id: str, attempt_id: str) -> int:
    """Note this launch and return its number, from 1."""
    path = project / ".orchestrator" / "launches" / f"{batch_id}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as file:
        file.write(f"{attempt_id}\n")
    return len(path.read_text(encoding="utf-8").splitlines())


def load_steps(scenario: str, batch_id: str, launch: int) -> list[Step]:
    """Return the steps of one launch: the scenario's own, or those of an honest agent."""
    work = tomllib.loads((ASSETS / "scripts" / f"{batch_id}.toml").read_text(encoding="utf-8"))
    play = tomllib.loads((ASSETS / "scenarios" / f"{scenario}.toml").read_text(encoding="utf-8"))
    chosen = play.get("launches", {}).get(batch_id, {}).get(str(launch), work["honest"])
    parts = work["parts"] | play.get("parts", {})
    return [step for name in chosen["steps"] for step in parts[name]]


class ScriptedAgent:
    """Performs steps; each key of a step is one of its methods."""

    def __init__(self, project: Path, batch_id: str, attempt_id: str) -> None:
        self._project = project
        self._batch_id = batch_id
        self._attempt_id = attempt_id

    def perform(self, step: Step) -> None:
        """Do one step."""
        match step:
            case {"write": path, "text": text}:
                self._write(path, text, is_added=False)
            case {"append": path, "text": text}:
                self._write(path, text, is_added=True)
            case {"block": text, "to": path}:
                self._write(
                    path, f"\n{text}", is_added=True, is_replaced=bool(step.get("is_replaced"))
                )
            case {"run": argv}:
                subprocess.run([self._fill(part) for part in argv], check=True)  # noqa: S603
            case {"spawn": argv}:
                subprocess.Popen(  # noqa: S603
                    [self._fill(part) for part in argv], start_new_session=True
                )
            case {"sleep_s": seconds}:
                time.sleep(seconds)
            case {"report": tasks}:
                self._report(tasks, step.get("files", ()))
            case {"emit": document}:
                print(json.dumps(document), flush=True)  # noqa: T201 - what an agent prints
            case {"complain": text}:
                print(text, file=sys.stderr, flush=True)  # noqa: T201
            case _:
                self._end(step)

    def _end(self, step: Step) -> None:
        """Do a step that has to do with the end of the process."""
        match step:
            case {"ignore_signals": _}:
                signal.signal(signal.SIGINT, signal.SIG_IGN)
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
            case {"kill_self": number}:
                os.kill(os.getpid(), number)
            case {"exit": code}:
                sys.exit(code)
            case _:
                raise ValueError(f"no such step: {dict(step)}")

    def _write(self, name: str, text: str, *, is_added: bool, is_replaced: bool = False) -> None:
        path = Path(self._fill(name))
        path.parent.mkdir(parents=True, exist_ok=True)
        content = self._fill(text).lstrip("\n") if not is_added else self._fill(text)
        if is_added and path.exists():
            content = path.read_text(encoding="utf-8") + content
        if is_replaced:
            write_atomically(path, content.encode())
        else:
            path.write_text(content, encoding="utf-8")

    def _report(self, tasks: list[str], files: list[str]) -> None:
        """Report as an agent does that knows the command."""
        compose_report(
            batch=self._batch_id,
            task=tuple(tasks),
            file=tuple(files),
            agent="scripted",
            minutes=12,
            central=Path("CLAUDE.md"),
        )

    def _fill(self, text: str) -> str:
        return (
            text.replace("{python}", sys.executable)
            .replace("{project}", str(self._project))
            .replace("{attempt}", self._attempt_id)
        )


def main() -> None:
    """Play the part of the agent in this worktree."""
    sys.stdin.read()  # the prompt: read to its end, as a real agent does
    project = Path(os.environ["DEMO_PROJECT"])
    batch_id, attempt_id = os.environ["ORCH_BATCH"], os.environ["ORCH_RUN"]
    launch = count_launch(project, batch_id, attempt_id)
    agent = ScriptedAgent(project, batch_id, attempt_id)
    for step in load_steps(os.environ["DEMO_SCENARIO"], batch_id, launch):
        agent.perform(step)


if __name__ == "__main__":
    main()
