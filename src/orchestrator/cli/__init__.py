"""The commands a person types: arguments, one call, one rendering, exit code.

May import every room of the orchestrator.
"""
