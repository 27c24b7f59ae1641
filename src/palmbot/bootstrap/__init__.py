"""Wires the trading bot: parts of every room below, put together, and run.

May import everything below `config`'s row and no research tool. Start with `opening.open_bot`, then
`running.run_bot`.
"""
