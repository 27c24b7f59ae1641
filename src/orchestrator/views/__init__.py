"""What people look at: the terminal and HTML.

May import `ports`, `core`, `document` and `domain`; never a neighbour. Renders, decides nothing.
Start with `terminal.py`.
"""
