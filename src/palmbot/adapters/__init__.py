"""The outside things of the trading bot, one port and one technology per file.

May import `ports`, `core`, `ctrader` and `domain`; never a neighbour (`live`, `research`,
`sentiment`, `simulator`). Foreign exceptions are translated here and travel no further.
Start reading at `palmbot.adapters.sqlite_journal`.
"""
