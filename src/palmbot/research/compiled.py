"""What compiled code shares: the rules it inlines, its array types, and where it is kept.

numba's cache does not notice an edit in the file of an inlined function, and one stale rule would
break the agreement with the exact engine. So compiled code is kept in a folder named by a hash of
everything that went into it. Modules with compiled functions import this one first.
"""

import hashlib
import os
import platform
from collections.abc import Callable
from pathlib import Path
from typing import Final, TypeAlias, TypeVar

import numba
import numpy as np
import numpy.typing as npt
from numba.extending import register_jitable

from palmbot.core import fills, rsi, strategy
from palmbot.research import rules

Int32s: TypeAlias = npt.NDArray[np.int32]
Int8s: TypeAlias = npt.NDArray[np.int8]

SOURCES: Final = (
    "core/rsi.py",
    "core/strategy.py",
    "core/fills.py",
    "research/rules.py",
    "research/candidates.py",
    "research/exits.py",
    "research/kernel.py",
    "research/resampling.py",
    "research/watched_bars.py",
    "research/breaker_steps.py",
    "research/guarded.py",
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


def hash_code() -> str:
    """Return the SHA-256, in hex, of every source file that a result of a search rests on."""
    digest = hashlib.sha256()
    for room in ("core", "domain", "pricefiles", "research"):
        for path in sorted((PACKAGE / room).rglob("*.py")):
            digest.update(str(path.relative_to(PACKAGE)).encode() + b"\0" + path.read_bytes())
    return digest.hexdigest()


def find_cache() -> Path:
    """Return the folder of this build's compiled code; it need not exist yet."""
    home = os.environ.get("XDG_CACHE_HOME")
    root = Path(home) if home else Path.home() / ".cache"
    return root / "palm-oil-bot" / f"numba-{hash_sources()[:16]}"


def is_compiled(*, has_breakers: bool) -> bool:
    """Tell whether an earlier run has left the compiled sweep of this build."""
    name = "guarded.trace_guarded" if has_breakers else "kernel.sweep_block"
    return any(find_cache().rglob(f"{name}-*.nbi"))


def use_cache() -> bool:
    """Point numba to the folder; return False, and compile anew, where it cannot be written."""
    folder = find_cache()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return False
    if not os.access(folder, os.W_OK):
        return False
    numba.config.CACHE_DIR = str(folder)  # type: ignore[attr-defined]  # set by numba at run time
    return True


CAN_CACHE: Final = use_cache()
Function = TypeVar("Function", bound=Callable[..., object])


def inner(function: Function) -> Function:
    """Compile a function that compiled code alone calls: sooner done, and kept with its caller."""
    return _compile(function, forceinline=False)


def inlined(function: Function) -> Function:
    """Do so for a function that is called for every bar: its many arguments cost more than it."""
    return _compile(function, forceinline=True)


def _compile(function: Function, *, forceinline: bool) -> Function:
    compiled: Function = numba.njit(  # type: ignore[call-overload]  # options not in its stubs
        nogil=True, no_cpython_wrapper=True, no_cfunc_wrapper=True, forceinline=forceinline
    )(function)
    return compiled


for function in (
    rsi.update_rsi,
    rsi.read_rsi,
    strategy.read_signal,
    fills.find_entry,
    fills.find_exit,
    rules.find_distance,
    rules.find_return,
):
    register_jitable(function)
