"""The decisions of the orchestrator, pure: events fold into a state, the state decides.

May import `domain` alone: no clock, randomness, I/O or log. `state.py` says what is known,
`fold.py` how an event changes it, `decision.py` what should be done now:

    fold(state: RunState, recorded: Recorded) -> RunState
    decide(state: RunState, now_ms: int) -> tuple[Command, ...]
"""
