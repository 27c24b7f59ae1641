"""The words every other room speaks: units, market, orders, events, commands, errors.

Imports nothing of ours. Start reading at `units`, then `events`: all that can happen.
"""
