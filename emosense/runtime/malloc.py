"""Limits on the server's memory use, by glibc's malloc; with other C libraries they do nothing.

glibc gives new threads separate arenas (heaps), up to eight per core. Streamlit runs every script in
a new thread, so all arenas grow to the size of the largest upload they ever held, and a single live
allocation at the end of an arena keeps it from shrinking.
"""

from __future__ import annotations

import ctypes
import gc
import os
from functools import lru_cache
from typing import Any, Final

MAX_ARENAS: Final = 2
_M_ARENA_MAX: Final = -8  # M_ARENA_MAX in glibc's malloc.h; see mallopt(3)


@lru_cache(maxsize=1)
def limit_malloc_arenas() -> None:
    """Limit malloc to :data:`MAX_ARENAS` arenas in this process; call it before threads start."""
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_M_ARENA_MAX, MAX_ARENAS)


def trim_malloc() -> None:
    """Collect garbage and return free memory to the operating system."""
    gc.collect()
    return_free_memory()


def return_free_memory() -> None:
    """Return free memory to the operating system, without a collection, which stops all threads."""
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def _glibc() -> Any:
    libc = ctypes.CDLL(None) if os.name == "posix" else None
    return libc if hasattr(libc, "gnu_get_libc_version") else None
