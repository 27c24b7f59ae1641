"""Documents, reports and plans that the orchestrator's tests share."""

from orchestrator.core.fold import fold
from orchestrator.core.state import RunState
from orchestrator.document.sessions import parse_session
from orchestrator.document.sources import SourceText
from orchestrator.domain.batches import BatchId, Priority, Session
from orchestrator.domain.claims import Mark, Report, ReportLevel, ReportVerdict, TaskClaim
from orchestrator.domain.events import (
    AttemptEnded,
    AttemptPlanned,
    AttemptStarted,
    AttemptVerified,
    BaselineTaken,
    Event,
    Recorded,
    ReportAccepted,
    RunStarted,
)
from orchestrator.domain.plans import BatchPlan, RunPolicy, TaskPlan
from orchestrator.domain.proofs import Proof, TaskProof
from orchestrator.domain.verdicts import Execution

FRENCH = """# Session
**Mode**: AUTONOME

## 📊 ÉTAT ACTUEL

### ✅ Déjà Complété
- WORK-AB-001 à WORK-AB-003: socle

### ❌ BLOQUANTS (2 tâches)
1. **Cache** - absent
2. **Installation Go** - outil absent

## 🚀 DISTRIBUTION DES TODOs

### LOT-A-001 (SOCLE)
**ID**: LOT-A-001
**Agents**: backend-architect + apex-workflow
**Priorité**: CRITIQUE
**Tâches**:
1. Cache local (cache.py)
2. Guide d'installation

**Prompt Engineering**:
```
Agent @backend-architect
TÂCHE 1: Créer src/cache.py
TÂCHE 2: Compléter README.md
### LOT-A-001: COMPLETED
1. ✅ Cache: [OK/FAIL]
```

**Livrable attendu**:
- cache.py (nouveau)
- README.md updated (section Guide)
- Section dans CLAUDE.md

---

### LOT-A-002 (SUITE)
**ID**: LOT-A-002
**Agents**: test-engineer
**Priorité**: HAUTE
**Tâches**:
2. Mesures
3. Rapport

---

## 📋 PROTOCOLE INTER-LLM
**Fichier central**: CLAUDE.md (section "🎯 ORCHESTRATION V3")

## 📊 MÉTRIQUES DE SUCCÈS

| Critère | Cible | Status |
|---------|-------|--------|
| LOT-A-001 | 2/2 tasks done | ⏳ PENDING |
| Cache | TTL 5min | ⏳ |

## 🚦 STATUS LIVE

### LOT-A-001 (CRITIQUE)
**Status**: ⏳ À DÉMARRER
**Deadline**: 60 minutes

### LOT-A-002 (HAUTE)
**Status**: ⏳ EN ATTENTE (après A-001)
**Agent assigné**: test-engineer
**Deadline**: 1h30

---

**NEXT ACTION**: Distribuer LOT-A-001
"""

ENGLISH = (
    FRENCH.replace("ÉTAT ACTUEL", "CURRENT STATE")
    .replace("Déjà Complété", "Already Completed")
    .replace("BLOQUANTS", "BLOCKING")
    .replace("DISTRIBUTION DES TODOs", "TODO BATCHES")
    .replace("**Priorité**", "**Priority**")
    .replace("CRITIQUE", "CRITICAL")
    .replace("HAUTE", "HIGH")
    .replace("**Tâches**", "**Tasks**")
    .replace("**Livrable attendu**", "**Deliverables**")
    .replace("Section dans", "Section in")
    .replace("**Fichier central**", "**Central file**")
    .replace("MÉTRIQUES DE SUCCÈS", "SUCCESS METRICS")
    .replace("À DÉMARRER", "TO START")
    .replace("EN ATTENTE (après", "PENDING (after")
    .replace("**Agent assigné**", "**Assigned agent**")
)

STRICT_REPORT = """### LOT-A-001: COMPLETED
**Date**: 2026-01-26 15:00
**Agent**: backend-architect
**ID**: LOT-A-001
**Durée**: 25m
**Tâches**:
1. ✅ Cache: 4 tests
2. ✅ Guide: README

**Files Created**:
- src/cache.py

**Status**: DONE - Prêt pour nouvelle TODO
"""


def read(text: str) -> Session:
    """Read a session from text."""
    return parse_session(SourceText(text=text))


