"""The spool: temporary files of uploads and video results, removed with their process."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from emosense.filesystem.temporary_folder import TemporaryFolder, remove_stale

__all__ = ["Spool", "remove_stale"]


class Spool:
    """A folder for temporary files of this process.

    Its construction removes the folders of processes that have ended, e.g. after a crash; the
    folder is this process's by a lock, see :mod:`emosense.filesystem.temporary_folder`.

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
        self._owned = TemporaryFolder(root)
        self.folder = self._owned.path

    def new_folder(self) -> Path:
        """Create a folder in the spool, readable by this user only, and return its path."""
        return Path(tempfile.mkdtemp(dir=self.folder))

    def remove(self, folder: Path) -> None:
        """Remove a folder of the spool with its contents; other folders are left alone."""
        if folder.parent == self.folder:
            shutil.rmtree(folder, ignore_errors=True)

    def close(self) -> None:
        """Remove the spool with its contents."""
        self._owned.remove()
