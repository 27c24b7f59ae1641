"""Message classes that `make proto` writes from `proto/`; never edited by hand.

Only `palmbot.ctrader` and `palmbot.simulator` may import them.
"""
