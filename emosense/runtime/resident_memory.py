"""Resident memory of this process."""

from __future__ import annotations

import os
from pathlib import Path

_STATM = Path("/proc/self/statm")


def resident_bytes() -> int | None:
    """Return the resident set size of this process in bytes; None where there is no procfs.

    Source: proc_pid_statm(5), second field, in pages.

    >>> resident_bytes() is None or resident_bytes() > 0
    True
    """
    try:
        return int(_STATM.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError, ValueError):
        return None
