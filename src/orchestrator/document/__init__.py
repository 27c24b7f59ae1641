"""Reads session documents and reports, and writes into them without touching what others wrote.

Pure: text in, values and text out. May import `domain` alone. Start with `sessions.py`:

    decode_document(content: bytes) -> SourceText       encodings, BOM, mojibake
    parse_session(source: SourceText) -> Session        never raises on text
    parse_reports(text: str) -> Reports                 reports and diagnoses
    lint(session, acceptance, ...) -> tuple[Finding, ...]
    write_statuses(source: SourceText, statuses) -> bytes   owned spans only
"""
