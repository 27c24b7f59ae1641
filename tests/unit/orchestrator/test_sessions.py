"""Reading session documents: traps S1 to S16 and both languages."""

from dataclasses import replace
from pathlib import Path

import pytest

from harness.orchestrator_papers import ENGLISH, FRENCH, read
from orchestrator.document.linting import lint
from orchestrator.document.sessions import parse_session, read_layout
from orchestrator.document.sources import SourceText, decode_document, repair_mojibake
from orchestrator.document.writing import write_spans
from orchestrator.domain.acceptance import Acceptance
from orchestrator.domain.batches import Priority, StatedStatus
from orchestrator.domain.errors import InputInvalid

REFERENCE = Path(__file__).parents[4] / "shared" / "session"
CLEAN = REFERENCE / "ORCHESTRATOR_SESSION_ACTIVE.md"
MOJIBAKE = REFERENCE / "ORCHESTRATOR_SESSION_ACTIVE.mojibake.md"
needs_reference = pytest.mark.skipif(not CLEAN.exists(), reason="no reference session here")


@needs_reference
def test_the_reference_document_reads_as_recorded():
    session = parse_session(decode_document(CLEAN.read_bytes()))
    first, second = session.batches
    assert (first.id, second.id) == ("TODO-BATCH-001", "TODO-BATCH-002")
    assert (first.priority, second.priority) == (Priority.CRITICAL, Priority.HIGH)
    assert (len(first.tasks), len(second.tasks)) == (3, 3)
    assert first.agents == ("backend-architect", "apex-workflow")
    assert second.agents == ("backend-architect", "test-engineer")
    assert (len(first.prompt), len(second.prompt)) == (1_453, 1_621)
    assert (len(first.deliverables), len(second.deliverables)) == (4, 4)
    assert (first.deadline_s, second.deadline_s) == (3_600, 5_400)
    assert second.depends_on == ("TODO-BATCH-001",)
    assert first.stated_status is StatedStatus.READY
    assert second.stated_status is StatedStatus.PENDING
    assert len(session.metrics) == 8
    assert len(session.completed) == 10


@needs_reference
def test_the_mojibake_twin_reads_the_same_and_keeps_its_bytes():
    clean, twin = decode_document(CLEAN.read_bytes()), decode_document(MOJIBAKE.read_bytes())
    assert twin.is_mojibake
    assert not clean.is_mojibake
    assert parse_session(twin).batches == parse_session(clean).batches
    assert twin.encode(twin.text) == MOJIBAKE.read_bytes()
    assert twin.text.encode() == CLEAN.read_bytes()
    assert "ENCODING_MOJIBAKE" in {each.code for each in parse_session(twin).findings}


@needs_reference
@pytest.mark.parametrize("path", [CLEAN, MOJIBAKE])
def test_writing_changes_owned_spans_only(path):
    source = decode_document(path.read_bytes())
    layout = read_layout(source)
    written = write_spans(
        source,
        layout,
        statuses={"TODO-BATCH-001": "DONE"},
        metrics={"TLS Validation": "✅ yes | no"},
        next_action="Nothing",
    )
    before = source.text.splitlines()
    after = decode_document(written).text.splitlines()
    changed = {n for n, pair in enumerate(zip(before, after, strict=True), 1) if pair[0] != pair[1]}
    assert changed == {215, 227, 238}
    assert after[226].endswith("DONE  ")
    assert "✅ yes / no |" in after[214]
    same = write_spans(source, layout, statuses={}, metrics={}, next_action=None)
    assert same == path.read_bytes()


@needs_reference
def test_lint_finds_the_blocker_in_no_batch_and_the_unbound_metrics():
    session = parse_session(decode_document(CLEAN.read_bytes()))
    findings = lint(
        session,
        Acceptance(),
        agents={"backend-architect", "test-engineer", "apex-workflow", "explore-code"},
        missing_tools={},
    )
    blockers = [each for each in findings if each.code == "BLOCKER_UNCOVERED"]
    assert [(each.line, "Installation Rust" in each.message) for each in blockers] == [(18, True)]
    assert sum(each.code == "METRIC_UNBOUND" for each in findings) == 6
    assert sum(each.code == "TOOL_UNDECLARED" for each in findings) == 2


def test_headings_inside_fences_are_text():
    assert [each.id for each in read(FRENCH).batches] == ["LOT-A-001", "LOT-A-002"]


