"""What every command says in the same way: exit codes, errors, JSON, files for people."""

import sys
from pathlib import Path
from typing import Annotated, Any, TypeAlias

import msgspec
from cyclopts import Parameter
from rich.console import Console
from rich.markup import escape

from orchestrator.domain.errors import InputInvalid
from orchestrator.store.files import write_atomically

EXIT_DONE = 0
EXIT_REFUSED = 1
"""The answer is no: refused, a check failed, a claim refuted."""
EXIT_USAGE = 2
EXIT_FATAL = 3
"""A person has to look first: a process supervisor must not restart."""
EXIT_INTERRUPTED = 130

Json: TypeAlias = Annotated[bool, Parameter(name="--json", negative="")]
"""One JSON document on stdout and nothing else there."""
Flag: TypeAlias = Annotated[bool, Parameter(negative="")]
"""A switch that is off unless named."""

stderr = Console(stderr=True)
"""Progress, tables for people and errors."""

stdout = Console()
"""Results for people. JSON goes through `print_json`, which never wraps."""


def report_error(sentence: str) -> None:
    """Say what went wrong, on stderr."""
    stderr.print("[bold red]orchestrate:[/]", escape(sentence), highlight=False, soft_wrap=True)


def say(sentence: str) -> None:
    """Print one line of a result as it is: no markup, no colours of numbers, no wrapping."""
    stdout.print(sentence, highlight=False, markup=False, soft_wrap=True)


def print_json(document: Any) -> None:  # noqa: ANN401 - whatever msgspec encodes
    """Print one JSON document to stdout, and nothing else."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")


def write_file(path: Path, content: bytes) -> None:
    """Write a file that a person asked for, all of it or nothing.

    Raises:
        InputInvalid: it cannot be written there.
    """
    try:
        write_atomically(path, content)
    except OSError as e:
        raise InputInvalid(f"{path} cannot be written: {e.strerror}") from e
