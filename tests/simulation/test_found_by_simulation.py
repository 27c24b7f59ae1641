"""What the simulation found, told as short stories, so that it stays mended."""

from harness.sim_disk import DiskFaults
from harness.sim_plan import Plan
from harness.sim_world import run_plan
from palmbot.core.state import LinkPhase
from palmbot.domain.commands import StoreIntent
from palmbot.domain.events import AccountChanged, BooksReported, OperatorHalted
from palmbot.domain.orders import IntentKind


def test_a_halt_that_a_person_was_told_of_outlives_a_death_right_after_it():
    async def script(world):
        await world.until(
            lambda: (
                world.trader is not None and world.trader.state.link.phase is LinkPhase.CONSISTENT
            )
        )
        answer = await world.ask(OperatorHalted(actor="operator", reason="to be sure"))
        assert answer.reason == "halted by operator: to be sure"
        world.node.kill()
        await world.until(lambda: world.outcome.restarts == 1 and world.trader is not None)
        assert world.trader.state.switch.halted_by == "operator"

    outcome = run_plan(Plan(seed=5), script)

    assert not outcome.violation, outcome.violation
    assert outcome.kills == 1


def test_an_intent_that_waited_behind_slow_commits_is_too_old_to_leave():
    async def script(world):
        newest = []
        hear = world.watch.on_append

        def on_append(event, decision):
            hear(event, decision)
            if isinstance(event, BooksReported):
                newest[:] = [event.books]
            for command in decision.commands:
                if isinstance(command, StoreIntent) and command.intent.kind is IntentKind.ENTRY:
                    overtake(decision.state)

        def overtake(state):
            """Let other events stand before the answer of the journal, each slow to commit."""
            world.disk.faults = DiskFaults(commit_s=0.9)
            world.watch.inbox.put(AccountChanged(account=state.account))
            world.watch.inbox.put(BooksReported(generation=state.link.generation, books=newest[0]))

        world.watch.on_append = on_append
        await world.until(
            lambda: world.trader is not None and world.trader.state.tally.signals >= 5
        )
        refusals = world.trader.state.tally.refusals
        assert refusals.get("STALE_INTENT", 0) > 0, refusals

    outcome = run_plan(Plan(seed=5), script)

    assert not outcome.violation, outcome.violation