def plan(name: str = "LOT-A-001", order: int = 0, **changes) -> BatchPlan:
    """Return a plan of two tasks."""
    values = {
        "id": BatchId(name),
        "order": order,
        "priority": Priority.HIGH,
        "tasks": (TaskPlan(ordinal=1, title="Cache"), TaskPlan(ordinal=2, title="Guide")),
        "agents": ("backend-architect",),
        "depends_on": (),
        "adapter": "command",
        "deadline_ms": 60_000,
        "idle_ms": 10_000,
        "attempts_max": 2,
    }
    return BatchPlan(**(values | changes))


def started(*plans: BatchPlan, **policy) -> RunStarted:
    """Return the start of a run."""
    return RunStarted(
        run_id="RUN",
        batches=plans,
        policy=RunPolicy(**policy),
        document_path="session.md",
        document_sha256="",
        acceptance_sha256="",
        central_sha256="",
        base_commit="c0",
    )


def fold_all(*events: Event, at_ms: int = 1_000) -> RunState:
    """Fold events that happen a second apart."""
    state = RunState()
    for sequence, event in enumerate(events, start=1):
        recorded = Recorded(sequence=sequence, at_ms=at_ms * sequence, event=event)
        state = fold(state, recorded)
    return state


def baseline(name: str = "LOT-A-001") -> BaselineTaken:
    """Return a baseline without checks."""
    return BaselineTaken(batch_id=BatchId(name), base_commit="c0", results=())


def planned(name: str = "LOT-A-001", attempt: int = 1, **changes) -> AttemptPlanned:
    """Return an attempt whose id names batch and number."""
    values = {"worktree": "/w", "attempt_dir": "/a", "base_commit": "c0"}
    return AttemptPlanned(
        batch_id=BatchId(name),
        attempt=attempt,
        attempt_id=f"{name}/{attempt}",
        **(values | changes),
    )


def running(name: str = "LOT-A-001", attempt: int = 1) -> AttemptStarted:
    """Return the start of an attempt's process."""
    return AttemptStarted(batch_id=BatchId(name), attempt_id=f"{name}/{attempt}", pid=7)


def ended(
    name: str = "LOT-A-001", attempt: int = 1, execution: Execution = Execution.OK, **changes
) -> AttemptEnded:
    """Return the end of an attempt."""
    values = {"detail": "", "exit_code": 0, "orphans_killed": 0, "orphans_left": 0}
    return AttemptEnded(
        batch_id=BatchId(name),
        attempt_id=f"{name}/{attempt}",
        execution=execution,
        **(values | changes),
    )


def verified(
    name: str = "LOT-A-001",
    attempt: int = 1,
    proofs: tuple[Proof, ...] = (Proof.PASS, Proof.PASS),
    **changes,
) -> AttemptVerified:
    """Return the verdict on an attempt, one proof for each task."""
    values = {"results": (), "tampering": ()}
    return AttemptVerified(
        batch_id=BatchId(name),
        attempt_id=f"{name}/{attempt}",
        commit="c1",
        proofs=tuple(
            TaskProof(ordinal=ordinal, proof=proof, reason=f"reason {ordinal}")
            for ordinal, proof in enumerate(proofs, start=1)
        ),
        **(values | changes),
    )


def report(
    name: str = "LOT-A-001", *marks: Mark, digest: str = "d1", nonce: str | None = None
) -> Report:
    """Return a report with these marks."""
    return Report(
        batch_id=name,
        level=ReportLevel.SHORT,
        verdict=ReportVerdict.COMPLETED,
        line=1,
        date="2026-01-26",
        agent="backend-architect",
        duration_min=None,
        claims=tuple(
            TaskClaim(ordinal=ordinal, mark=mark, title="", result="")
            for ordinal, mark in enumerate(marks, start=1)
        ),
        files=(),
        nonce=nonce,
        digest=digest,
        text=f"### {name}: COMPLETED",
    )


def accepted(name: str = "LOT-A-001", attempt: int = 1, *marks: Mark) -> ReportAccepted:
    """Return an accepted report."""
    return ReportAccepted(
        batch_id=BatchId(name),
        attempt_id=f"{name}/{attempt}",
        report=report(name, *marks, digest=f"{name}/{attempt}/{marks}"),
        source="CLAUDE.md",
    )
