"""Where uploads and results of videos lie on disk, and how nothing of them stays behind."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from pathlib import Path

_PREFIX = "emosense-"
_BEGAN = time.time()


class Spool:
    """A folder of this process for files that must not outlive it.

    When it is made, folders of processes that have ended (after a crash, say) are removed.

    Args:
        root: where; the system's folder for temporary files if None.

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
        """Return a new folder of its own, readable by this user only."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    def remove(self, folder: Path) -> None:
        """Remove one of the folders with all that is in it."""
        if folder.parent == self.folder:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Remove everything."""
        shutil.rmtree(self.folder, ignore_errors=True)


def remove_stale(root: Path) -> None:
    """Remove this user's spool folders whose process has ended."""
    for folder in root.glob(f"{_PREFIX}*-*"):
        process = folder.name.removeprefix(_PREFIX).split("-")[0]
        try:
            if (
                process.isdigit()
                and folder.stat().st_uid == os.getuid()
                and not _owns(int(process), folder)
            ):
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue  # gone meanwhile


def _owns(process: int, folder: Path) -> bool:
    """Return whether the process runs that made a folder."""
    if process == os.getpid():
        # In a container each start of the app has the same number.
        return folder.stat().st_mtime >= _BEGAN
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
