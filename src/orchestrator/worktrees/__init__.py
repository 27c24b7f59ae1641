"""Git worktrees, one for each batch at work.

May import `ports`, `core`, `document` and `domain`; never a neighbour.
"""
