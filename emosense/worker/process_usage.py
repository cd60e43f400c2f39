"""Memory and processor time of another process, from Linux's /proc; unknown on other systems."""

from __future__ import annotations

import os
from pathlib import Path


def resident_bytes(pid: int) -> int | None:
    """Return the resident memory of a process in bytes (proc(5), statm); None if it is unknown.

    >>> resident_bytes(-1) is None
    True
    """
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_bytes().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")


def cpu_seconds(pid: int) -> float | None:
    """Return the processor time of a process in seconds (proc(5), stat); None if it is unknown.

    >>> cpu_seconds(-1) is None
    True
    """
    try:
        # The name of the program, in brackets, may hold spaces and brackets.
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        ticks = int(fields[11]) + int(fields[12])
    except (OSError, IndexError, ValueError):
        return None
    return ticks / os.sysconf("SC_CLK_TCK")
