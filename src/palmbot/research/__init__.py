"""Backtests, parameter sweeps, walk-forward runs and the evidence they leave.

May import `pricefiles`, `reports` and the rooms below them. Needs the extra `research`; nothing
that trades imports this room.
"""
