"""Atomic writes: no reader ever sees a half-written file, and a failed write leaves nothing behind."""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
from pathlib import Path
from typing import Final

from emosense.filesystem.lock import FileLock, lock_file

TEMPORARY_NAME: Final = re.compile(r"\.(?P<name>.+)\.([0-9a-f]{8}|\d+)")
"""Names of temporary files: that of the file, hidden, with a random number. Earlier releases took the
process id."""

_NO_LOCKS: Final = (errno.ENOSYS, errno.ENOLCK, errno.EOPNOTSUPP)
_ATTEMPTS: Final = 100


def write_atomic(path: Path, content: bytes) -> None:
    """Write a file atomically: readers see the old content or the new one, never a mixture.

    What killed writes of the file have left is removed; see :func:`remove_stale_temporaries`.

    Args:
        path: path of the file, in an existing folder.
        content: new content of the whole file.

    Raises:
        OSError: the file cannot be written; its old content stays.
    """
    remove_stale_temporaries(path.parent, re.compile(re.escape(path.name)))
    temporary, lock = _create(path)
    try:
        temporary.write_bytes(content)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    finally:
        if lock is not None:
            lock.release()


def remove_stale_temporaries(folder: Path, names: re.Pattern[str]) -> None:
    """Remove the temporary files of ended processes: those that nobody locks.

    Those that another process is just writing stay, on any machine that shares the folder's locks.

    Args:
        folder: the folder of the files.
        names: pattern of the files' whole names, without those of temporary files around them.
    """
    try:
        entries = [entry.name for entry in os.scandir(folder) if entry.is_file()]
    except OSError:
        return  # whoever writes there says why not
    for entry in entries:
        match = TEMPORARY_NAME.fullmatch(entry)
        if match is not None and names.fullmatch(match["name"]):
            with contextlib.suppress(OSError):  # removed meanwhile, or in a place without locks
                _remove_if_stale(folder / entry)


def _remove_if_stale(path: Path) -> None:
    lock = lock_file(path)
    if lock is not None:
        try:
            path.unlink()
        finally:
            lock.release()


def _create(path: Path) -> tuple[Path, FileLock | None]:
    """Create and lock a temporary file beside ``path``; without a lock where there are none."""
    for _ in range(_ATTEMPTS):
        temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
        try:
            lock = lock_file(temporary, os.O_CREAT | os.O_EXCL, 0o666)
        except FileExistsError:
            continue
        except OSError as error:
            if error.errno in _NO_LOCKS:
                return temporary, None
            temporary.unlink(missing_ok=True)
            raise
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise
        if lock is not None:
            return temporary, lock
        # Another process took it for a stale one before it was locked, and removed it.
    raise OSError(f"Expected to write beside {path}. Received: {_ATTEMPTS} failures.")
