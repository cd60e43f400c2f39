"""Temporary folders that are removed with their process, however it ends.

Each folder holds a lock file, and whoever made the folder holds its lock (an advisory lock of the
operating system, by the package filelock) for as long as it lives. A lock ends with its process,
also with one that is killed, and is seen from other containers that share the folder; a process id
is neither: it is used again, and means another process in another PID namespace.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
import stat
import tempfile
from pathlib import Path
from typing import Final

from filelock import lock_descriptor

LOCK_FILE: Final = ".lock"
"""Name of the lock file in each folder."""

_PREFIX: Final = "emosense-"
_NAME: Final = re.compile(rf"{_PREFIX}[a-z0-9_]{{8}}")
"""Names that tempfile makes."""

_ATTEMPTS: Final = 100


class TemporaryFolder:
    """A folder for temporary files, readable by this user only.

    Its construction removes the folders of processes that have ended; see :func:`remove_stale`.

    Args:
        root: parent folder; None uses the system's folder for temporary files.

    Attributes:
        path: path of the folder.

    Raises:
        OSError: the folder cannot be made or locked.

    >>> with TemporaryFolder(Path(".")) as path:
    ...     _ = (path / "video.mp4").write_bytes(b"...")
    >>> path.exists()
    False
    """

    def __init__(self, root: Path | None = None) -> None:
        root = root or Path(tempfile.gettempdir())
        remove_stale(root)
        self.path, self._lock = _create(root)

    def __enter__(self) -> Path:
        return self.path

    def __exit__(self, *_: object) -> None:
        self.remove()

    def remove(self) -> None:
        """Remove the folder with its contents; what cannot be removed is left to the next process."""
        if self._lock.is_held:  # not in a forked child, which does not own the folder
            _remove(self.path, self._lock)


def remove_stale(root: Path) -> None:
    """Remove this user's folders of ended processes: those whose lock nobody holds.

    Safe to call from any number of processes at once. Folders of other programs, and folders that
    somebody named so by hand, are left alone.

    Args:
        root: the folders' parent folder.
    """
    for folder in root.glob(f"{_PREFIX}*"):
        with contextlib.suppress(OSError):  # removed meanwhile, or not to be removed
            if _NAME.fullmatch(folder.name) and _is_private(folder):
                _remove_if_stale(folder)


class _Lock:
    """A lock that this process holds, with its open file."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        _held.add(self)

    @property
    def is_held(self) -> bool:
        """Whether this process holds the lock: not after its release, nor in a forked child."""
        return self in _held

    def release(self) -> None:
        """Release the lock, by closing its file."""
        if self.is_held:
            _held.discard(self)
            os.close(self._descriptor)


_held: set[_Lock] = set()


def _release_in_child() -> None:
    """Close the files that a fork has copied: a copy would keep the lock after its owner's end."""
    for lock in list(_held):
        lock.release()


# Other programs inherit no file that Python opens (PEP 446).
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_release_in_child)


def _lock(folder: Path, flags: int = 0) -> _Lock | None:
    """Lock a folder, without waiting; return None if another process holds its lock.

    Args:
        folder: a folder with a lock file.
        flags: further flags of :func:`os.open`.

    Raises:
        FileNotFoundError: the folder is gone, or has no lock file.
    """
    path = folder / LOCK_FILE
    descriptor = os.open(path, os.O_RDWR | flags, 0o600)
    try:
        # The file may have been removed with its folder before it was locked.
        if lock_descriptor(descriptor, blocking=False) and os.path.samestat(
            os.fstat(descriptor), path.stat()
        ):
            return _Lock(descriptor)
    except BaseException:
        os.close(descriptor)
        raise
    os.close(descriptor)
    return None


def _create(root: Path) -> tuple[Path, _Lock]:
    """Create and lock a folder. Until it is locked, another process may take it for a stale one."""
    for _ in range(_ATTEMPTS):
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
        try:
            lock = _lock(path, os.O_CREAT | os.O_EXCL)
        except FileNotFoundError:
            continue  # removed: nothing was in it yet
        except BaseException:
            shutil.rmtree(path, ignore_errors=True)
            raise
        if lock is not None:
            return path, lock
    raise OSError(f"Expected to make a temporary folder in {root}. Received: {_ATTEMPTS} failures.")


def _is_private(folder: Path) -> bool:
    """Return whether a path is a folder as tempfile makes them: of this user, and for it alone."""
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode):
        return False
    if not hasattr(os, "getuid"):  # Windows: the folder for temporary files is the user's own
        return True
    return status.st_uid == os.getuid() and stat.S_IMODE(status.st_mode) == 0o700


def _remove_if_stale(folder: Path) -> None:
    try:
        lock = _lock(folder)
    except FileNotFoundError:
        folder.rmdir()  # only an empty one: its process has ended, or will take another
        return
    if lock is not None:
        _remove(folder, lock)


def _remove(folder: Path, lock: _Lock) -> None:
    """Remove a folder whose lock is held; the lock file last, without which it is nobody's."""
    for entry in _other_entries(folder):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                entry.unlink()
    lock.release()  # first: Windows removes no open file
    if _other_entries(folder):
        return  # it cannot be removed, or was written meanwhile: left to the next process
    with contextlib.suppress(OSError):
        (folder / LOCK_FILE).unlink(missing_ok=True)
        try:
            folder.rmdir()
        except OSError:
            (folder / LOCK_FILE).touch(0o600)


def _other_entries(folder: Path) -> list[Path]:
    try:
        return [entry for entry in folder.iterdir() if entry.name != LOCK_FILE]
    except OSError:
        return []  # somebody else removed the folder
