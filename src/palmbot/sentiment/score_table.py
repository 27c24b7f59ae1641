"""How well the rules read headlines that a person has labelled."""

import csv
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Final

from palmbot.domain.errors import InputInvalid
from palmbot.sentiment.scorer import score_headline

SEED_NAME: Final = "palm_headlines_seed.csv"
COLUMNS: Final = ("label", "category", "headline")
GATED: Final = frozenset({"stocks", "output", "exports", "demand", "policy", "fx"})
"""Groups in which a headline read backwards is a defect."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LabelledHeadline:
    """One headline and the direction of the price that a person expects of it."""

    label: int
    """1 bullish, -1 bearish, 0 neither."""
    category: str
    headline: str


@dataclass(frozen=True, slots=True, kw_only=True)
class GroupScore:
    """How the headlines of one group were read."""

    category: str
    count: int
    right: int
    silent: int
    """Neutral to the rules, though labelled bullish or bearish."""
    backwards: int
    """Read with the opposite sign."""
    is_gated: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ScoreTable:
    """All groups, in the order of the file, and the headlines that were read wrong."""

    groups: tuple[GroupScore, ...]
    wrong: tuple[tuple[LabelledHeadline, int], ...]
    """With the sign the rules gave."""

    @property
    def count(self) -> int:
        """Headlines."""
        return sum(each.count for each in self.groups)

    @property
    def right(self) -> int:
        """Headlines read right."""
        return sum(each.right for each in self.groups)

    @property
    def backwards(self) -> int:
        """Headlines read with the opposite sign."""
        return sum(each.backwards for each in self.groups)

    @property
    def is_sound(self) -> bool:
        """Tell whether no headline of a gated group is read backwards."""
        return not any(each.backwards for each in self.groups if each.is_gated)


def read_seed() -> list[LabelledHeadline]:
    """Return the headlines that the rules were built with."""
    text = (files("palmbot.sentiment") / SEED_NAME).read_text(encoding="utf-8")
    return parse_labelled(text, SEED_NAME)


def parse_labelled(text: str, where: str) -> list[LabelledHeadline]:
    """Read a CSV with the columns label, category and headline.

    Raises:
        InputInvalid: it is something else; the sentence names the line.
    """
    reader = csv.DictReader(text.splitlines())
    if list(reader.fieldnames or ()) != list(COLUMNS):
        raise InputInvalid(f"{where}: the first line must be {','.join(COLUMNS)}")
    rows = []
    for row in reader:
        if row["label"] not in {"-1", "0", "1"} or not row["headline"]:
            raise InputInvalid(
                f"{where}, line {reader.line_num}: the label is 1, 0 or -1, and a headline follows"
            )
        rows.append(
            LabelledHeadline(
                label=int(row["label"]), category=row["category"] or "", headline=row["headline"]
            )
        )
    if not rows:
        raise InputInvalid(f"{where} holds no headline")
    return rows


def is_labelled(path: Path) -> bool:
    """Tell whether a file begins like a labelled one."""
    try:
        with path.open(encoding="utf-8") as lines:
            return lines.readline().strip() == ",".join(COLUMNS)
    except (OSError, UnicodeDecodeError) as e:
        raise InputInvalid(f"{path} cannot be read ({e}): give a text file in UTF-8") from e


def tabulate(rows: Sequence[LabelledHeadline]) -> ScoreTable:
    """Score every headline and compare."""
    signs = [(each, score_headline(each.headline).sign) for each in rows]
    groups = []
    for category in dict.fromkeys(each.category for each in rows):
        mine = [(each.label, sign) for each, sign in signs if each.category == category]
        groups.append(
            GroupScore(
                category=category,
                count=len(mine),
                right=sum(label == sign for label, sign in mine),
                silent=sum(label != 0 and sign == 0 for label, sign in mine),
                backwards=sum(label * sign < 0 for label, sign in mine),
                is_gated=category in GATED,
            )
        )
    return ScoreTable(
        groups=tuple(groups),
        wrong=tuple((each, sign) for each, sign in signs if each.label != sign),
    )
