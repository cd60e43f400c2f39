"""Memory and processor time of another process, from Linux's /proc; unknown on other systems."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

BASELINE_BYTES: Final = 2**28
"""Resident memory of a process that has loaded a model and computes by ONNX Runtime."""


def memory_limit(max_bytes: int, baseline: int) -> int:
    """Return the maximum resident memory of a process in bytes.

    A request may take what lies between ``max_bytes`` and :data:`BASELINE_BYTES`. The process of
    another backend has taken more before the first request comes: TensorFlow takes .9 GB on a CPU,
    and 2 GB and more with a GPU's libraries, which would leave nothing for a photo.

    Args:
        max_bytes: maximum for a process of the ordinary baseline, in bytes.
        baseline: resident memory of the process with its models loaded, in bytes.

    >>> memory_limit(2**30, 2**28) == 2**30
    True
    >>> memory_limit(2**30, 2**31) == 2**31 + 2**30 - BASELINE_BYTES
    True
    """
    return max_bytes + max(0, baseline - BASELINE_BYTES)


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
