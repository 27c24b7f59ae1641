"""Reports: levels, marks, and every near miss with its line."""

import pytest

from harness.orchestrator_papers import STRICT_REPORT
from orchestrator.document.reports import parse_reports
from orchestrator.document.writing import append_block, render_report, write_digests
from orchestrator.domain.claims import Mark, ReportLevel, ReportVerdict, TaskClaim


def test_a_full_report_is_strict():
    (report,) = parse_reports(STRICT_REPORT).reports
    assert report.level is ReportLevel.STRICT
    assert report.verdict is ReportVerdict.COMPLETED
    assert [(claim.ordinal, claim.mark) for claim in report.claims] == [(1, Mark.OK), (2, Mark.OK)]
    assert report.files == ("src/cache.py",)
    assert report.duration_min == 25


def test_a_field_above_a_rule_is_no_heading():
    (report,) = parse_reports(STRICT_REPORT + "---\n").reports
    assert report.level is ReportLevel.STRICT


def test_the_form_of_the_prompt_is_short_and_a_bare_line_weak():
    short = "### LOT-A-001: COMPLETED\n**Date**: today\n**Agent**: me\n**Tâches**:\n1. ✅ A\n"
    assert parse_reports(short).reports[0].level is ReportLevel.SHORT
    assert parse_reports("### LOT-A-001 - DONE\n").reports[0].level is ReportLevel.WEAK
    log = parse_reports("- 2026-01-26 15:00: LOT-A-001 COMPLETED — done\n").reports
    assert [each.level for each in log] == [ReportLevel.WEAK]


@pytest.mark.parametrize(
    ("heading", "verdict"),
    [
        ("### LOT-A-001: COMPLETED ✅", ReportVerdict.COMPLETED),
        ("## LOT-A-001 \u2013 TERMINÉ", ReportVerdict.COMPLETED),
        ("#### LOT-A-001 — PARTIEL", ReportVerdict.PARTIAL),
        ("### LOT-A-001: ÉCHEC", ReportVerdict.FAILED),
        ("### LOT-A-001: BLOQUÉ", ReportVerdict.BLOCKED),
    ],
)
def test_verdicts_are_read_in_both_languages(heading, verdict):
    assert parse_reports(heading).reports[0].verdict is verdict


def test_the_word_fail_beats_a_green_sign():
    text = STRICT_REPORT.replace("4 tests", "FAIL")
    assert parse_reports(text).reports[0].claims[0].mark is Mark.FAIL
    assert (
        parse_reports(STRICT_REPORT.replace("4 tests", "0 FAILED")).reports[0].claims[0].mark
        is Mark.OK
    )


def test_a_list_that_starts_at_two_is_read_by_line():
    text = STRICT_REPORT.replace("1. ✅ Cache: 4 tests\n", "")
    assert [claim.ordinal for claim in parse_reports(text).reports[0].claims] == [2]


@pytest.mark.parametrize(
    "placeholder", ["[OK/FAIL]", "[N]", "[X.XX]", "[XX%]", "L[XXX-YYY]", "HH:MM", "[résultat]"]
)
def test_an_unfilled_placeholder_makes_no_report(placeholder):
    found = parse_reports(STRICT_REPORT.replace("4 tests", placeholder))
    assert found.reports == ()
    assert [(each.code, each.line) for each in found.diagnoses] == [("REPORT_PLACEHOLDER", 7)]


def test_an_ordinary_bracket_is_no_placeholder():
    assert parse_reports(STRICT_REPORT.replace("4 tests", "[2026-01-29] [link](x)")).reports


@pytest.mark.parametrize(
    ("text", "code", "line"),
    [
        ("```\n" + STRICT_REPORT + "```\n", "REPORT_IN_FENCE", 2),
        ("text\n\n```\n" + STRICT_REPORT, "REPORT_IN_UNCLOSED_FENCE", 4),
        ("    ### LOT-A-001: COMPLETED\n", "REPORT_INDENTED", 1),
        ("> ### LOT-A-001: COMPLETED\n", "REPORT_IN_QUOTE", 1),
        ("<!--\n### LOT-A-001: COMPLETED\n-->\n", "REPORT_IN_COMMENT", 2),
        ("**### LOT-A-001: COMPLETED**\n", "REPORT_NOT_A_HEADING", 1),
        ("| LOT-A-001 | ✅ COMPLETED |\n", "REPORT_IN_TABLE", 1),
    ],
)
def test_a_near_miss_is_named_with_its_line(text, code, line):
    found = parse_reports(text)
    assert found.reports == ()
    assert [(each.code, each.line) for each in found.diagnoses] == [(code, line)]
    assert found.diagnoses[0].corrected == "### LOT-A-001: COMPLETED"


def test_a_report_whose_field_names_another_batch_is_none():
    found = parse_reports(STRICT_REPORT.replace("**ID**: LOT-A-001", "**ID**: LOT-A-002"))
    assert [each.code for each in found.diagnoses] == ["REPORT_ID_MISMATCH"]


def test_a_template_id_is_never_a_batch():
    assert parse_reports("### TODO-BATCH-XXX: COMPLETED\n").reports == ()


def test_what_the_command_writes_is_strict_and_comes_back_whole():
    claims = (
        TaskClaim(ordinal=1, mark=Mark.OK, title="Cache", result="4 tests"),
        TaskClaim(ordinal=2, mark=Mark.OK, title="Guide", result=""),
    )
    nonce = "01M82JFRSAJAAZRY73PAW09V4R"
    block = render_report(
        "LOT-A-001",
        date="2026-01-26 15:00",
        agent="me",
        minutes=12,
        claims=claims,
        files=("a.py",),
        nonce=nonce,
    )
    (report,) = parse_reports(append_block("# Notes\ntext", block)).reports
    assert report.level is ReportLevel.STRICT
    assert report.claims == claims
    assert report.nonce == nonce


def test_control_characters_in_a_title_do_not_survive():
    text = STRICT_REPORT.replace("Cache: 4", "Ca\x1b[2Jche\u202e: 4")
    assert parse_reports(text).reports[0].claims[0].title == "Ca[2Jche"


def test_our_own_lines_are_no_reports_and_are_rewritten_in_place():
    text = write_digests("# A\n\n## Section\n\ntext\n\n## Next\n", "Section", {"LOT-A-001": "DONE"})
    assert parse_reports(text) == parse_reports("")
    again = write_digests(text, "Section", {"LOT-A-001": "FAILED", "LOT-A-002": "new"})
    assert again.count("LOT-A-001") == 1
    assert again.endswith("## Next\n")
    assert write_digests(again, "Section", {"LOT-A-001": "FAILED"}) == again
