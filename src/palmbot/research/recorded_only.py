"""A backtest never asks the outside: what it is told about the past must have been known then.

A model that is asked today about the headlines of last year already knows how the year ended.
"""

import inspect

from palmbot.domain.errors import FatalError
from palmbot.ports import SentimentSource


class LiveSourceInBacktest(FatalError):
    """Somebody wired a source that asks the outside into a backtest."""


def require_recorded(mood: object) -> None:
    """Let pass only what looks a moment up, such as `Recording.known_at`.

    Raises:
        LiveSourceInBacktest: it is a live source, or a method of one, or has to be awaited.
    """
    owner = getattr(mood, "__self__", mood)
    is_live = isinstance(owner, SentimentSource) or hasattr(owner, "fetch")
    if is_live or inspect.iscoroutinefunction(mood):
        raise LiveSourceInBacktest(
            f"a backtest was given {type(owner).__name__}, which asks the outside; give it a "
            "recording, or no sentiment"
        )
