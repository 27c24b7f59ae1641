"""Reads one line of an agent's JSON output without ever raising."""

from collections.abc import Mapping
from typing import Final, TypeAlias

import msgspec

Fields: TypeAlias = Mapping[str, object]

TEXT_CHARACTERS_MAX: Final = 2_000
"""Of what we keep of one line; the whole output stays in the attempt's folder."""
_NOTHING: Final[Fields] = {}


def read_fields(line: bytes) -> Fields | None:
    """Return a line as a JSON object; None for anything else, truncated or not UTF-8 included."""
    if not line.lstrip().startswith(b"{"):
        return None
    try:
        return msgspec.json.decode(line, type=dict[str, object])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def inner(fields: Fields, key: str) -> Fields:
    """Return an object inside an object; the empty one if there is none."""
    value = fields.get(key)
    return value if isinstance(value, dict) else _NOTHING


def items(fields: Fields, key: str) -> tuple[Fields, ...]:
    """Return the objects of a list inside an object."""
    value = fields.get(key)
    found = value if isinstance(value, list) else []
    return tuple(each for each in found if isinstance(each, dict))


def text(fields: Fields, key: str) -> str:
    """Return a text, cut to `TEXT_CHARACTERS_MAX`; empty if there is none."""
    value = fields.get(key)
    return value[:TEXT_CHARACTERS_MAX] if isinstance(value, str) else ""


def number(fields: Fields, key: str) -> float | None:
    """Return a number at least 0; None if there is none."""
    value = fields.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not value >= 0:
        return None
    return float(value)


def total(fields: Fields, *keys: str) -> int | None:
    """Return the sum of those counts that are there; None if none is."""
    found = [value for key in keys if (value := number(fields, key)) is not None]
    return int(sum(found)) if found else None
