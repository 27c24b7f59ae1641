"""Self-contained HTML reports with plots, for people.

May import `core` and `domain`. Renders what it is given; computes no figure of its own.
"""
