"""The commands a person types: arguments, one call, one rendering, exit code.

May import every room; commands are registered by name, so a live run loads no research tool.
Start reading at `palmbot.cli.main`.
"""
