"""Starts, watches and stops coding agents, each behind the same small port.

May import `ports`, `core`, `document` and `domain`; never a neighbour.
"""
