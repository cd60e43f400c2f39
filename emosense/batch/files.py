"""Finds the files of a job, here or in a cloud, by fsspec's addresses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emosense.errors import BatchError
from emosense.media.formats import PHOTO_SUFFIXES, VIDEO_SUFFIXES
from emosense.media.names import writable

if TYPE_CHECKING:
    import fsspec

PHOTOS: Final = PHOTO_SUFFIXES
VIDEOS: Final = VIDEO_SUFFIXES


@dataclass(frozen=True)
class File:
    """A file of a job.

    Attributes:
        name: what it is called in the results: its path below the job's source.
        address: where fsspec finds it.
        video: whether it is a video, by its name.
    """

    name: str
    address: str
    video: bool


def find_files(source: str) -> list[File]:
    """Return all photos and videos of a source, sorted by name.

    Args:
        source: a folder (with all folders in it), a file or a glob pattern; a path, or an
            address of fsspec such as ``s3://bucket/album``.

    Raises:
        BatchError: the source cannot be reached, or has no photo or video.
    """
    system, path = open_system(source)
    try:
        if system.isdir(path):
            root = path.rstrip("/") + "/"
            found = system.find(path)
        elif system.isfile(path):  # also where its name looks like a pattern
            root = path[: path.rfind("/") + 1]
            found = [path]
        elif any(sign in path for sign in "*?["):
            root = path[: min(path.index(sign) for sign in "*?[" if sign in path)]
            root = root[: root.rfind("/") + 1]
            found = [p for p in system.glob(path) if system.isfile(p)]
        else:
            raise FileNotFoundError("there is nothing of that name")
    except Exception as error:  # each kind of file system has errors of its own
        raise BatchError(f"{source}: cannot be read ({error}).") from error
    files = [
        File(writable(p.removeprefix(root)), system.unstrip_protocol(p), suffix in VIDEOS)
        for p in found
        if (suffix := p.rsplit(".", 1)[-1].lower()) in (*PHOTOS, *VIDEOS)
        and not p.rsplit("/", 1)[-1].startswith(".")  # ._a.jpg is macOS' note on a.jpg
    ]
    if not files:
        raise BatchError(
            f"{source}: expected a folder, file or pattern with photos or videos "
            f"({', '.join((*PHOTOS, *VIDEOS))}). Received: {len(found)} files, none of them one."
        )
    return sorted(files, key=lambda file: file.name)


def whole_address(source: str) -> str:
    """Return a source so that it names the same files wherever it is read.

    Raises:
        BatchError: see :func:`open_system`.
    """
    system, path = open_system(source)
    return writable(str(system.unstrip_protocol(path)).rstrip("/"))


def open_system(address: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """Return fsspec's file system of an address, and the path in it.

    Raises:
        BatchError: a kind of address that nothing is installed for.
    """
    import fsspec

    try:
        system, path = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise BatchError(f"{address}: cannot be opened ({error}).") from error
    return system, str(path)
