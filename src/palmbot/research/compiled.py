"""Where compiled kernels are kept: a folder named by a hash of all that went into them.

numba's cache does not notice an edit in the file of an inlined function, and one stale rule would
break the agreement with the exact engine. So the folder's name holds the sources, the versions and
nothing else. Import this module before a module with compiled functions.
"""

import hashlib
import os
import platform
from pathlib import Path
from typing import Final

import numba

SOURCES: Final = (
    "core/rsi.py",
    "core/strategy.py",
    "core/fills.py",
    "research/rules.py",
    "research/kernel.py",
    "research/resampling.py",
)
"""Every file with a function that ends up in compiled code, below the package."""

PACKAGE: Final = Path(__file__).parents[1]


def hash_sources() -> str:
    """Return the SHA-256, in hex, of everything that decides what the kernels compute."""
    digest = hashlib.sha256()
    for name in SOURCES:
        digest.update(name.encode() + b"\0" + (PACKAGE / name).read_bytes() + b"\0")
    digest.update(f"{numba.__version__} {platform.python_version()}".encode())
    return digest.hexdigest()


def find_cache() -> Path:
    """Return the folder of this build's compiled code; it need not exist yet."""
    home = os.environ.get("XDG_CACHE_HOME")
    root = Path(home) if home else Path.home() / ".cache"
    return root / "palm-oil-bot" / f"numba-{hash_sources()[:16]}"


def is_compiled() -> bool:
    """Tell whether an earlier run has left compiled code for this build."""
    return any(find_cache().rglob("*.nbi"))


def use_cache() -> bool:
    """Point numba to the folder; return False, and compile anew, where it cannot be written."""
    folder = find_cache()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    if not os.access(folder, os.W_OK):
        return False
    numba.config.CACHE_DIR = str(folder)
    return True


CAN_CACHE: Final = use_cache()
