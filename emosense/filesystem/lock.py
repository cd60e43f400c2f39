"""Locks on files, by which processes know what belongs to a living one.

They are advisory locks of the operating system (``flock``, by the package filelock). A lock ends with
its process, also with one that is killed, and other containers that share the folder see it; a process
id is neither: it is used again, and means another process in another PID namespace.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from filelock import lock_descriptor


class FileLock:
    """A lock that this process holds, until it releases it or ends. See :func:`lock_file`.

    Args:
        descriptor: descriptor of the locked file; the lock closes it.

    >>> lock = lock_file(Path("lock"), os.O_CREAT)
    >>> lock.is_held, lock_file(Path("lock"))
    (True, None)
    >>> lock.release()
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor: Final = descriptor
        _held.add(self)

    @property
    def is_held(self) -> bool:
        """Whether this process holds the lock: not after its release, nor in a forked child."""
        return self in _held

    def release(self) -> None:
        """Release the lock, by closing its file; once more does nothing."""
        if self.is_held:
            _held.discard(self)
            os.close(self.descriptor)


_held: set[FileLock] = set()


def _close_in_child() -> None:
    """Close the files that a fork has copied: a copy would keep the lock after its owner's end."""
    for lock in list(_held):
        lock.release()


# Other programs inherit no file that Python opens (PEP 446).
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_close_in_child)


def lock_file(path: Path, flags: int = 0, mode: int = 0o600) -> FileLock | None:
    """Open a file for reading and writing and lock it, without waiting.

    Args:
        path: path of the file.
        flags: further flags of :func:`os.open`, e.g. ``os.O_CREAT``.
        mode: permissions of a new file.

    Returns:
        The lock; None if another process holds it, or has removed the file meanwhile.

    Raises:
        FileNotFoundError: there is no such file.
        OSError: the file cannot be opened, or its file system has no locks.
    """
    descriptor = os.open(path, os.O_RDWR | flags, mode)
    try:
        if lock_descriptor(descriptor, blocking=False) and _is_at(descriptor, path):
            return FileLock(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _is_at(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False
