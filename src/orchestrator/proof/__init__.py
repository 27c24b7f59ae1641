"""Runs the checks behind a claim and keeps their evidence.

May import `ports`, `core`, `document` and `domain`; never a neighbour. Start with
`check_runner.py`.
"""
