"""The `palmbot` command: finds the command, turns errors into one sentence and an exit code."""

import sys
from collections.abc import Sequence

from cyclopts import App, CycloptsError

from palmbot.cli.operator import compare
from palmbot.cli.output import (
    EXIT_DONE,
    EXIT_FATAL,
    EXIT_INTERRUPTED,
    EXIT_REFUSED,
    EXIT_USAGE,
    report_error,
)
from palmbot.domain.errors import FatalError, PalmbotError

DEBUG_FLAG = "--debug"

app = App(
    name="palmbot",
    help=(
        "Trades one palm-oil CFD through the cTrader Open API, and proves what it did.\n\n"
        "Start with `palmbot demo`: the real bot against a built-in server, no account needed."
    ),
    help_epilogue="Add `--debug` to any command for a traceback instead of one sentence.",
    help_format="markdown",
)
# Named as strings, so that a live run never loads what only research needs.
for name, place in (
    ("demo", "palmbot.cli.demo:demo"),
    ("run", "palmbot.cli.run:run"),
    ("simulate", "palmbot.cli.simulate:simulate"),
    ("status", "palmbot.cli.status:status"),
    ("why", "palmbot.cli.why:why"),
    ("halt", "palmbot.cli.operator:halt"),
    ("resume", "palmbot.cli.operator:resume"),
):
    app.command(place, name=name)

reconcile = App(name="reconcile", help="Compare the books with the broker's, settle what is open.")
reconcile.default(compare)
reconcile.command("palmbot.cli.operator:ack", name="ack")
app.command(reconcile)

journal = App(name="journal", help="Check, print or replay the record of everything the bot did.")
for name in ("verify", "export", "replay"):
    journal.command(f"palmbot.cli.journal:{name}", name=name)
app.command(journal)


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
    except PalmbotError as e:
        if is_debug:
            raise
        report_error(str(e))
        return EXIT_FATAL if isinstance(e, FatalError) else EXIT_REFUSED
    except KeyboardInterrupt:
        report_error("interrupted")
        return EXIT_INTERRUPTED
    return code if isinstance(code, int) else EXIT_DONE


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run_command(sys.argv[1:]))
