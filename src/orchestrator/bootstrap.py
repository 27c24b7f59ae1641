"""Wires the orchestrator from its settings: agents, store, checks and views."""
