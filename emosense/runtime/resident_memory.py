"""Resident memory of this process."""

from __future__ import annotations

import os

_STATM = "/proc/self/statm"


def resident_bytes() -> int | None:
    """Return the resident set size of this process in bytes; None where there is no procfs.

    Source: proc_pid_statm(5), second field, in pages.

    >>> resident_bytes() is None or resident_bytes() > 0
    True
    """
    try:
        # Not by a Python file, which takes ten times as long: a video asks after every frame.
        file = os.open(_STATM, os.O_RDONLY)
        try:
            return int(os.read(file, 200).split()[1]) * os.sysconf("SC_PAGE_SIZE")
        finally:
            os.close(file)
    except (OSError, IndexError, ValueError):
        return None
