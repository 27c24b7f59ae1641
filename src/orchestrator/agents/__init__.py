"""Starts, watches and stops coding agents, each behind the same small port.

May import `ports`, `core`, `document` and `domain`; never a neighbour. Start with
`process_runner.py` and `keeper.py`; the command lines are in `adapters`.
"""
