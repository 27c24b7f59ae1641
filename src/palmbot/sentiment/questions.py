"""What is asked: a symbol and a query, and the key under which the answer is kept."""

import hashlib
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from palmbot.sentiment.headlines import normalise

ANSWER_SCHEMA: Final = 1
"""Changes when a score means something else than before, so that no old one is taken for it."""

QUERY_CHARACTERS_MAX: Final = 400


class Key(NamedTuple):
    """Of one entry in the cache."""

    symbol: str
    """In capitals."""
    query_hash: str
    schema: int

    def __str__(self) -> str:
        return f"{self.symbol}/{self.query_hash[:12]}/{self.schema}"


@dataclass(frozen=True, slots=True)
class Question:
    """One thing to know the mood about."""

    symbol: str
    query: str
    """For a search engine; case and spacing do not matter."""
    key: Key = field(init=False)

    def __post_init__(self) -> None:
        if not self.symbol.strip() or not self.query.strip():
            raise ValueError("a question needs a symbol and a query")
        if len(self.query) > QUERY_CHARACTERS_MAX:
            raise ValueError(f"a query has at most {QUERY_CHARACTERS_MAX} characters")
        digest = hashlib.sha256(normalise(self.query).encode()).hexdigest()
        key = Key(self.symbol.strip().upper(), digest, ANSWER_SCHEMA)
        object.__setattr__(self, "key", key)
