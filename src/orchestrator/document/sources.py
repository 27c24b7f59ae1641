"""Bytes of a document as text and back, without losing one of them."""

import re
from dataclasses import dataclass
from typing import Final

from orchestrator.domain.errors import InputInvalid

SIZE_MAX: Final = 2_000_000
"""Bytes. A session document has some thousand, a central file that has grown for weeks 100,000;
above this somebody pasted a log."""
BOM: Final = "\ufeff"
_UTF8_BOM: Final = b"\xef\xbb\xbf"
_LINE: Final = re.compile(r"[^\r\n]*(?:\r\n|\r|\n|\Z)")


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceText:
    """A document as it is read: repaired if it had been decoded wrongly, marks taken off."""

    text: str
    """Line endings as on disk; no byte-order mark."""
    has_bom: bool = False
    has_inner_bom: bool = False
    """The mark that was part of the wrongly decoded text."""
    is_mojibake: bool = False
    """The file holds UTF-8 that was read as Mac Roman and saved again."""

    def encode(self, text: str) -> bytes:
        """Return text in the file's own encoding; `text` itself gives the file's bytes back."""
        content = (BOM if self.has_inner_bom else "") + text
        if self.is_mojibake:
            content = content.encode().decode("mac_roman")
        return (_UTF8_BOM if self.has_bom else b"") + content.encode()


def decode_document(content: bytes, name: str = "document") -> SourceText:
    """Read the bytes of a document.

    Raises:
        InputInvalid: too large, binary or not UTF-8; says which and where.
    """
    if len(content) > SIZE_MAX:
        raise InputInvalid(
            f"{name} has {len(content):,} bytes, the limit is {SIZE_MAX:,}: move old reports away"
        )
    has_bom = content.startswith(_UTF8_BOM)
    if has_bom:
        content = content[len(_UTF8_BOM) :]
    if b"\0" in content:
        line = content.count(b"\n", 0, content.index(b"\0")) + 1
        raise InputInvalid(f"{name} is binary: a zero byte in line {line}")
    try:
        text = content.decode()
    except UnicodeDecodeError as e:
        line = content.count(b"\n", 0, e.start) + 1
        raise InputInvalid(f"{name} is not UTF-8: byte {e.start} in line {line}") from e
    repaired = repair_mojibake(text)
    is_mojibake = repaired is not None
    if repaired is not None:
        text = repaired
    has_inner_bom = text.startswith(BOM)
    return SourceText(
        text=text[1:] if has_inner_bom else text,
        has_bom=has_bom,
        has_inner_bom=has_inner_bom,
        is_mojibake=is_mojibake,
    )


def repair_mojibake(text: str) -> str | None:
    """Return the text whose UTF-8 bytes were read as Mac Roman; None for a healthy text.

    Healthy text does not pass: its accented letters are single Mac Roman bytes, which are not
    valid UTF-8 in a row.
    """
    if text.isascii():
        return None
    try:
        repaired = text.encode("mac_roman").decode()
    except UnicodeError:
        return None
    # A zero byte cannot come about, and a repair that leaves ASCII only repaired nothing.
    return None if repaired.isascii() else repaired


def line_spans(text: str) -> tuple[tuple[int, int], ...]:
    """Return start and end of each line, its ending excluded; the lines markdown-it counts."""
    spans: list[tuple[int, int]] = []
    position = 0
    while position < len(text):
        match = _LINE.match(text, position)
        assert match is not None  # the pattern accepts everything
        spans.append((position, match.end() - _ending_length(match[0])))
        position = match.end()
    return tuple(spans)


def _ending_length(line: str) -> int:
    """Return the length of the line ending: 0, 1 or 2."""
    if line.endswith("\r\n"):
        return 2
    return 1 if line.endswith(("\r", "\n")) else 0
