"""Zip archives of photos, decompressed in memory; nothing is extracted to disk."""

from __future__ import annotations

import logging
import zipfile
import zlib
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Final

from emosense.errors import DamagedMedia, MediaTooLarge, UnsupportedMedia
from emosense.media.file_kind import HEAD_BYTES, describe_kind
from emosense.media.formats import PHOTO_FORMATS, PHOTO_SUFFIXES
from emosense.settings import ArchiveLimits

_log = logging.getLogger(__name__)
_ENTRY_SIGNATURE: Final = b"PK\x01\x02"
_CHUNK: Final = 2**20
_TABLE_SUFFIXES: Final = frozenset(("csv", "tsv"))
# Other methods decompress a whole chunk before its size can be checked (bzip2: up to 10^6 times).
_COMPRESSION_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ZIP_ERRORS: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)


@dataclass(frozen=True)
class ArchivedFile:
    """A file in an archive.

    Attributes:
        name: path in the archive, without parts that lead out of it such as ``..``.
        index: index of the entry in the archive.

    >>> ArchivedFile("album/a.jpg", index=0).name
    'album/a.jpg'
    """

    name: str
    index: int


class PhotoArchive:
    """The photos of a zip archive.

    Nothing is written to disk, so path traversal by names such as ``../../x.jpg`` is impossible.
    Entries are decompressed one at a time, never beyond the limits, whatever sizes the archive
    declares: this stops zip bombs (David Fifield, "A better zip bomb", WOOT 2019).

    Args:
        file: open zip archive; it must stay open, since photos are read lazily.
        limits: limits of count and size; None uses the defaults.
        without_photos: whether an archive without photos is accepted, if it has tables.

    Attributes:
        photos: all photos, in the order of the archive.
        tables: all CSV files, likewise.
        skipped: number of other files.

    Raises:
        UnsupportedMedia: the file is not a zip archive, or contains no photos.
        DamagedMedia: the archive is damaged or cut off.
        MediaTooLarge: the archive has too many entries.

    >>> import io
    >>> file = io.BytesIO()
    >>> with zipfile.ZipFile(file, "w") as archive:
    ...     archive.writestr("album/a.jpg", b"...")
    >>> [photo.name for photo in PhotoArchive(file).photos]
    ['album/a.jpg']
    """

    def __init__(
        self,
        file: IO[bytes],
        limits: ArchiveLimits | None = None,
        *,
        without_photos: bool = False,
    ) -> None:
        self._limits = limits or ArchiveLimits()
        self._total_size = 0
        _check_entries(file, _max_entries(self._limits.max_photos))
        file.seek(0)
        if not zipfile.is_zipfile(file):
            file.seek(0)
            if file.read(2) == b"PK":
                raise DamagedMedia("The zip archive is damaged or cut off.")
            file.seek(0)
            received = describe_kind(file.read(HEAD_BYTES))
            raise UnsupportedMedia(f"Expected a zip archive. Received: {received}.")
        try:
            self._zip = zipfile.ZipFile(file)
        except (*_ZIP_ERRORS, NotImplementedError) as error:
            _log.debug("a zip archive cannot be opened", exc_info=error)
            raise DamagedMedia("The zip archive is damaged or cut off.") from error
        entries = self._zip.infolist()
        photos = [
            ArchivedFile(_safe_name(entry.filename), index)
            for index, entry in enumerate(entries)
            if _is_kind(entry, PHOTO_SUFFIXES)
        ]
        self.tables = tuple(
            ArchivedFile(_safe_name(entry.filename), index)
            for index, entry in enumerate(entries)
            if _is_kind(entry, _TABLE_SUFFIXES)
        )
        self.skipped = sum(not entry.is_dir() for entry in entries) - len(photos)
        if not photos and not (without_photos and self.tables):
            raise UnsupportedMedia(
                f"Expected a zip archive with photos ({PHOTO_FORMATS}). "
                f"Received: one with {self.skipped} other files."
            )
        if len(photos) > self._limits.max_photos:
            raise MediaTooLarge(
                f"Expected at most {self._limits.max_photos} photos. "
                f"Received: a zip archive with {len(photos)}."
            )
        self.photos = tuple(photos)

    def read(self, photo: ArchivedFile) -> bytes:
        """Decompress a photo or table.

        Args:
            photo: one of :attr:`photos` or :attr:`tables`.

        Returns:
            The encoded photo.

        Raises:
            MediaTooLarge: a limit is exceeded, by the photo or by all photos read so far.
            DamagedMedia: the photo is encrypted or cannot be decompressed.
        """
        entry = self._zip.infolist()[photo.index]
        if entry.flag_bits & 0x1:
            raise DamagedMedia("Expected a photo without password. Received: an encrypted one.")
        if entry.compress_type not in _COMPRESSION_METHODS:
            raise DamagedMedia("It is packed in a way that is not read here: expected Deflate.")
        chunks: list[bytes] = []
        size = 0
        try:
            with self._zip.open(entry) as stream:
                while chunk := stream.read(_CHUNK):
                    chunks.append(chunk)
                    size += len(chunk)
                    self._total_size += len(chunk)
                    self._check_size(size)
        except NotImplementedError as error:
            _log.debug("a photo of a zip archive is not read", exc_info=error)
            raise DamagedMedia(
                "It is packed in a way that is not read here: expected Deflate."
            ) from error
        except _ZIP_ERRORS as error:
            _log.debug("a photo of a zip archive cannot be unpacked", exc_info=error)
            raise DamagedMedia("It cannot be unpacked: the archive is damaged there.") from error
        return b"".join(chunks)

    def _check_size(self, size: int) -> None:
        limits = self._limits
        if size > limits.max_photo_bytes:
            raise MediaTooLarge(
                f"Expected at most {limits.max_photo_bytes / 2**20:.0f} MB a photo. "
                "Received: more than that, unpacked."
            )
        if self._total_size > limits.max_bytes:
            raise MediaTooLarge(
                f"Expected at most {limits.max_bytes / 2**20:.0f} MB in all photos of a zip "
                "archive. Received: more than that, unpacked."
            )


def _max_entries(max_photos: int) -> int:
    """Return how many files an archive may hold beside its photos: reading its directory takes time."""
    return max(min(20 * max_photos, 25_000), 2 * max_photos)


def _check_entries(file: IO[bytes], limit: int) -> None:
    """Refuse an archive whose central directory alone would fill the memory."""
    file.seek(0)
    count, tail = 0, b""
    while chunk := file.read(_CHUNK):
        count += (tail + chunk).count(_ENTRY_SIGNATURE)
        tail = chunk[-(len(_ENTRY_SIGNATURE) - 1) :]
        if count > limit:
            raise MediaTooLarge(
                f"Expected at most {limit} files in a zip archive. Received: one with more."
            )


def _is_kind(entry: zipfile.ZipInfo, suffixes: Collection[str]) -> bool:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if entry.is_dir() or path.name.startswith(".") or "__MACOSX" in path.parts:
        return False
    return path.suffix[1:].lower() in suffixes


def _safe_name(name: str) -> str:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    names = [name for name in parts if name not in ("/", "..") and not name.endswith(":")]
    path = "/".join(names)
    return "".join(c if c.isprintable() else "?" for c in path)
