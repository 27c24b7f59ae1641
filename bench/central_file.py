"""How long a central file takes to read: 100 KB of sessions and reports, and 2 MB of reports."""

import time

from orchestrator.document.reports import parse_reports
from orchestrator.document.sessions import read_layout
from orchestrator.document.sources import SourceText

REPORT = """### TODO-BATCH-{number:03d}: COMPLETED
**Date**: 2026-01-26 15:00
**Agent**: backend-architect
**ID**: TODO-BATCH-{number:03d}
**Durée**: 25m
**Tâches**:
1. ✅ TLS Validation: 12 tests pass, the certificate of the demo server is valid until May
2. ✅ OAuth Production: documented in README.md, with the way from demo to live
3. ⏳ Circuit Breakers

What was found on the way: the server closes idle connections after thirty seconds, so that the
client has to send a heartbeat every ten. The old client did not, which explains the gaps in the
log of last week. Nothing else had to change; the tests of the wire cover it now, with a clock of
their own, so that they neither wait nor depend on the machine.

**Files Created**:
- src/tls_check.py
- tests/test_tls_check.py

**Status**: DONE - Prêt pour nouvelle TODO

---

"""


def measure(name: str, text: str, runs: int) -> None:
    """Print the best of some runs, in processor time: the machine is shared."""
    times = []
    found = 0
    for _ in range(runs):
        start = time.process_time()
        found = len(parse_reports(text).reports)
        times.append(time.process_time() - start)
    print(f"{name}: {len(text.encode()):,} bytes, {found} reports, {min(times) * 1e3:.1f} ms")


def main() -> None:
    """Print the figures."""
    whole = "".join(REPORT.format(number=number % 1_000) for number in range(1_750))
    measure("central file", whole[:100_000], 9)
    measure("far too long", whole[:1_900_000], 1)
    start = time.process_time()
    read_layout(SourceText(text=whole[:100_000]))
    print(f"as a session document: {(time.process_time() - start) * 1e3:.1f} ms")


if __name__ == "__main__":
    main()
