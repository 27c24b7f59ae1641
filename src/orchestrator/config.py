"""Reads the orchestrator's settings into validated, frozen values."""
