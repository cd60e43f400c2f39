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

_LOCAL_PREFIXES: Final = ("file://", "local://")
_VERSION_KEYS: Final = (
    *("ETag", "etag", "md5", "md5Hash", "checksum", "crc32c"),
    *("LastModified", "last_modified", "updated", "mtime", "modified", "created"),
)


@dataclass(frozen=True)
class SourceFile:
    """A photo or video of a batch.

    Attributes:
        name: name in the results: the path below the job's source.
        address: fsspec URL of the file.
        video: whether the file is a video, by its suffix.
        version: fingerprint that changes with the content, as far as the file system can tell:
            the size with the modification time, or with a cloud's ETag or checksum; empty if
            nothing is known.

    >>> SourceFile("a.jpg", "file:///album/a.jpg", video=False).version
    ''
    """

    name: str
    address: str
    video: bool
    version: str = ""


@dataclass(frozen=True)
class Discovery:
    """The photos and videos of a source, and the entries that were skipped.

    Attributes:
        files: photos and videos, sorted by name.
        skipped: counts of all other entries, by reason.

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
    """Return all photos and videos of a source, with counts of the skipped entries.

    Args:
        source: a folder (read recursively, each linked folder once), a file or a glob pattern;
            a path, or a URL of fsspec such as ``s3://bucket/album``.
        is_own: predicate of (file system, path): whether the job itself wrote the file, which
            is then neither analysed nor counted.

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
    unsupported: Counter[tuple[Reason, str]] = Counter()
    for name, version in names.items():
        if is_own(system, f"{root}{name}"):
            continue
        suffix = PurePosixPath(name).suffix[1:].lower()
        hidden = PurePosixPath(name).name.startswith(".")  # ._a.jpg: macOS' metadata of a.jpg
        if suffix in (*PHOTOS, *VIDEOS) and not hidden:
            address = system.unstrip_protocol(f"{root}{name}")
            files.append(SourceFile(utf8_safe(name), address, suffix in VIDEOS, version))
        else:
            unsupported[skip_reason(utf8_safe(name))] += 1
    skipped = Skipped((*skipped.counts, *Skipped.of(unsupported).counts))
    if not files:
        received = "; ".join([f"{len(names)} files, none of them one", *skipped.messages()])
        raise BatchError(
            f"{source}: expected a folder, file or pattern with photos or videos "
            f"({', '.join((*PHOTOS, *VIDEOS))}). Received: {received}."
        )
    return Discovery(sorted(files, key=lambda file: file.name), skipped)


def _local_names(path: str) -> tuple[str, dict[str, str], Skipped]:
    """Return (root, {name below the root: version}, skipped entries) of a local source."""
    skipped = NOTHING_SKIPPED
    if Path(path).is_dir():
        root = path.rstrip("/") + "/"
        names, skipped = walk(path)
    elif Path(path).is_file():  # also a file whose name looks like a pattern
        root, name = _split_path(path)
        names = [name]
    else:
        root, pattern = _split_pattern(path, os.path.isdir)
        names, skipped = match(root, pattern)
        if not names and not skipped.total:
            raise FileNotFoundError("there is nothing of that name")
    return root, {name: _local_version(root + name) for name in names}, skipped


def _split_path(path: str) -> tuple[str, str]:
    """Return (folder with its slash, file name)."""
    folder, slash, name = path.rpartition("/")
    return folder + slash, name


def _split_pattern(path: str, is_folder: Callable[[str], bool]) -> tuple[str, str]:
    """Return (folder, pattern below it); a folder whose name looks like a pattern is a folder."""
    root, pattern = ("/", path[1:]) if path.startswith("/") else ("", path)
    while "/" in pattern and is_folder(root + pattern[: pattern.index("/")]):
        first, pattern = pattern.split("/", 1)
        root += first + "/"
    return root, pattern


def _local_version(path: str) -> str:
    try:
        status = Path(path).stat()
    except OSError:  # removed meanwhile: its analysis reports that
        return ""
    return f"{status.st_size}-{status.st_mtime_ns}"


def _remote_names(system: Any, path: str) -> tuple[str, dict[str, str], Skipped]:
    """Return the same as :func:`_local_names` for a remote file system, which has no links."""
    if system.isdir(path):
        root = path.rstrip("/") + "/"
        entries = system.find(path, detail=True)
    elif system.isfile(path):
        root, _ = _split_path(path)
        entries = {path: system.info(path)}
    elif any(wildcard in path for wildcard in "*?["):
        root, pattern = _split_pattern(path, system.isdir)
        matches = system.glob(glob.escape(root) + pattern, detail=True)
        entries = {name: info for name, info in matches.items() if info.get("type") != "directory"}
    else:
        raise FileNotFoundError("there is nothing of that name")
    names = {name.removeprefix(root): _remote_version(info) for name, info in entries.items()}
    return root, names, NOTHING_SKIPPED


def _remote_version(info: dict[str, Any]) -> str:
    """Return a fingerprint of a remote file: its size and ETag, checksum or modification time."""
    fields = (
        info.get("size"),
        next((info[key] for key in _VERSION_KEYS if info.get(key)), None),
    )
    return "-".join(str(value) for value in fields if value is not None)


def absolute_url(source: str) -> str:
    """Return the absolute URL of a source, which names the same files in any working directory.

    Raises:
        BatchError: fsspec cannot open the address; see :func:`open_system`.
    """
    system, path = open_system(source)
    return utf8_safe(str(system.unstrip_protocol(path)).rstrip("/"))


def open_system(address: str) -> tuple[fsspec.AbstractFileSystem, str]:
    """Return the fsspec file system of an address, and the path in it.

    Raises:
        BatchError: no installed file system of fsspec can open the address.
    """
    import fsspec

    if "://" not in address or address.startswith(_LOCAL_PREFIXES):
        # Not with url_to_fs, which reads :: in a file's name as a chain of two URLs.
        path = address.split("://", 1)[1] if address.startswith(_LOCAL_PREFIXES) else address
        return fsspec.filesystem("file"), os.path.normpath(Path(path).expanduser().absolute())
    try:
        system, path = fsspec.core.url_to_fs(address)
    except (ImportError, ValueError) as error:
        raise BatchError(f"{address}: cannot be opened ({error}).") from error
    return system, str(path)


def is_local(system: Any) -> bool:
    """Return whether an fsspec file system is the local one."""
    protocol = system.protocol
    return "file" in ((protocol,) if isinstance(protocol, str) else protocol)
