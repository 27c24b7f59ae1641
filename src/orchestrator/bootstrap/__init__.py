"""Wires the orchestrator: a folder with a session document becomes something that runs.

May import every room below. `inputs.py` reads what a run needs, `running.py` drives it; the others
are the smaller commands: `auditing`, `rebuilding`, `tidying`.
"""
