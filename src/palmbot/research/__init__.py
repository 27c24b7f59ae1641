"""Backtests, parameter sweeps, walk-forward runs and the evidence they leave.

May import `pricefiles`, `reports` and the rooms below them. Needs the extra `research`; nothing
that trades imports this room.

The search starts in `optimize`: `sweep` runs `kernel` over a `grid`; `null_test`, `walk_forward`
and `overfitting` speak against what it found; `verdict` says whether to believe it.
"""
