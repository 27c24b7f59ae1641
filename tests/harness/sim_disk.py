"""A modelled disk and the journal on it: what is committed survives, the rest does not.

Written apart from the SQLite journal it stands for; both promise what `ports.Journal` says.
A commit takes a seeded time. A death drops what was under way, or keeps a prefix of it: a coin
says how many of the transactions handed to the disk had become durable, unknown to anybody.
"""

from dataclasses import dataclass
from typing import NamedTuple

import msgspec

from palmbot.adapters.journal_codec import (
    decode_event,
    decode_state,
    encode_commands,
    encode_state,
)
from palmbot.adapters.journal_projections import has_changes
from palmbot.core import engine
from palmbot.core.state import EngineState, initial_state
from palmbot.domain.errors import JournalWriteFailed
from palmbot.domain.orders import IN_FLIGHT, IntentKind

_encode = msgspec.json.Encoder().encode

GROUP_STEPS_MAX = 512
GROUP_AGE_S = 1.0


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskFaults:
    """Times in seconds; probabilities per transaction."""

    commit_s: float = 0.004
    slow: float = 0.0
    slow_s_max: float = 5.0
    fail: float = 0.0
    """The write fails, and so does everything after it."""
    is_lying: bool = False
    """It says durable before it is, as a disk without synchronisation does. No plan draws it."""


class Row(NamedTuple):
    """One recorded step."""

    sequence: int
    run_id: str
    event: object
    decision: object
    event_text: bytes
    commands_text: bytes


class JournalLost(Exception):
    """What came back from the disk is not what was stored."""


class SimDisk:
    """Survives the processes that write on it."""

    def __init__(self, loop, random, faults, snapshot_steps):
        self.faults = faults
        self.rows = []
        """Committed steps, oldest first."""
        self.runs = {}
        """Parameters by run."""
        self.committed_intents = {}
        """Sequence at which an intent first became durable."""
        self.acknowledged = 0
        """Newest step of which a process was told that it is durable."""
        self.commits = 0
        self.recoveries = 0
        self._loop = loop
        self._random = random
        self._snapshot_steps = snapshot_steps
        self._snapshot = None
        self._intents = {}
        self._journal = None

    def open(self, node, run_id, params, on_append):
        """Return the journal of a new process and the state that the disk gives back.

        Raises:
            JournalLost: the stored steps decide otherwise than they did.
        """
        state = self.recover()
        self.runs[run_id] = params
        sequence = self.rows[-1].sequence if self.rows else 0
        self._journal = SimJournal(self, node, run_id, sequence, on_append)
        return self._journal, state

    def lose_power(self):
        """The process died: drop what was not committed, but for a prefix that a coin keeps."""
        if self._journal is not None:
            self._journal.die(self._random.random())

    def write(self, rows):
        """Make one transaction durable, or say what forbids it."""
        changed = {
            intent.intent_id: intent for row in rows for intent in row.decision.changed_intents
        }
        if changed:
            intents = {**self._intents, **changed}
            if refusal := _find_conflict(intents):
                return refusal
            self._intents = intents
        for row in rows:
            if self.rows and row.sequence != self.rows[-1].sequence + 1:
                raise JournalLost(f"step {row.sequence} follows {self.rows[-1].sequence}")
            self.rows.append(row)
            for intent in row.decision.changed_intents:
                self.committed_intents.setdefault(intent.intent_id, row.sequence)
        self.commits += 1
        if rows and (
            self._snapshot is None or rows[-1].sequence - self._snapshot[0] >= self._snapshot_steps
        ):
            self._snapshot = (rows[-1].sequence, encode_state(rows[-1].decision.state))
        return ""

    def draw_commit(self):
        """Return how long the next commit takes, and whether it fails."""
        faults, draw = self.faults, self._random.random
        delay_s = faults.commit_s * (0.5 + draw())
        if faults.slow and draw() < faults.slow:
            delay_s = faults.slow_s_max * draw()
        return delay_s, bool(faults.fail) and draw() < faults.fail

    @property
    def loop(self):
        """The loop that moves the disk."""
        return self._loop

    def recover(self) -> EngineState | None:
        """Fold the steps after the newest snapshot, as the real journal does at a start.

        Raises:
            JournalLost: the stored steps decide otherwise than they did.
        """
        if not self.rows:
            return None
        self.recoveries += 1
        after, state = 0, None
        if self._snapshot is not None:
            after, text = self._snapshot
            state = decode_state(text)
            if state is None:
                raise JournalLost(f"the snapshot of step {after} cannot be read back")
        for row in self.rows[after:]:
            params = self.runs[row.run_id]
            event = decode_event(type(row.event).__name__.encode(), row.event_text)
            decision = engine.decide(state or initial_state(params), event, params)
            if encode_commands(decision) != row.commands_text:
                raise JournalLost(f"step {row.sequence} has other commands when replayed")
            state = decision.state
        if state != self.rows[-1].decision.state:
            raise JournalLost(f"the state after step {self.rows[-1].sequence} is another one")
        return state


