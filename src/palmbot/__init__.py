"""The trading bot: one palm-oil CFD, one broker account, one pure decision function.

The rooms and who may import whom stand in `ARCHITECTURE.md` and are enforced by import-linter.
Start reading at `palmbot.core.engine`, then `palmbot.live.trader`.
"""
