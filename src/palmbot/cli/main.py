"""The `palmbot` command: finds the command, turns errors into one sentence and an exit code."""

import sys
import traceback
from collections.abc import Sequence
from importlib.metadata import version

from cyclopts import App, CycloptsError

from palmbot.cli.breakers import show
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
RESEARCH_MODULES = frozenset({"distributed", "numba", "numpy", "plotly", "polars"})
"""What only the extra `research` brings; the bot trades without it."""

COMMANDS = (
    ("demo", "palmbot.cli.demo:demo", "Trade a simulated month in a minute, with a report."),
    ("run", "palmbot.cli.run:run", "Trade on the account of `.env`, or against the simulator."),
    ("watch", "palmbot.cli.run:watch", "Look after the stops of a bot, from another process."),
    ("simulate", "palmbot.cli.simulate:simulate", "Serve the built-in broker on this machine."),
    ("doctor", "palmbot.cli.doctor:doctor", "Look for what would keep the bot from trading."),
    ("accounts", "palmbot.cli.accounts:accounts", "List the accounts that the token opens."),
    ("symbols", "palmbot.cli.symbols:symbols", "List what the broker trades, by exact name."),
    ("history", "palmbot.cli.history:history", "Fetch the broker's bars into a Parquet file."),
    ("backtest", "palmbot.cli.backtest:backtest", "Replay a file of bars through the bot."),
    ("optimize", "palmbot.cli.optimize:optimize", "Search a grid on a price file; more than luck?"),
    ("backup", "palmbot.cli.backup:backup", "Write journal and settings into one file."),
    ("restore", "palmbot.cli.backup:restore", "Put a backup back; the bot then starts halted."),
    ("status", "palmbot.cli.status:status", "Show how the bot stands."),
    ("why", "palmbot.cli.why:why", "Explain why an order was, or was not, sent."),
    ("login", "palmbot.cli.login:login", "Log in at cTrader and choose the account."),
    (
        "tls-check",
        "palmbot.cli.tls_check:tls_check",
        "Look at the certificates of the broker's servers.",
    ),
    ("halt", "palmbot.cli.operator:halt", "Stop entries."),
    ("resume", "palmbot.cli.operator:resume", "Allow entries again."),
)
"""Named as strings, so that a live run never loads what only research needs."""

JOURNAL_COMMANDS = (
    ("verify", "Follow the hash chain from the first step to the last."),
    ("export", "Print every step as one JSON document a line."),
    ("replay", "Decide every recorded event again and compare the commands."),
)

SENTIMENT_COMMANDS = (
    ("probe", "Ask every source that is set up once; show status, shape and cost."),
    ("score", "Score a headline, or a file of them, by the offline rules."),
    ("stats", "Show hit rate, failures and cost."),
    ("report", "Compare the same bars with and without recorded sentiment."),
)


def make_app(*, is_list: bool) -> App:
    """Return the command line.

    Args:
        is_list: Give every command its one line, for the list of commands; otherwise each
            shows the whole docstring of its function, which has to be loaded for that.
    """
    app = App(
        name="palmbot",
        help=(
            "Trades one palm-oil CFD through the cTrader Open API, and proves what it did.\n\n"
            "Start with `palmbot demo`: the real bot against a built-in server, no account needed."
        ),
        help_epilogue="Add `--debug` to any command for a traceback before the one sentence.",
        help_format="markdown",
        version=lambda: version("palm-oil-bot"),
    )
    for name, place, line in COMMANDS:
        app.command(place, name=name, help=line if is_list else None)
    token = App(name="token", help="Tell how old the tokens of the login are.")
    token.command("palmbot.cli.login:token_status", name="status")
    app.command(token)
    live = App(name="live", help="The locks between this program and real money.")
    for name in ("arm", "disarm", "status"):
        live.command(f"palmbot.cli.live:{name}", name=name)
    app.command(live)
    reconcile = App(
        name="reconcile", help="Compare the books with the broker's, settle what is open."
    )
    reconcile.default(compare)
    reconcile.command("palmbot.cli.operator:ack", name="ack")
    app.command(reconcile)
    breakers = App(name="breakers", help="Show the circuit breakers, and reset one by hand.")
    breakers.default(show)
    breakers.command("palmbot.cli.breakers:reset", name="reset")
    app.command(breakers)
    data = App(name="data", help="Look at price files before a result rests on them.")
    data.command("palmbot.cli.data:check", name="check")
    app.command(data)
    alerts = App(name="alerts", help="Alarms that reach a person who is not looking.")
    alerts.command("palmbot.cli.alerts:try_out", name="test")
    app.command(alerts)
    journal = App(
        name="journal", help="Check, print or replay the record of everything the bot did."
    )
    for name, line in JOURNAL_COMMANDS:
        place = f"palmbot.cli.journal:{name}"
        journal.command(place, name=name, help=line if is_list else None)
    app.command(journal)
    sentiment = App(name="sentiment", help="Look at the market's mood, its sources and its worth.")
    for name, line in SENTIMENT_COMMANDS:
        # The report needs the research tools, the others do not.
        module = "sentiment_report" if name == "report" else "sentiment"
        place = f"palmbot.cli.{module}:{name}"
        sentiment.command(place, name=name, help=line if is_list else None)
    app.command(sentiment)
    return app


def run_command(tokens: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    is_debug = DEBUG_FLAG in tokens
    words = [token for token in tokens if token != DEBUG_FLAG]
    # A list of commands is shown where no command is named: `palmbot`, `palmbot journal --help`.
    names = [word for word in words if not word.startswith("-")]
    try:
        code = make_app(is_list=not names or names in (["journal"], ["sentiment"]))(
            words,
            exit_on_error=False,
            result_action="return_value",
        )
    except CycloptsError:
        return EXIT_USAGE  # cyclopts has already said what is wrong
    except PalmbotError as e:
        if is_debug:
            traceback.print_exc()
        report_error(str(e))
        return EXIT_FATAL if isinstance(e, FatalError) else EXIT_REFUSED
    except ImportError as e:
        missing = find_missing_tool(e)
        if is_debug or missing is None:
            raise
        report_error(
            f"this command needs {missing}, a tool of research that is not installed: run "
            "`pip install --require-hashes -r requirements/research.txt`"
        )
        return EXIT_REFUSED
    except KeyboardInterrupt:
        report_error("interrupted")
        return EXIT_INTERRUPTED
    return code if isinstance(code, int) else EXIT_DONE


def find_missing_tool(error: BaseException | None) -> str | None:
    """Return the tool of research whose absence is behind an error; None if it is another one."""
    while error is not None:
        if isinstance(error, ModuleNotFoundError) and error.name:
            package = error.name.partition(".")[0]
            return package if package in RESEARCH_MODULES else None
        error = error.__cause__
    return None


def main() -> None:
    """Run the command line of this process."""
    sys.exit(run_command(sys.argv[1:]))
