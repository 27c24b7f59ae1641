"""Sections of Markdown files: there, under their heading, with something in them."""

from pathlib import Path

from orchestrator.document.outlines import BlockKind, outline
from orchestrator.document.vocabulary import fold_text
from orchestrator.domain.checks import MdSectionCheck
from orchestrator.proof.observations import Observation, failed, passed


def check_md_section(check: MdSectionCheck, path: Path) -> Observation:
    """Check that a section exists and how many words it holds."""
    try:
        shape = outline(path.read_text(encoding="utf-8"))
    except UnicodeDecodeError as e:
        return failed(f"{check.path} is not UTF-8: {e}")
    wanted = fold_text(check.heading)
    for index, block in enumerate(shape.blocks):
        if block.kind is BlockKind.HEADING and fold_text(block.title) == wanted:
            lines = shape.lines[block.end : shape.section_end(index)]
            words = sum(len(line.split()) for line in lines)
            if words < check.words_min:
                return failed(
                    f'section "{check.heading}" of {check.path} has {words} words, expected at '
                    f"least {check.words_min}",
                    value=f"{words} words",
                )
            return passed(f"{check.path} L{block.first + 1}, {words} words")
    return failed(f'{check.path} has no section "{check.heading}"')
