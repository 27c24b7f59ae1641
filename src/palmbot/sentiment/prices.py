"""What the providers charge, as published; configuration, since it changes."""

import math
from dataclasses import dataclass, fields
from typing import Any, ClassVar

TOKENS_PER_PRICE = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Prices:
    """US dollars, the pessimistic figure where published ones disagree.

    Raises:
        ValueError: a price is negative or no number.
    """

    __pydantic_config__: ClassVar[dict[str, Any]] = {"extra": "forbid"}
    """For `palmbot.toml`, where these are keys: one that is misspelt must not be ignored."""

    search_call: float = 0.005
    """`/search` of type web."""
    search_fast_call: float = 0.001
    agent_web_search_call: float = 0.005
    decider_input_per_mtok: float = 0.02
    decider_output_per_mtok: float = 0.0
    sonar_input_per_mtok: float = 1.0
    sonar_output_per_mtok: float = 1.0
    x_post_read: float = 0.005
    """Per post returned."""

    def __post_init__(self) -> None:
        for each in fields(self):
            price = getattr(self, each.name)
            if not (math.isfinite(price) and price >= 0):
                raise ValueError(f"the price {each.name} must be 0 or more, was {price}")
