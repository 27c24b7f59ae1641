"""What every command says in the same way: exit codes, errors, JSON, progress."""

import sys
from typing import Any

import msgspec
from rich.console import Console
from rich.markup import escape

EXIT_DONE = 0
EXIT_REFUSED = 1
"""The answer is no: refused, a check failed, a claim refuted."""
EXIT_USAGE = 2
EXIT_FATAL = 3
"""A person has to look first: a process supervisor must not restart."""
EXIT_INTERRUPTED = 130

stderr = Console(stderr=True)
"""Progress, tables for people and errors."""

stdout = Console()
"""Results for people. JSON goes through `print_json`, which never wraps."""


def report_error(sentence: str) -> None:
    """Say what went wrong, on stderr."""
    stderr.print("[bold red]orchestrate:[/]", escape(sentence), highlight=False, soft_wrap=True)


def print_json(document: Any) -> None:  # noqa: ANN401 - whatever msgspec encodes
    """Print one JSON document to stdout, and nothing else."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode(document), indent=2).decode() + "\n")
