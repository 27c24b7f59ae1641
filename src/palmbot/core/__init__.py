"""The decisions of the bot, pure: same state and event, same answer.

May import `domain` alone: no clock, randomness, I/O or log. Live trading, journal replay and the
exact backtest all call `palmbot.core.engine.decide`; start reading there.
"""