class SimJournal:
    """Implements `ports.Journal` for one process."""

    def __init__(self, disk, node, run_id, sequence, on_append):
        self._disk = disk
        self._node = node
        self._run_id = run_id
        self._sequence = sequence
        self._on_append = on_append
        self._waiting = []
        self._under_way = []
        self._due_s = 0.0
        self._flush_timer = None
        self.failure = ""

    async def append(self, event, decision):
        """See `ports.Journal.append`."""
        self._node.pass_kill_point()
        if self.failure:
            raise JournalWriteFailed(self.failure)
        sequence = decision.state.sequence
        if sequence != self._sequence + 1:
            raise JournalWriteFailed(f"step {sequence} does not follow step {self._sequence}")
        self._sequence = sequence
        texts = (_encode(event), encode_commands(decision))
        self._waiting.append(Row(sequence, self._run_id, event, decision, *texts))
        self._on_append(event, decision)
        if has_changes(decision) or decision.commands:
            await self.flush()
            self._node.pass_kill_point()
        elif len(self._waiting) >= GROUP_STEPS_MAX:
            self._submit()
        elif self._flush_timer is None:
            self._flush_timer = self._disk.loop.call_later(GROUP_AGE_S, self._submit)

    async def flush(self):
        """Return once every appended step is durable."""
        outcome = self._disk.loop.create_future()
        self._submit(outcome)
        await outcome
        if self.failure:
            raise JournalWriteFailed(self.failure)
        self._disk.acknowledged = max(self._disk.acknowledged, outcome.result())

    async def close(self):
        """Commit what waits."""
        if not self.failure:
            await self.flush()

    def die(self, coin):
        """Keep the first of the transactions under way, as many as the coin says."""
        for rows, _, is_failing in self._under_way[: int(coin * (len(self._under_way) + 1))]:
            if is_failing or self.failure or self._disk.write(rows):
                break
        self._under_way.clear()
        self.failure = "the process is dead"

    def _submit(self, outcome=None):
        if self._flush_timer is not None:
            self._flush_timer.cancel()
            self._flush_timer = None
        rows, self._waiting = self._waiting, []
        delay_s, is_failing = self._disk.draw_commit()
        self._due_s = max(self._due_s + 1e-6, self._disk.loop.now_s + delay_s)
        job = (rows, outcome, is_failing)
        self._under_way.append(job)
        self._disk.loop.call_outside(self._due_s, self._finish, job)
        if self._disk.faults.is_lying and outcome is not None:
            outcome.set_result(rows[-1].sequence if rows else 0)

    def _finish(self, job):
        if job not in self._under_way:
            return
        self._under_way.remove(job)
        rows, outcome, is_failing = job
        if not self.failure:
            if is_failing:
                self.failure = "no space left on the simulated disk"
            else:
                self.failure = self._disk.write(rows)
        if outcome is not None and not outcome.done():
            outcome.set_result(rows[-1].sequence if rows else 0)


def _find_conflict(intents):
    """Return which rule of the tables the intents break: the unique indexes of the schema."""
    bars, slots, requests = set(), set(), set()
    for intent in intents.values():
        if intent.kind is IntentKind.ENTRY:
            bar = (intent.strategy, intent.symbol_id, intent.side, intent.bar_time)
            if bar in bars:
                return f"a second entry for bar {intent.bar_time}"
            bars.add(bar)
            if intent.state in IN_FLIGHT:
                if intent.symbol_id in slots:
                    return "a second entry in flight"
                slots.add(intent.symbol_id)
        elif intent.state in IN_FLIGHT and intent.position_id is not None:
            request = (intent.position_id, intent.kind)
            if request in requests:
                return f"a second {intent.kind} in flight for position {intent.position_id}"
            requests.add(request)
    return ""
