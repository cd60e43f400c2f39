"""Temporary folders that are removed with their process, however it ends.

Each folder has a lock file, and the process that made the folder holds its lock for as long as it
lives; see :mod:`emosense.filesystem.lock`.
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

from emosense.filesystem.lock import FileLock, lock_file

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


def _create(root: Path) -> tuple[Path, FileLock]:
    """Create and lock a folder. Until it is locked, another process may take it for a stale one."""
    for _ in range(_ATTEMPTS):
        path = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=root))
        try:
            lock = lock_file(path / LOCK_FILE, os.O_CREAT | os.O_EXCL)
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
        lock = lock_file(folder / LOCK_FILE)
    except FileNotFoundError:
        folder.rmdir()  # only an empty one: its process has ended, or will take another
        return
    if lock is not None:
        _remove(folder, lock)


def _remove(folder: Path, lock: FileLock) -> None:
    """Remove a folder whose lock is held; the lock file last, without which it is nobody's."""
    for entry in _other_entries(folder):
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry, ignore_errors=True)
        else:
            with contextlib.suppress(OSError):
                entry.unlink()
    # The lock is held until the folder is gone: who could take it before would lose what he writes.
    # Windows removes no open file, and therefore none that another process has opened meanwhile.
    if os.name == "nt":
        lock.release()
    if not _other_entries(folder):  # else it cannot be removed, or was written meanwhile
        with contextlib.suppress(OSError):
            (folder / LOCK_FILE).unlink(missing_ok=True)
            try:
                folder.rmdir()
            except OSError:
                (folder / LOCK_FILE).touch(0o600)  # by which the next process finds it
    lock.release()


def _other_entries(folder: Path) -> list[Path]:
    try:
        return [entry for entry in folder.iterdir() if entry.name != LOCK_FILE]
    except OSError:
        return []  # somebody else removed the folder
