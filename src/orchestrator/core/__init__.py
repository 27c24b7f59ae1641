"""The decisions of the orchestrator, pure: events fold into a state, a state and an event decide.

May import `domain` alone: no clock, randomness, I/O or log.
"""
