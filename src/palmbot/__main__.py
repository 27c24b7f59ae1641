"""Lets `python -m palmbot` do what `palmbot` does."""

import sys

from palmbot.cli.main import main

sys.exit(main())
