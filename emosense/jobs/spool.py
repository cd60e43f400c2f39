"""The spool: temporary files of uploads and video results, removed with their process."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

_PREFIX = "emosense-"
_STARTED = time.time()


class Spool:
    """A folder for temporary files of this process.

    Its construction removes the folders of processes that have ended, e.g. after a crash.

    Args:
        root: parent folder; None uses the system's folder for temporary files.

    Attributes:
        folder: path of the folder.

    >>> spool = Spool(Path("."))
    >>> folder = spool.new_folder()
    >>> spool.close()
    >>> folder.exists()
    False
    """

    def __init__(self, root: Path | None = None) -> None:
        self._root = root or Path(tempfile.gettempdir())
        remove_stale(self._root)
        self.folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir=self._root))

    def new_folder(self) -> Path:
        """Create a folder in the spool, readable by this user only, and return its path."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    def remove(self, folder: Path) -> None:
        """Remove a folder of the spool with its contents; other folders are left alone."""
        if folder.parent == self.folder:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Remove the spool with its contents."""
        shutil.rmtree(self.folder, ignore_errors=True)


def remove_stale(root: Path) -> None:
    """Remove this user's spool folders whose process has ended."""
    for folder in root.glob(f"{_PREFIX}*-*"):
        pid = folder.name.removeprefix(_PREFIX).split("-")[0]
        try:
            if (
                pid.isdigit()
                and folder.stat().st_uid == os.getuid()
                and not _is_in_use(folder, int(pid))
            ):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # removed meanwhile


def _is_in_use(folder: Path, pid: int) -> bool:
    """Return whether the process that created a folder, with this process id, still runs."""
    if pid == os.getpid():
        # In a container the app has the same process id after every start.
        return folder.stat().st_mtime >= _STARTED
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
