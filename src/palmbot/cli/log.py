"""How the log looks: for people on a terminal, as JSON lines elsewhere, on stderr."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import structlog


def set_up_log(level: int = logging.INFO) -> None:
    """Send log lines to stderr, each with a UTC time, a level and its facts."""
    renderer = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


@contextmanager
def quiet_log() -> Iterator[None]:
    """Keep the log from writing across a live view; errors still come through."""
    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )
    try:
        yield
    finally:
        structlog.reset_defaults()
