"""A limit of the memory that the inference process may allocate."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from emosense.worker import process_usage

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]


class MemoryLimit:
    """A net below all other limits: what would exceed it raises MemoryError or is a decoder's error.

    RLIMIT_DATA counts private writable mappings (setrlimit(2), Linux 4.7 and later), which decoders
    allocate, but not the files and the 2 GB of address space that TensorFlow maps at rest, as
    RLIMIT_AS would. It is set above what the process has mapped with its models loaded.

    Args:
        max_bytes: maximum resident memory of the process in bytes, beside what models take more than
            usual (:func:`emosense.worker.process_usage.memory_limit`); None sets no limit.

    >>> MemoryLimit(None).headroom is None
    True
    """

    def __init__(self, max_bytes: int | None) -> None:
        self._max_bytes = max_bytes if resource is not None else None
        self._baseline = 0
        self.apply()

    @property
    def headroom(self) -> int | None:
        """Bytes that may be allocated beyond the present; None if there is no limit."""
        mapped = _data_bytes()
        if self._max_bytes is None or mapped is None:
            return None
        return int(resource.getrlimit(resource.RLIMIT_DATA)[0]) - mapped

    def apply(self) -> None:
        """Set the limit above what is allocated now."""
        mapped, resident = _data_bytes(), process_usage.resident_bytes(os.getpid())
        if self._max_bytes is None or mapped is None or resident is None:
            return
        limit = process_usage.memory_limit(self._max_bytes, self._baseline)
        _set_soft_limit(mapped + max(0, limit - resident))

    @contextmanager
    def lifted(self) -> Iterator[None]:
        """Lift the limit while something is loaded that stays."""
        if self._max_bytes is not None:
            _set_soft_limit(resource.RLIM_INFINITY)
        before = process_usage.resident_bytes(os.getpid()) or 0
        try:
            yield
        finally:
            after = process_usage.resident_bytes(os.getpid()) or 0
            self._baseline += max(0, after - before)
            self.apply()


def _set_soft_limit(size: int) -> None:
    hard = resource.getrlimit(resource.RLIMIT_DATA)[1]
    if hard != resource.RLIM_INFINITY and (size == resource.RLIM_INFINITY or size > hard):
        size = hard
    resource.setrlimit(resource.RLIMIT_DATA, (size, hard))


def _data_bytes() -> int | None:
    """Return the size of this process's private writable mappings; None if it is unknown."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmData:"):
                return int(line.split()[1]) * 1024
    except (OSError, ValueError, IndexError):
        pass
    return None
