"""The `orchestrate` command: finds the command, turns errors into one sentence and an exit code."""

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from orchestrator.cli.output import (
    EXIT_DONE,
    EXIT_FATAL,
    EXIT_INTERRUPTED,
    EXIT_REFUSED,
    EXIT_USAGE,
    report_error,
)
from orchestrator.domain.errors import FatalError, OrchestratorError

DEBUG_FLAG = "--debug"

app = App(
    name="orchestrate",
    help=(
        "Hands the batches of a session document to coding agents, and checks what they claim.\n\n"
        "Start with `orchestrate demo`: the normal loop with a scripted agent, no model needed."
    ),
    help_epilogue="Add `--debug` to any command for a traceback instead of one sentence.",
    help_format="markdown",
)
for name, place in (
    ("demo", "orchestrator.cli.demo:demo"),
    ("lint", "orchestrator.cli.reading:lint"),
    ("audit", "orchestrator.cli.audit:audit"),
    ("run", "orchestrator.cli.run:run"),
    ("status", "orchestrator.cli.status:status"),
    ("why", "orchestrator.cli.status:why"),
    ("report", "orchestrator.cli.report:report"),
    ("replay", "orchestrator.cli.status:replay"),
    ("approve", "orchestrator.cli.operator:approve"),
    ("pause", "orchestrator.cli.operator:pause"),
    ("resume", "orchestrator.cli.operator:resume"),
    ("cancel", "orchestrator.cli.operator:cancel"),
    ("cleanup", "orchestrator.cli.operator:cleanup"),
    ("adapters", "orchestrator.cli.adapters:adapters"),
):
    app.command(place, name=name)

agents = App(name="agents", help="Look at the library of agents, or write it for a command line.")
agents.command("orchestrator.cli.agents:lint", name="lint")
agents.command("orchestrator.cli.agents:export", name="export")
app.command(agents)


def run_command(tokens: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    is_debug = DEBUG_FLAG in tokens
    try:
        code = app(
            [token for token in tokens if token != DEBUG_FLAG],
            exit_on_error=False,
            result_action="return_value",
        )
    except CycloptsError:
        return EXIT_USAGE  # cyclopts has already said what is wrong
    except OrchestratorError as e:
        if is_debug:
            raise
        report_error(str(e))
        return EXIT_FATAL if isinstance(e, FatalError) else EXIT_REFUSED
    except KeyboardInterrupt:
        report_error("interrupted; agents at work go on, `orchestrate run` takes them up again")
        return EXIT_INTERRUPTED
    return code if isinstance(code, int) else EXIT_DONE


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run_command(sys.argv[1:]))


if __name__ == "__main__":
    main()
