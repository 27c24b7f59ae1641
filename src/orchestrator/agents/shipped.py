"""Where the agent files that come with this program lie."""

from pathlib import Path
from typing import Final

SHIPPED_LIBRARY: Final = Path(__file__).with_name("library_files")
"""One `NAME.md` for each agent; a project's own folder goes before it in `read_library`."""
