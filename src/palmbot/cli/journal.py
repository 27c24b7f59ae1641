"""`palmbot journal`: verify, export, replay."""

import sys
from pathlib import Path
from string import hexdigits
from typing import Annotated

from cyclopts import Parameter

from palmbot.adapters import journal_reader
from palmbot.cli.output import EXIT_DONE, EXIT_REFUSED, print_json, stdout
from palmbot.core.engine import decide
from palmbot.core.state import initial_state
from palmbot.domain.errors import InputInvalid

AsJson = Annotated[bool, Parameter(name="--json", negative=())]

HASH_DIGITS = 64


def verify(file: Path, *, head: str | None = None, as_json: AsJson = False) -> int:
    """Follow the hash chain from the first step to the last.

    Steps cut off at the end leave a chain that is whole in itself. A running bot logs its
    `journal.head` every hour and when it stops: with such a head the loss shows.

    Example: `palmbot journal verify palmbot-demo/journal.sqlite`

    Args:
        file: The journal; also that of a running bot.
        head: Noted earlier, as SEQUENCE:HASH; must be part of the chain.
        as_json: Print one JSON document.
    """
    known_head = None if head is None else _parse_head(head)
    report = journal_reader.verify(file, known_head=known_head)
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


def _parse_head(text: str) -> tuple[int, str]:
    sequence, _, digest = text.partition(":")
    is_hash = len(digest) == HASH_DIGITS and set(digest.lower()) <= set(hexdigits)
    if not (sequence.isascii() and sequence.isdigit() and is_hash):
        raise InputInvalid(
            f"{text!r} is no head of a journal: write it as the log has it, the number of the "
            f"step, a colon and {HASH_DIGITS} hex digits"
        )
    return int(sequence), digest
