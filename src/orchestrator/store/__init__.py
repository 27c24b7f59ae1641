"""The event log and the artifacts of a run, in SQLite and on disk.

May import `ports`, `core`, `document` and `domain`; never a neighbour. Start with
`sqlite_log.py`.
"""
