"""Hands the batches of a session document to coding agents and checks what they claim.

Knows nothing of `palmbot`, and `palmbot` nothing of it. COMPLETED is a claim; only a check that
ran makes it done. The rooms stand in `ARCHITECTURE.md`.
"""
