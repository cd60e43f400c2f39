"""Free disk space: no copy of a video may fill the disk."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

from emosense.errors import MediaTooLarge

MAX_SHARE: Final = 0.5
"""Share of the free disk space that one file may take."""


def check_free_space(folder: Path, name: str, size: int, written: int = 0) -> None:
    """Check that a file takes at most :data:`MAX_SHARE` of the free disk space.

    Args:
        folder: folder in which the file is written.
        name: name of the file in the message.
        size: size of the file in bytes, as far as it is known.
        written: bytes of the file that are on the disk already.

    Raises:
        MediaTooLarge: the file takes more.
        OSError: there is no such folder.

    >>> check_free_space(Path("."), "a.mp4", size=1)
    """
    largest = MAX_SHARE * (shutil.disk_usage(folder).free + written)
    if size > largest:
        raise MediaTooLarge(
            f"{name}: expected at most {largest / 2**20:.0f} MB, as little disk space is left. "
            f"Received: {size / 2**20:.0f} MB."
        )
