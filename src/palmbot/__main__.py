"""Lets `python -m palmbot` do what `palmbot` does."""

from palmbot.cli.main import main

main()
