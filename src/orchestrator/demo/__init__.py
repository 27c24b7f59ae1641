"""The demonstration: a small project, a scripted agent and the scenarios it plays.

Wires the normal loop with an agent that needs no model and no network. May import every room
but `cli`.
"""
