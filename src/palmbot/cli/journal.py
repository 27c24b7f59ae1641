"""`palmbot journal`: verify, export, replay."""

import sys
from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

from palmbot.adapters import journal_reader
from palmbot.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, stdout
from palmbot.core.engine import decide
from palmbot.core.state import initial_state

AsJson = Annotated[bool, Parameter(name="--json", negative=())]


def verify(file: Path, *, as_json: AsJson = False) -> int:
    """Follow the hash chain from the first step to the last.

    Example: `palmbot journal verify palmbot-demo/journal.sqlite`

    Args:
        file: The journal; also that of a running bot.
        as_json: Print one JSON document.
    """
    report = journal_reader.verify(file)
    if as_json:
        print_json(report)
    elif report.is_verified:
        stdout.print(
            f"verified: {report.rows} steps, head {report.head_sequence} {report.head_hash}",
            soft_wrap=True,
        )
    else:
        stdout.print(f"NOT verified: {report.problem}", soft_wrap=True)
    return EXIT_DONE if report.is_verified else EXIT_REFUSED


def export(file: Path) -> int:
    """Print every step as one JSON document a line, oldest first.

    Example: `palmbot journal export palmbot-demo/journal.sqlite | head`

    Args:
        file: The journal; also that of a running bot.
    """
    for line in journal_reader.export(file):
        sys.stdout.write(line + "\n")
    return EXIT_DONE


def replay(file: Path, *, as_json: AsJson = False) -> int:
    """Feed the recorded events to the bot's decisions and compare every command.

    Example: `palmbot journal replay palmbot-demo/journal.sqlite`

    Args:
        file: The journal; also that of a running bot.
        as_json: Print one JSON document.
    """
    report = journal_reader.replay(file, decide=decide, initial_state=initial_state)
    if as_json:
        print_json(report)
    elif report.is_identical:
        stdout.print(f"identical: {report.steps} steps gave the same {report.commands} commands")
    else:
        stdout.print(f"DIFFERENT: {report.first_difference}", soft_wrap=True)
    return EXIT_DONE if report.is_identical else EXIT_REFUSED
