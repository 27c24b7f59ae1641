"""Headlines as they come in from strangers: cleaned, dated, and judged by their source.

Whoever writes a headline would like to write the score as well. Texts that read like orders to a
machine instead of news are dropped before anything scores them, by rule or by model.
"""

import hashlib
import re
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final
from urllib.parse import urlsplit

from palmbot.domain.mood import Evidence
from palmbot.domain.units import MS_PER_DAY, MS_PER_MINUTE, MS_PER_SECOND, TimestampMs

TITLE_CHARACTERS_MAX: Final = 200
HASH_DIGITS: Final = 16
FUTURE_MS_MAX: Final = 60 * MS_PER_MINUTE
"""A date further ahead than clocks differ is made up."""

WEEKEND_MS: Final = 3 * MS_PER_DAY
FRIDAY: Final = 4
SUNDAY: Final = 6
MONDAY: Final = 0
FRIDAY_CLOSE_HOUR: Final = 22

_INSTRUCTION: Final = re.compile(
    r"\b(?:ignor|disregard|forget|overrid|bypass)\w*\b.{0,40}"
    r"\b(?:previous|prior|above|earlier|all|any|your|instruction|rule|prompt|guideline)"
    r"|\b(?:system|developer|assistant|user|admin)\s*(?:prompt|message|note|:|>|\])"
    r"|\b(?:instruction|prompt|jailbreak|json|schema|xml|html|script|function|api)s?\b"
    r"|\b(?:you are|you must|you will|act as|pretend|respond with|reply with|answer with|"
    r"output only|print only|return only|end of (?:headline|news|data|input))\b"
    r"|\b(?:sentiment|score|confidence|probabilit|rating|classif|label)\w*\b.{0,30}"
    r"(?:\b(?:to|is|as|of|must|should|at)\b|[=:])"
    r"|\b(?:set|give|assign|return|output|report|mark|rate|classify|label|score)\b.{0,30}"
    r"\b(?:sentiment|score|confidence|probabilit|rating|strong_?(?:bull|bear)|bullish|bearish)"
    r"|strong_?bull|strong_?bear|no_evidence|evidence_count"
    r"|[{}<>`|\\]|\[\w+\]|\[/|##|&lt;|&#|%7b|-{3,}|={3,}|\$\("
    r"|[-+]?\b100\b\s*/\s*100|[+-]100\b",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Headline:
    """One title, cleaned, with where and when it was published."""

    title: str
    domain: str
    """Host name of the publisher, lower case, without `www.`."""
    reference: str
    dated_at: TimestampMs | None

    def to_evidence(self) -> Evidence:
        """Return what is kept of it: no text."""
        return Evidence(
            domain=self.domain,
            reference=self.reference,
            title_hash=hash_text(self.title),
            dated_at=self.dated_at,
        )


def clean_title(text: str) -> str:
    """Return one line of visible characters, at most `TITLE_CHARACTERS_MAX` of them."""
    plain = unicodedata.normalize("NFKC", text[: 4 * TITLE_CHARACTERS_MAX])
    # Control characters become blanks, invisible ones (category Cf) nothing.
    visible = "".join(
        " " if unicodedata.category(each) in {"Cc", "Zl", "Zp"} else each
        for each in plain
        if unicodedata.category(each) not in {"Cf", "Co", "Cs"}
    )
    return " ".join(visible.split())[:TITLE_CHARACTERS_MAX]


def is_instruction(title: str) -> bool:
    """Tell whether a cleaned title talks to a machine rather than to readers of news."""
    text = title.lower()
    if _INSTRUCTION.search(text) is not None:
        return True
    # Letters set apart, or swapped for digits and look-alikes, hide words from a pattern.
    if _INSTRUCTION.search(_unspace(text)) is not None:
        return True
    return any(not each.isascii() and each.isalpha() for each in text) and not _is_latin(text)


def _unspace(text: str) -> str:
    """Join letters that stand one by one (`i g n o r e`), and read digits as letters."""
    joined = re.sub(r"\b(\w)[\s._*-](?=\w\b)", r"\1", text)
    return joined.translate(str.maketrans("01345@$", "oieasas"))


def _is_latin(text: str) -> bool:
    return all(
        each.isascii() or not each.isalpha() or unicodedata.name(each, "").startswith("LATIN")
        for each in text
    )


def read_domain(url: str) -> str:
    """Return the host of an address in lower case without `www.`; empty if there is none."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return ""
    return host.lower().removeprefix("www.").rstrip(".")


def is_allowed(domain: str, allowed: Iterable[str]) -> bool:
    """Tell whether a host is on the list, or below an entry of it."""
    return bool(domain) and any(domain == each or domain.endswith(f".{each}") for each in allowed)


def read_date(text: object, now: TimestampMs) -> TimestampMs | None:
    """Return the moment in a date of ISO 8601 or RFC 5322; None if it is none, or lies ahead.

    A day without a time counts as its end, but never later than now.
    """
    if not isinstance(text, str) or not text.strip():
        return None
    moment = _parse_date(text.strip())
    if moment is None:
        return None
    try:
        time = round(moment.timestamp() * MS_PER_SECOND)
    except (OverflowError, ValueError):
        return None
    if len(text.strip()) <= len("2026-11-25"):
        time += MS_PER_DAY - 1
        return TimestampMs(min(time, now)) if time - MS_PER_DAY < now else None
    return TimestampMs(time) if time <= now + FUTURE_MS_MAX else None


def _parse_date(text: str) -> datetime | None:
    for parse in (datetime.fromisoformat, parsedate_to_datetime):
        try:
            moment = parse(text)
        except (ValueError, TypeError, IndexError, OverflowError):
            continue
        return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return None


def news_age_max_ms(now: TimestampMs) -> int:
    """Return how old the newest evidence may be: a day, three from Friday evening to Monday."""
    moment = datetime.fromtimestamp(now / MS_PER_SECOND, UTC)
    day = moment.weekday()
    is_weekend = day in {FRIDAY + 1, SUNDAY, MONDAY} or (
        day == FRIDAY and moment.hour >= FRIDAY_CLOSE_HOUR
    )
    return WEEKEND_MS if is_weekend else MS_PER_DAY


def drop_repeats(headlines: Iterable[Headline]) -> list[Headline]:
    """Keep the first of headlines with the same words; agencies are reprinted."""
    seen: set[str] = set()
    kept: list[Headline] = []
    for each in headlines:
        words = normalise(each.title)
        if words not in seen:
            seen.add(words)
            kept.append(each)
    return kept


def normalise(text: str) -> str:
    """Return the letters and digits of a text in lower case, for comparing texts."""
    return " ".join(re.findall(r"[a-z0-9]+", text.lower()))


def hash_text(text: str) -> str:
    """Return the first 16 hexadecimal digits of the SHA-256."""
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest()[:HASH_DIGITS]
