"""The first event of every process: starting is recovering."""

from msgspec.structs import replace

from palmbot.core.intents import turn_unknown
from palmbot.core.link import read_own_clock_until
from palmbot.core.state import LinkState
from palmbot.core.step import Step
from palmbot.domain.events import Started
from palmbot.domain.orders import IN_FLIGHT, IntentState


def on_started(step: Step, event: Started) -> None:
    """Trust nothing that was under way: not the link, not a bar, not a request.

    A request that was only stored counts as perhaps sent, because the record that it was
    sent is written after its bytes.
    """
    state = step.state
    step.state = replace(
        state,
        run_id=event.run_id,
        started_at=event.time,
        nonce=event.nonce,
        intents_made=0,
        link=LinkState(
            reason="started",
            confirmed_at=state.link.confirmed_at,
            readings_due=state.link.readings_due,
            own_clock_until=read_own_clock_until(state),
        ),
        market=replace(
            state.market, tick_generation=0, leg_ticks={}, forming=None, undecided_bar=None
        ),
        switch=replace(state.switch, is_stopping=False),
    )
    for intent in tuple(state.books.intents.values()):
        if intent.state in IN_FLIGHT and intent.state is not IntentState.UNKNOWN:
            turn_unknown(step, intent, "the program ended before the answer")
    step.say(f"run {event.run_id} started")
