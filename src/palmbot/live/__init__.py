"""The trading shell: one loop, one bounded queue, one writer of state.

May import `ports`, `core`, `ctrader` and `domain`; adapters are handed in.
Start reading at `palmbot.live.trader`: the order of its steps is the safety argument.
"""
