"""The structure of a Markdown text: headings and what lies under them, fences kept shut.

Tokens of markdown-it decide the structure at level 0; fields and items are read line by line,
because a list that starts at 2 right under a label is paragraph text to CommonMark.
"""

import re
from bisect import bisect_left, bisect_right
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from markdown_it import MarkdownIt

from orchestrator.document.sources import line_spans
from orchestrator.document.vocabulary import FIELD_OF_LABEL, LABEL, fold_text

# `lheading` off: a field directly above a rule would become a heading. `list` off: items are read
# by line anyway, a fence inside an item must shut like any other, and lists take three quarters of
# the parser's time. Block rules only: the text inside lines is read by our own patterns.
_PARSER: Final = MarkdownIt("commonmark").enable("table").disable(["lheading", "list", "reference"])
_PARSER.core.ruler.enableOnly(["normalize", "block"])

_FENCE_END: Final = re.compile(r"^ {0,3}(`{3,}|~{3,})[ \t]*$")
_HEADING_LEVELS: Final = {f"h{level}": level for level in range(1, 7)}


class BlockKind(StrEnum):
    """The level-0 blocks that matter here."""

    HEADING = "heading"
    FENCE = "fence"
    INDENTED = "indented"
    RULE = "rule"
    TABLE = "table"
    QUOTE = "quote"
    HTML = "html"
    OTHER = "other"


_KINDS: Final = {
    "heading_open": BlockKind.HEADING,
    "fence": BlockKind.FENCE,
    "code_block": BlockKind.INDENTED,
    "hr": BlockKind.RULE,
    "table_open": BlockKind.TABLE,
    "blockquote_open": BlockKind.QUOTE,
    "html_block": BlockKind.HTML,
}
OPAQUE: Final = frozenset(
    {
        BlockKind.FENCE,
        BlockKind.INDENTED,
        BlockKind.QUOTE,
        BlockKind.HTML,
    }
)
"""Text in these is quoted, never ours to read as a field."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A level-0 block; lines count from 0, `end` is exclusive."""

    kind: BlockKind
    first: int
    end: int
    level: int = 0
    title: str = ""
    content: str = ""
    """Of a fence, without its markers."""
    is_closed: bool = True
    """False for a fence that runs to the end of the text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """A labelled field: its name if known, the value on its line and the lines below it."""

    name: str
    """A key of the alias table; empty for an unknown label."""
    label: str
    line: int
    value: str
    value_span: tuple[int, int]
    """Where the value stands in the text, trailing spaces excluded."""
    body: tuple[tuple[int, str], ...]
    """Line numbers (from 0) and texts up to the next field."""
    fence: str | None
    """Content of the first fence below the label; None without one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outline:
    """A text cut into lines and level-0 blocks."""

    text: str
    lines: tuple[str, ...]
    spans: tuple[tuple[int, int], ...]
    blocks: tuple[Block, ...]
    opaque: frozenset[int]
    """Lines inside fences, code, quotes and HTML."""

    def section_end(self, index: int) -> int:
        """Return the line after the section opened by the heading at `blocks[index]`.

        A heading of the same or a higher level closes it, and so does a level-0 rule.
        """
        opening = self.blocks[index]
        for block in self.blocks[index + 1 :]:
            if block.kind is BlockKind.RULE:
                return block.first
            if block.kind is BlockKind.HEADING and block.level <= opening.level:
                return block.first
        return len(self.lines)

    def fields(self, first: int, end: int) -> tuple[Field, ...]:
        """Return the labelled fields between two lines, in order.

        A deeper heading with a known label (`#### Files Created`) counts as a field.
        """
        starts = [
            (line, label, value)
            for line in range(first, end)
            if line not in self.opaque and (found := _read_label(self.lines[line])) is not None
            for label, value in (found,)
        ]
        low = bisect_left(self.blocks, first, key=_first_line)
        high = bisect_left(self.blocks, end, key=_first_line)
        fences = [block for block in self.blocks[low:high] if block.kind is BlockKind.FENCE]
        fields: list[Field] = []
        for position, (line, label, value) in enumerate(starts):
            stop = starts[position + 1][0] if position + 1 < len(starts) else end
            fence = next((each.content for each in fences if line < each.first < stop), None)
            fields.append(
                Field(
                    name=FIELD_OF_LABEL.get(fold_text(label), ""),
                    label=label,
                    line=line,
                    value=value.rstrip(),
                    value_span=self._value_span(line, value),
                    body=tuple(
                        (each, self.lines[each])
                        for each in range(line + 1, stop)
                        if each not in self.opaque
                    ),
                    fence=fence,
                )
            )
        return tuple(fields)

    def block_at(self, line: int) -> Block:
        """Return the block that covers a line of `opaque`."""
        return self.blocks[bisect_right(self.blocks, line, key=_first_line) - 1]

    def _value_span(self, line: int, value: str) -> tuple[int, int]:
        """Return where a value stands; it ends its line but for trailing spaces."""
        end = self.spans[line][1]
        start = end - len(value)
        return start, start + len(value.rstrip())


def outline(text: str) -> Outline:
    """Cut a text into lines and blocks. Accepts any text."""
    spans = line_spans(text)
    lines = tuple(text[start:end] for start, end in spans)
    blocks: list[Block] = []
    tokens = _PARSER.parse(text)
    for index, token in enumerate(tokens):
        if token.level != 0 or token.map is None:
            continue
        first, end = token.map[0], min(token.map[1], len(lines))
        kind = _KINDS.get(token.type, BlockKind.OTHER)
        if kind is BlockKind.HEADING:
            if lines[first].startswith(" "):
                continue  # perhaps part of a list item, never a section of ours
            title = tokens[index + 1].content
            blocks.append(
                Block(
                    kind=kind, first=first, end=end, level=_HEADING_LEVELS[token.tag], title=title
                )
            )
        else:
            is_closed = kind is not BlockKind.FENCE or _is_closed(lines, first, end, token.markup)
            blocks.append(
                Block(kind=kind, first=first, end=end, content=token.content, is_closed=is_closed)
            )
    opaque = frozenset(
        line for block in blocks if block.kind in OPAQUE for line in range(block.first, block.end)
    )
    return Outline(text=text, lines=lines, spans=spans, blocks=tuple(blocks), opaque=opaque)


def _first_line(block: Block) -> int:
    """Return the key by which blocks are in order."""
    return block.first


def _is_closed(lines: tuple[str, ...], first: int, end: int, markup: str) -> bool:
    """Tell whether a fence has a closing line of its own."""
    if end - first < 2:  # noqa: PLR2004 - an opening and a closing line
        return False
    closing = _FENCE_END.match(lines[end - 1])
    return closing is not None and closing[1].startswith(markup)


def _read_label(line: str) -> tuple[str, str] | None:
    """Return label and value of a field line, or of a heading with a known label."""
    if "**" in line and (match := LABEL.match(line)):
        return match[1], match[2]
    if line.startswith("####"):
        title = line.lstrip("#").strip().rstrip(":")
        if FIELD_OF_LABEL.get(fold_text(title)):
            return title, ""
    return None
