"""Reports in the central file: what an agent claims, and why a near miss is none.

A report is a heading at level 0 outside of every fence: `### ID: COMPLETED` and its fields.
"""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from orchestrator.document.outlines import Block, BlockKind, Field, Outline, outline
from orchestrator.document.vocabulary import (
    BULLET,
    ID_PATTERN,
    ITEM,
    clean_line,
    fold_text,
    read_duration_s,
    read_verdict,
    split_mark,
)
from orchestrator.domain.claims import (
    Diagnosis,
    Mark,
    Report,
    ReportLevel,
    ReportVerdict,
    TaskClaim,
)

REPORTS_MAX: Final = 2_000
"""In one file; a central file of 2 MB holds some thousand short ones."""
_WORDS: Final = (
    r"(COMPLETED|DONE|TERMINÉE?|TERMINEE?|PARTIAL|PARTIEL|FAILED|ÉCHEC|ECHEC|BLOCKED|BLOQUÉE?)"
)
_HEADING: Final = re.compile(
    rf"^({ID_PATTERN})\s*[:\-\u2013\u2014]\s*{_WORDS}(?!\w)", re.IGNORECASE
)
_LOOKS_LIKE: Final = re.compile(
    rf"^[\s>*_-]*\#{{1,6}}\s*\**({ID_PATTERN})\s*[:\-\u2013\u2014]\s*{_WORDS}(?!\w)"
)
_LOG_LINE: Final = re.compile(
    rf"^[-*]\s+(\d{{4}}-\d{{2}}-\d{{2}}[^:]*(?::\d{{2}}){{0,2}})\s*:?\s+({ID_PATTERN})\s*:?\s+"
    rf"{_WORDS}(?!\w)"
)
_TABLE_ROW: Final = re.compile(rf"^\s*\|.*?({ID_PATTERN}).*?\b{_WORDS}\b")
_NONCE: Final = re.compile(r"<!--\s*orch:run=([0-9A-Z]{26})\s*-->")
_PLACEHOLDER: Final = re.compile(
    r"\bHH:MM\b|L\[X+-Y+\]"
    r"|\[(?:[A-ZÉ]{2,}(?:/[A-ZÉ]{2,})+|N|X+(?:\.X+)?\s*%?|X+ minutes|n|details?|détails?"
    r"|nom agent|agent name|t[âa]che \d+|task \d+|r[ée]sultat|result|path/to/[^\]]*"
    r"|[A-Z-]+-XXX)\]"
)
_FIRST_CHARACTERS: Final = ("#", "-", "*", "_", "|", ">")
"""Of lines that could be a report or a near miss; looked at before any pattern."""
_FAIL_WORD: Final = re.compile(r"(?<!\w)(?<!\b0 )(?:FAIL(?:ED|URE)?|ÉCHEC|ECHEC|INVALID)(?!\w)")
_STRICT_FIELDS: Final = ("date", "agents", "id", "duration", "tasks", "files_created", "status")
_SHORT_FIELDS: Final = ("date", "agents", "tasks")
_MASKED: Final = {
    BlockKind.FENCE: ("REPORT_IN_FENCE", "inside the fence opened in line {line}"),
    BlockKind.INDENTED: ("REPORT_INDENTED", "indented by four spaces, which makes it code"),
    BlockKind.QUOTE: ("REPORT_IN_QUOTE", "inside a quotation"),
    BlockKind.HTML: ("REPORT_IN_COMMENT", "inside an HTML comment"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportsFound:
    """What a file holds: reports, and what looks like one and is none. Both in file order."""

    reports: tuple[Report, ...]
    diagnoses: tuple[Diagnosis, ...]


def parse_reports(text: str) -> ReportsFound:
    """Return every report and every near miss of a text. Never raises on text."""
    shape = outline(text)
    reports: list[Report] = []
    diagnoses: list[Diagnosis] = []
    for index, block in enumerate(shape.blocks):
        if len(reports) >= REPORTS_MAX:
            break
        if block.kind is BlockKind.HEADING and 2 <= block.level <= 4:  # noqa: PLR2004
            heading = _HEADING.match(block.title.strip().strip("*"))
            if heading:
                _file(_read_report(shape, index, block, heading), reports, diagnoses)
    for line, content in enumerate(shape.lines):
        if "-" not in content or not content.lstrip().startswith(_FIRST_CHARACTERS):
            continue
        if line in shape.opaque:
            if _LOOKS_LIKE.match(content):
                diagnoses.append(_diagnose_masked(shape, line))
        elif found := _read_single_line(content, line):
            _file(found, reports, diagnoses)
    return ReportsFound(
        reports=tuple(sorted(reports, key=lambda each: each.line)[:REPORTS_MAX]),
        diagnoses=tuple(sorted(diagnoses, key=lambda each: each.line)[:REPORTS_MAX]),
    )


def _file(found: Report | Diagnosis, reports: list[Report], diagnoses: list[Diagnosis]) -> None:
    """Put what was found where it belongs."""
    if isinstance(found, Report):
        reports.append(found)
    else:
        diagnoses.append(found)


def is_complete(text: str, report: Report) -> bool:
    """Tell whether a report is followed by a blank line, a rule or the end of its line.

    A block that ends in the middle of a line is still being written.
    """
    end = text.find(report.text)
    if end < 0:
        return True
    rest = text[end + len(report.text) :]
    return not rest or rest.startswith(("\n", "\r"))


def _read_report(
    shape: Outline, index: int, block: Block, heading: re.Match[str]
) -> Report | Diagnosis:
    """Read the block under a report heading."""
    end = shape.section_end(index)
    fields = shape.fields(block.end, end)
    named: dict[str, Field] = {}
    for each in fields:
        if each.name:
            named.setdefault(each.name, each)
    text = shape.text[shape.spans[block.first][0] : shape.spans[end - 1][1]].rstrip()
    digest = hash_report(text)
    for line in range(block.first, end):
        content = shape.lines[line]
        may_hold = "[" in content or ":MM" in content
        if may_hold and line not in shape.opaque and (found := _PLACEHOLDER.search(content)):
            return Diagnosis(
                code="REPORT_PLACEHOLDER",
                line=line + 1,
                quote=clean_line(shape.lines[line]),
                message=f"the placeholder {found[0]} was not filled in",
                corrected=_correct(shape.lines[line], found),
                batch_id=heading[1],
                digest=digest,
            )
    stated_id = named.get("id")
    if stated_id and heading[1] not in stated_id.value:
        return Diagnosis(
            code="REPORT_ID_MISMATCH",
            line=stated_id.line + 1,
            quote=clean_line(shape.lines[stated_id.line]),
            message=f"the heading says {heading[1]}, the field ID says "
            f"{clean_line(stated_id.value, 60)}",
            corrected=f"**ID**: {heading[1]}",
            batch_id=heading[1],
            digest=digest,
        )
    claims = _read_claims(named.get("tasks"), shape, block.end, end)
    filled = {
        name
        for name, each in named.items()
        if each.value or any(content.strip() for _, content in each.body)
    }
    level = ReportLevel.WEAK
    if claims and filled.issuperset(_SHORT_FIELDS):
        level = ReportLevel.SHORT
        if filled.issuperset(_STRICT_FIELDS):
            level = ReportLevel.STRICT
    nonce = _NONCE.search(text)
    duration = named.get("duration")
    minutes = read_duration_s(duration.value) if duration else None
    return Report(
        batch_id=heading[1],
        level=level,
        verdict=read_verdict(heading[2]) or ReportVerdict.COMPLETED,
        line=block.first + 1,
        date=clean_line(named["date"].value, 40) if "date" in named else "",
        agent=clean_line(named["agents"].value, 120) if "agents" in named else "",
        duration_min=None if minutes is None else minutes // 60,
        claims=claims,
        files=_read_files(named),
        nonce=nonce[1] if nonce else None,
        digest=digest,
        text=text,
    )


def hash_report(text: str) -> str:
    """Return the digest by which the same report is known again, line endings aside."""
    lines = "\n".join(line.rstrip() for line in text.strip().splitlines())
    return hashlib.sha256(lines.encode(errors="surrogatepass")).hexdigest()


def _read_claims(
    listed: Field | None, shape: Outline, first: int, end: int
) -> tuple[TaskClaim, ...]:
    """Return the numbered lines of a report, the first of each number."""
    body = (
        listed.body
        if listed
        else tuple(
            (line, shape.lines[line]) for line in range(first, end) if line not in shape.opaque
        )
    )
    claims: dict[int, TaskClaim] = {}
    for _, text in body:
        match = ITEM.match(text)
        if match is None:
            continue
        mark, rest = split_mark(match[2])
        if mark is Mark.NONE and listed is None:
            continue  # a numbered line of prose
        title, _, result = rest.partition(":")
        if _FAIL_WORD.search(rest):
            mark = Mark.FAIL
        claims.setdefault(
            int(match[1]),
            TaskClaim(
                ordinal=int(match[1]),
                mark=mark,
                title=clean_line(title.strip(), 120),
                result=clean_line(result.strip(), 300),
            ),
        )
    return tuple(claims[ordinal] for ordinal in sorted(claims))


def _read_files(named: dict[str, Field]) -> tuple[str, ...]:
    """Return the paths listed as created or modified."""
    paths: list[str] = []
    for name in ("files_created", "files_modified"):
        if name in named:
            paths += [
                clean_line(match[1].split(" (")[0].strip("` "), 400)
                for _, text in named[name].body
                if (match := BULLET.match(text))
            ]
    return tuple(dict.fromkeys(paths))


def _read_single_line(content: str, line: int) -> Report | Diagnosis | None:
    """Read a log line, or say why a single line is no report."""
    digest = hash_report(content)
    if match := _LOG_LINE.match(content):
        return Report(
            batch_id=match[2],
            level=ReportLevel.WEAK,
            verdict=read_verdict(match[3]) or ReportVerdict.COMPLETED,
            line=line + 1,
            date=match[1].strip(),
            agent="",
            duration_min=None,
            claims=(),
            files=(),
            nonce=None,
            digest=digest,
            text=content,
        )
    for code, pattern, message in (
        ("REPORT_NOT_A_HEADING", _LOOKS_LIKE, "bold text around the # makes it a paragraph"),
        ("REPORT_IN_TABLE", _TABLE_ROW, "a table row is not a report"),
    ):
        match = pattern.match(content)
        if match and (code == "REPORT_IN_TABLE" or content.lstrip().startswith(("*", "_"))):
            return Diagnosis(
                code=code,
                line=line + 1,
                quote=clean_line(content),
                message=message,
                corrected=f"### {match[1]}: {match[2]}",
                batch_id=match[1],
                digest=digest,
            )
    return None


def _diagnose_masked(shape: Outline, line: int) -> Diagnosis:
    """Say what hides a line that looks like a report."""
    block = shape.block_at(line)
    code, where = _MASKED[block.kind]
    message = "a line that looks like a report is " + where.format(line=block.first + 1)
    if not block.is_closed:
        code, message = "REPORT_IN_UNCLOSED_FENCE", message + ", which is never closed"
    content = shape.lines[line]
    match = _LOOKS_LIKE.match(content)
    assert match is not None
    return Diagnosis(
        code=code,
        line=line + 1,
        quote=clean_line(content),
        message=message,
        corrected=f"### {match[1]}: {match[2]}",
        batch_id=match[1],
        digest=hash_report(f"{block.first}:{line}:{content}"),
    )


def _correct(line: str, placeholder: re.Match[str]) -> str:
    """Propose the line with a real value in the place of the placeholder."""
    text = placeholder[0]
    if fold_text(text) == "hh mm":
        return clean_line(line.replace(text, "14:45"))
    options = text.strip("[]").split("/")
    value = options[0] if len(options) > 1 else "12"
    return clean_line(line.replace(text, value))