def test_french_and_english_labels_give_the_same_batches():
    french, english = read(FRENCH), read(ENGLISH)
    assert [replace(b, deliverables=()) for b in french.batches] == [
        replace(b, deliverables=()) for b in english.batches
    ]
    assert (french.language, english.language) == ("fr", "en")


def test_deadline_and_dependency_come_from_the_live_status():
    first, second = read(FRENCH).batches
    assert first.deadline_s == 3_600
    assert second.deadline_s == 5_400
    assert second.depends_on == ("LOT-A-001",)


def test_written_ordinals_are_kept_though_a_list_starts_at_two():
    assert [task.ordinal for task in read(FRENCH).batches[1].tasks] == [2, 3]


def test_deliverables_are_names_without_prose():
    names = [each.names for each in read(FRENCH).batches[0].deliverables]
    assert names == [("cache.py",), ("README.md",), ()]


def test_the_next_action_is_not_part_of_the_last_batch():
    layout = read_layout(SourceText(text=FRENCH))
    assert layout.session.next_action == "Distribuer LOT-A-001"
    assert [name for name, _, _ in layout.statuses] == ["LOT-A-001", "LOT-A-002"]


def test_a_rewritten_status_keeps_the_dependency_it_names():
    source = SourceText(text=FRENCH)
    written = write_spans(
        source,
        read_layout(source),
        statuses={"LOT-A-002": "✅ TERMINÉ"},
        metrics={},
        next_action=None,
    )
    again = parse_session(decode_document(written))
    assert again.batches[1].depends_on == ("LOT-A-001",)
    assert again.batches[1].stated_status is StatedStatus.DONE


def test_a_byte_order_mark_and_carriage_returns_survive():
    content = b"\xef\xbb\xbf" + FRENCH.replace("\n", "\r\n").encode()
    source = decode_document(content)
    assert [each.id for each in parse_session(source).batches] == ["LOT-A-001", "LOT-A-002"]
    assert source.encode(source.text) == content


def test_healthy_french_is_not_taken_for_mojibake():
    assert repair_mojibake("Tâches terminées, déjà") is None
    assert repair_mojibake("plain") is None


def test_the_same_batch_twice_is_one_and_a_different_one_is_refused():
    block = FRENCH[FRENCH.index("### LOT-A-002") : FRENCH.index("## 📋")]
    same = FRENCH.replace("## 📋", block + "\n## 📋")
    other = FRENCH.replace("## 📋", block.replace("Mesures", "Autre chose") + "\n## 📋")
    assert [each.code for each in read(same).findings] == ["BATCH_REPEATED"]
    (finding,) = read(other).findings
    assert finding.code == "BATCH_DUPLICATE"
    assert "lines 39 and 49" in finding.message


def test_an_unclosed_fence_is_named_with_its_line():
    (finding,) = read("# Title\n\n```\nnever closed\n").findings
    assert (finding.code, finding.line) == ("FENCE_UNCLOSED", 3)


@pytest.mark.parametrize("path", ["/etc/notes.md", "../CLAUDE.md", "a/../../b.md", "~/notes.md"])
def test_a_document_cannot_choose_a_central_file_outside_of_the_project(path):
    session = read(FRENCH.replace("**Fichier central**: CLAUDE.md", f"**Fichier central**: {path}"))
    assert session.central_file == "CLAUDE.md"
    (finding,) = session.findings
    assert (finding.code, finding.severity.value) == ("CENTRAL_FILE_OUTSIDE", "error")


def test_cycles_unknown_dependencies_agents_and_tools_are_found():
    text = FRENCH.replace("À DÉMARRER", "EN ATTENTE (après A-002)").replace(
        "**Agents**: test-engineer", "**Agents**: test-enginer"
    )
    findings = lint(
        read(text.replace("(après A-001)", "(après A-001 et B-009)")),
        Acceptance(),
        agents={"backend-architect", "apex-workflow", "test-engineer"},
        missing_tools={"LOT-A-001": ("cargo",)},
    )
    codes = {each.code: each.message for each in findings}
    assert {"DEPENDENCY_CYCLE", "DEPENDENCY_UNKNOWN", "AGENT_UNKNOWN", "TOOL_MISSING"} <= set(codes)
    assert "did you mean test-engineer" in codes["AGENT_UNKNOWN"]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"x" * 2_000_001, "the limit is"),
        (b"# A\n\0", "binary: a zero byte in line 2"),
        (b"# A\n\xff", "not UTF-8: byte 4 in line 2"),
    ],
)
def test_unreadable_documents_are_refused_with_a_sentence(content, words):
    with pytest.raises(InputInvalid, match=words):
        decode_document(content)
