"""Limits the server's memory: two settings of glibc's malloc.

glibc gives each new thread a heap of its own, up to eight per core. Streamlit runs every visit in
new threads, so that all these heaps grow to the size of the largest upload they ever held, and
nothing that lives on in one of them lets it shrink. Elsewhere than with glibc both do nothing.
"""

from __future__ import annotations

import ctypes
import gc
import os
from functools import lru_cache
from typing import Any, Final

HEAPS: Final = 2
_M_ARENA_MAX: Final = -8  # of glibc's malloc.h; mallopt(3)


@lru_cache(maxsize=1)
def limit_malloc_arenas() -> None:
    """Limit malloc to :data:`HEAPS` arenas for all threads of this process; call it early."""
    libc = _glibc()
    if libc is not None:
        libc.mallopt(_M_ARENA_MAX, HEAPS)


def trim_malloc() -> None:
    """Return freed memory to the system."""
    gc.collect()
    libc = _glibc()
    if libc is not None:
        libc.malloc_trim(0)


def _glibc() -> Any:
    libc = ctypes.CDLL(None) if os.name == "posix" else None
    return libc if hasattr(libc, "gnu_get_libc_version") else None
