"""The words of the orchestrator: batches, tasks, claims, proofs, verdicts, events, commands.

Imports nothing of ours and does no I/O. Start with `batches.py`, then `events.py`.
"""
