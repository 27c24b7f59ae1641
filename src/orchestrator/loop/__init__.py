"""The one loop: reads what happened, asks `core` what to do, and has it done.

May import `ports`, `core`, `document` and `domain`; never a neighbour. Start with `engine.py`.
"""
