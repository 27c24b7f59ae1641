"""What people look at: the live picture, the page and its timeline, with hostile texts in them."""

from rich.console import Console

from harness.orchestrator_papers import (
    accepted,
    baseline,
    ended,
    fold_all,
    plan,
    planned,
    running,
    started,
    verified,
)
from orchestrator.domain.claims import Mark
from orchestrator.domain.events import BatchIntegrated, OperatorPaused, Recorded
from orchestrator.domain.plans import TaskPlan
from orchestrator.domain.proofs import Proof
from orchestrator.domain.verdicts import Execution
from orchestrator.views.live import LiveView
from orchestrator.views.page import render_page
from orchestrator.views.terminal import render_run
from orchestrator.views.timeline import draw_timeline

ONE = "LOT-A-001"
EVIL = "<script>alert(1)</script>[red]\x1b[2J"
FIRST = (started(plan()), baseline(), planned(), running(), accepted(ONE, 1, Mark.OK, Mark.OK))
LIE = (*FIRST, ended(), verified(proofs=(Proof.PASS, Proof.FAIL)))
DONE = (
    *LIE,
    planned(attempt=2),
    running(attempt=2),
    ended(attempt=2),
    verified(attempt=2),
    BatchIntegrated(batch_id=plan().id, attempt_id=f"{ONE}/2", commit="c2"),
)


class StoppedClock:
    def __init__(self, at_ms):
        self.at_ms = at_ms

    def now_ms(self):
        return self.at_ms


def show(renderable):
    console = Console(width=140, record=True, file=None, force_terminal=False)
    with console.capture() as shown:
        console.print(renderable)
    return shown.get()


def recorded(*events):
    return [
        Recorded(sequence=n, at_ms=1_000 * n, event=event)
        for n, event in enumerate(events, start=1)
    ]


def test_the_live_picture_says_how_much_time_an_agent_has_left():
    state = fold_all(*FIRST[:4])  # started at 4 s, with a minute to work
    assert "attempt 1 of 2" in show(LiveView(StoppedClock(14_000), state))
    assert "0:50 to the deadline" in show(LiveView(StoppedClock(14_000), state))
    assert "the deadline has passed" in show(LiveView(StoppedClock(65_000), state))


def test_the_live_picture_says_what_a_run_waits_for():
    quota = ended(execution=Execution.QUOTA, retry_at_ms=7_200_000 + 60_000)
    waiting = fold_all(*FIRST[:4], quota)
    assert "waits for quota" in show(LiveView(StoppedClock(60_000), waiting))
    assert "2:00:00 left" in show(LiveView(StoppedClock(60_000), waiting))
    paused = fold_all(started(plan()), OperatorPaused())
    assert "orchestrate resume" in show(LiveView(StoppedClock(0), paused))


def test_a_page_shows_a_lie_that_was_made_good_later():
    page = render_page(fold_all(*DONE), recorded(*DONE))
    assert page.count('<rect class="working"') == 2
    assert page.count('<rect class="refuted"') == page.count('<rect class="held"') == 1
    assert '<b class="fail">1 of 2</b>claims that held' in page
    assert '<td class="lie">2</td>' in page


def test_texts_of_others_are_text_in_every_picture():
    evil = plan(name=ONE, tasks=(TaskPlan(ordinal=1, title=EVIL),), agents=(EVIL,))
    events = (started(evil), baseline(), planned(), running(), ended(detail=EVIL))
    state = fold_all(*events)
    page = render_page(state, recorded(*events))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    told = show(render_run(state))
    assert "[red]" in told, "markup of others is shown, not obeyed"
    assert "\x1b[2J" not in told


def test_without_an_attempt_there_is_no_picture():
    assert draw_timeline([ONE], recorded(started(plan()))) == ""
