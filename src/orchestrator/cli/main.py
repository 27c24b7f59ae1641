"""The `orchestrate` command: finds the command, turns errors into one sentence and an exit code."""

import os
import sys
from collections.abc import Sequence
from typing import Final

from cyclopts import App, CycloptsError

from orchestrator.cli.output import (
    EXIT_DONE,
    EXIT_FATAL,
    EXIT_INTERRUPTED,
    EXIT_REFUSED,
    EXIT_USAGE,
    report_error,
)
from orchestrator.domain.errors import FatalError, OrchestratorError, UsageInvalid

DEBUG_FLAG: Final = "--debug"

COMMANDS: Final = (
    ("demo", "demo:demo", "Watch a run with a scripted agent: no model, no network."),
    ("lint", "lint:lint", "Say what is wrong with a session document."),
    ("audit", "audit:audit", "Measure the success table; hand out nothing."),
    ("run", "run:run", "Hand out the batches and check every claim."),
    ("status", "status:status", "Show how the run stands."),
    ("why", "status:why", "Explain a batch: each transition and its evidence."),
    ("report", "report:report", "Report a batch; used by agents."),
    ("replay", "status:replay", "Rebuild state and documents from the log, and compare."),
    ("approve", "operator:approve", "Approve a batch."),
    ("pause", "operator:pause", "Hand out nothing more."),
    ("resume", "operator:resume", "Hand out again."),
    ("cancel", "operator:cancel", "Cancel one batch, or all."),
    ("cleanup", "operator:cleanup", "Remove the worktrees of finished batches."),
    ("adapters", "adapters:adapters", "List the agent command lines and how they were tested."),
)
"""Name, place under this package, and the line for the list of commands."""

AGENT_COMMANDS: Final = (
    ("lint", "Check agent files for keys that fail silently."),
    ("export", "Write the agents in the layout of a command line."),
)


def make_app(*, is_list: bool) -> App:
    """Return the command line.

    Args:
        is_list: Give every command its one line, for the list of commands; otherwise each
            shows the whole docstring of its function, which has to be loaded for that.
    """
    app = App(
        name="orchestrate",
        help=(
            "Hands the batches of a session document to coding agents, checks what they claim.\n\n"
            "Start with `orchestrate demo`: the normal loop with a scripted agent."
        ),
        help_epilogue="Add `--debug` to any command for a traceback instead of one sentence.",
        help_format="markdown",
    )
    for name, place, line in COMMANDS:
        app.command(f"orchestrator.cli.{place}", name=name, help=line if is_list else None)
    agents = App(name="agents", help="Check the library of agents, or write it for others.")
    for name, line in AGENT_COMMANDS:
        place = f"orchestrator.cli.agents:{name}"
        agents.command(place, name=name, help=line if is_list else None)
    app.command(agents)
    return app


def run_command(tokens: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    is_debug = DEBUG_FLAG in tokens
    is_list = all(token.startswith("-") for token in tokens) or tokens[0] == "agents"
    try:
        code = make_app(is_list=is_list)(
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
        return _exit_code(e)
    except BrokenPipeError:
        # Whoever read our output has left (`| head`); what it did not read is thrown away.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return EXIT_DONE
    except OSError as e:
        if is_debug:
            raise
        report_error(f"{e.filename or 'the system'}: {e.strerror or e}")
        return EXIT_REFUSED
    except KeyboardInterrupt:
        report_error("interrupted; agents at work go on, `orchestrate run` takes them up again")
        return EXIT_INTERRUPTED
    return code if isinstance(code, int) else EXIT_DONE


def _exit_code(error: OrchestratorError) -> int:
    """Return what a process supervisor has to know of an error."""
    if isinstance(error, FatalError):
        return EXIT_FATAL
    return EXIT_USAGE if isinstance(error, UsageInvalid) else EXIT_REFUSED


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run_command(sys.argv[1:]))


if __name__ == "__main__":
    main()
