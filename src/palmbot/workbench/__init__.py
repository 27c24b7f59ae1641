"""Wires what runs beside a broker: demo, backtest, optimize, history files.

May import every room but `cli`. Holds no rules of its own: it joins rooms and returns results.
"""
