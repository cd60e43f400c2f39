"""Discovers the photos and videos of a source: local folders, glob patterns, cloud addresses (fsspec)."""

from __future__ import annotations

import glob
import os
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, Final

from emosense.errors import BatchError
from emosense.filesystem.filenames import utf8_safe
from emosense.filesystem.glob import match
from emosense.filesystem.skipped import NOTHING_SKIPPED, Reason, Skipped, skip_reason
from emosense.filesystem.walk import walk
from emosense.media.formats import PHOTO_SUFFIXES, VIDEO_SUFFIXES

if TYPE_CHECKING:
    import fsspec

PHOTOS: Final = PHOTO_SUFFIXES
VIDEOS: Final = VIDEO_SUFFIXES

_LOCAL: Final = ("file://", "local://")
_VERSION_WORDS: Final = (
    *("ETag", "etag", "md5", "md5Hash", "checksum", "crc32c"),
    *("LastModified", "last_modified", "updated", "mtime", "modified", "created"),
)


@dataclass(frozen=True)
class SourceFile:
    """A photo or video of a batch.

    Attributes:
        name: what it is called in the results: its path below the job's source.
        address: where fsspec finds it.
        video: whether it is a video, by its name.
        version: changes when its content does, as far as the file system can tell: the size and
            the time of the last change, or a cloud's checksum; empty if nothing is known.

    >>> SourceFile("a.jpg", "file:///album/a.jpg", video=False).version
    ''
    """

    name: str
    address: str
    video: bool
    version: str = ""


@dataclass(frozen=True)
class Discovery:
    """Photos and videos of a source, and what was skipped.

    Attributes:
        files: photos and videos, sorted by name.
        skipped: what else there is.

    >>> from emosense.samples import sample_photo
    >>> _ = Path("a.png").write_bytes(sample_photo())
    >>> [file.name for file in discover(".").files]
    ['a.png']
    """

    files: list[SourceFile]
    skipped: Skipped = NOTHING_SKIPPED


def find_files(source: str) -> list[SourceFile]:
    """Return all photos and videos of a source; see :func:`discover`."""
    return discover(source).files


def discover(
    source: str, is_own: Callable[[Any, str], bool] = lambda system, path: False
) -> Discovery:
    """Return all photos and videos of a source, with counts of what was skipped.

    Args:
        source: a folder (with all folders in it; linked ones once each), a file or a glob
            pattern; a path, or an address of fsspec such as ``s3://bucket/album``.
        is_own: tells, by file system and path, what the job itself wrote, which does not count.

    Raises:
        BatchError: the source cannot be reached, or has no photo or video.
    """
    system, path = open_system(source)
    try:
        if is_local(system):
            root, names, skipped = _local_names(path)
        else:
            root, names, skipped = _remote_names(system, path)
    except Exception as error:  # each kind of file system has errors of its own
        raise BatchError(f"{source}: cannot be read ({error}).") from error
    files: list[SourceFile] = []
    others: Counter[tuple[Reason, str]] = Counter()
    for name, version in names.items():
        if is_own(system, f"{root}{name}"):
            continue
        suffix = PurePosixPath(name).suffix[1:].lower()
        hidden = PurePosixPath(name).name.startswith(".")  # ._a.jpg is macOS' note on a.jpg
        if suffix in (*PHOTOS, *VIDEOS) and not hidden:
            address = system.unstrip_protocol(f"{root}{name}")
            files.append(SourceFile(utf8_safe(name), address, suffix in VIDEOS, version))
        else:
            others[skip_reason(utf8_safe(name))] += 1
    pluralize = Skipped((*skipped.counts, *Skipped.of(others).counts))
    if not files:
        received = "; ".join([f"{len(names)} files, none of them one", *pluralize.messages()])
        raise BatchError(
            f"{source}: expected a folder, file or pattern with photos or videos "
            f"({', '.join((*PHOTOS, *VIDEOS))}). Received: {received}."
        )
    return Discovery(sorted(files, key=lambda file: file.name), pluralize)


def _local_names(path: str) -> tuple[str, dict[str, str], Skipped]:
    """Return (root, version by name below it, skipped) of local files."""
    skipped = NOTHING_SKIPPED
    if Path(path).is_dir():
        root = path.rstrip("/") + "/"
        names, skipped = walk(path)
    elif Path(path).is_file():  # also where its name looks like a pattern
        root, names = _parted(path)
    else:
        root, pattern = _root_of(path, os.path.isdir)
        names, skipped = match(root, pattern)
        if not names and not skipped.total:
            raise FileNotFoundError("there is nothing of that name")
    return root, {name: _local_version(root + name) for name in names}, skipped


def _parted(path: str) -> tuple[str, list[str]]:
    folder, slash, name = path.rpartition("/")
    return folder + slash, [name]


def _root_of(path: str, is_folder: Callable[[str], bool]) -> tuple[str, str]:
    """Return (folder, pattern below it); folders whose own names look like patterns are folders."""
    root, pattern = ("/", path[1:]) if path.startswith("/") else ("", path)
    while "/" in pattern and is_folder(root + pattern[: pattern.index("/")]):
        first, pattern = pattern.split("/", 1)
        root += first + "/"
    return root, pattern


def _local_version(path: str) -> str:
    try:
        status = Path(path).stat()
    except OSError:  # gone meanwhile: analysing it will say so
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}"


def _remote_names(system: Any, path: str) -> tuple[str, dict[str, str], Skipped]:
    """Return the same of a remote file system, which has no links."""
    if system.isdir(path):
        root = path.rstrip("/") + "/"
        entries = system.find(path, detail=True)
    elif system.isfile(path):
        root, _ = _parted(path)
        entries = {path: system.info(path)}
    elif any(sign in path for sign in "*?["):
        root, pattern = _root_of(path, system.isdir)
        every = system.glob(glob.escape(root) + pattern, detail=True)
        entries = {name: info for name, info in every.items() if info.get("type") != "directory"}
    else:
        raise FileNotFoundError("there is nothing of that name")
    names = {name.removeprefix(root): _remote_version(info) for name, info in entries.items()}
    return root, names, NOTHING_SKIPPED


def _remote_version(info: dict[str, Any]) -> str:
    """Return a fingerprint of a remote file: its size and ETag, checksum or modification time."""
    known = (
        info.get("size"),
        next((info[word] for word in _VERSION_WORDS if info.get(word)), None),
    )
    return "-".join(str(value) for value in known if value is not None)


def absolute_url(source: str) -> str:
    """Return a source as an absolute URL, which names the same files from any working directory.

    Raises:
        BatchError: the address cannot be opened; see :func:`open_system`.
    """
    system, path = open_system(source)
    return utf8_safe(str(system.unstrip_protocol(path)).rstrip("/"))


def open_system(address: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """Return fsspec's file system of an address, and the path in it.

    Raises:
        BatchError: a kind of address that nothing is installed for.
    """
    import fsspec

    if "://" not in address or address.startswith(_LOCAL):
        # Not by fsspec's reading of addresses, to which :: in a name is a chain of two.
        path = address.split("://", 1)[1] if address.startswith(_LOCAL) else address
        return fsspec.filesystem("file"), os.path.normpath(Path(path).expanduser().absolute())
    try:
        system, path = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise BatchError(f"{address}: cannot be opened ({error}).") from error
    return system, str(path)


def is_local(system: Any) -> bool:
    """Return whether a file system of fsspec is the local one."""
    protocol = system.protocol
    return "file" in ((protocol,) if isinstance(protocol, str) else protocol)
