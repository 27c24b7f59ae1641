"""Any text may arrive: nothing raises, nothing is invented, nothing else is changed."""

import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.orchestrator_papers import FRENCH, STRICT_REPORT
from orchestrator.document.reports import parse_reports
from orchestrator.document.sessions import read_layout
from orchestrator.document.sources import SourceText, decode_document
from orchestrator.document.vocabulary import ID
from orchestrator.document.writing import write_spans
from orchestrator.domain.errors import InputInvalid

EXAMPLES = int(os.environ.get("ORCHESTRATE_EXAMPLES", "300"))
"""Of each part; `make fuzz` runs forty parts of 2,500, that is, 100,000 texts."""
PARTS = int(os.environ.get("ORCHESTRATE_PARTS", "1"))

PIECES = (
    *FRENCH.splitlines(keepends=True),
    *STRICT_REPORT.splitlines(keepends=True),
    "```\n",
    "---\n",
    "> ",
    "    ",
    "\ufeff",
    "\r\n",
    "| a | b | c |\n",
    "<!--\n",
)
texts = st.one_of(
    st.text(max_size=400),
    st.lists(st.one_of(st.sampled_from(PIECES), st.text(max_size=12)), max_size=40).map("".join),
)


@pytest.mark.timeout(600)  # 2,500 texts take 15 s of a quiet machine, and minutes of a busy one
@pytest.mark.parametrize("part", range(PARTS))
@settings(max_examples=EXAMPLES, database=None)
@given(text=texts)
def test_no_text_makes_a_reader_raise_or_invents_a_report_or_loses_a_byte(part, text):
    finds_only_reports_that_stand_there(text)
    finds_nothing_inside_a_closed_fence(text)
    gives_every_byte_back(text)


def finds_only_reports_that_stand_there(text):
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    for report in parse_reports(text).reports:
        assert ID.fullmatch(report.batch_id)
        assert report.batch_id in lines[report.line - 1]


def finds_nothing_inside_a_closed_fence(text):
    marks = "`" * 40
    inside = text.replace("`" * 20, "")
    assert parse_reports(f"{marks}\n{inside}\n{marks}\n").reports == ()


def gives_every_byte_back(text):
    """Writing nothing changes nothing; a text that is not UTF-8 or binary is refused before."""
    layout = read_layout(SourceText(text=text))
    try:
        content = text.encode()
        source = decode_document(content)
    except (InputInvalid, UnicodeEncodeError):
        return
    if source.text != text:  # a byte-order mark was taken off, or the text was repaired
        layout = read_layout(source)
    assert write_spans(source, layout, statuses={}, metrics={}, next_action=None) == content


@settings(max_examples=EXAMPLES)
@given(st.binary(max_size=300))
def test_bytes_are_read_or_refused_with_a_sentence(content):
    try:
        source = decode_document(content)
    except InputInvalid as e:
        assert "document" in str(e)  # noqa: PT017 - both ways out are right
    else:
        assert source.encode(source.text) == content
