"""Zip archives of photos, read from memory without unpacking them anywhere."""

from __future__ import annotations

import logging
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, Final

from emosense.errors import DamagedMedia, MediaTooLarge, UnsupportedMedia
from emosense.media.file_kind import HEAD_BYTES, describe_kind
from emosense.media.formats import PHOTO_FORMATS, PHOTO_SUFFIXES
from emosense.settings import ArchiveLimits

_log = logging.getLogger(__name__)
_ENTRY: Final = b"PK\x01\x02"
_CHUNK: Final = 2**20
# The others inflate a whole chunk before its size can be checked (bzip2: a factor of 10^6).
_METHODS: Final = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_BROKEN: Final = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, RuntimeError)


@dataclass(frozen=True)
class ArchivedPhoto:
    """A photo in an archive.

    Attributes:
        name: its path in the archive without anything that leads out of it.
        index: index of its entry.

    >>> ArchivedPhoto("album/a.jpg", index=0).name
    'album/a.jpg'
    """

    name: str
    index: int


class PhotoArchive:
    """The photos of a zip archive.

    Nothing is written to disk and names lead nowhere, so a name such as ``../../x.jpg`` is only
    a name. Entries are unpacked one at a time, never beyond the limits, whatever sizes the
    archive declares (David Fifield, "A better zip bomb", WOOT 2019).

    Args:
        file: the archive; stays open, since photos are read when they are asked for.
        limits: the default limits if None.

    Raises:
        UnsupportedMedia: not a zip archive, or one without photos.
        DamagedMedia: broken or cut off.
        MediaTooLarge: too many entries.

    >>> import io
    >>> file = io.BytesIO()
    >>> with zipfile.ZipFile(file, "w") as archive:
    ...     archive.writestr("album/a.jpg", b"...")
    >>> [photo.name for photo in PhotoArchive(file).photos]
    ['album/a.jpg']
    """

    def __init__(self, file: IO[bytes], limits: ArchiveLimits | None = None) -> None:
        self._limits = limits or ArchiveLimits()
        self._unpacked = 0
        _check_entries(file, 20 * self._limits.max_photos)
        file.seek(0)
        if not zipfile.is_zipfile(file):
            file.seek(0)
            if file.read(2) == b"PK":
                raise DamagedMedia("The zip archive is damaged or cut off.")
            file.seek(0)
            words = describe_kind(file.read(HEAD_BYTES))
            raise UnsupportedMedia(f"Expected a zip archive. Received: {words}.")
        try:
            self._zip = zipfile.ZipFile(file)
        except (*_BROKEN, NotImplementedError) as error:
            _log.debug("a zip archive cannot be opened", exc_info=error)
            raise DamagedMedia("The zip archive is damaged or cut off.") from error
        entries = self._zip.infolist()
        found = [
            ArchivedPhoto(_harmless(entry.filename), index)
            for index, entry in enumerate(entries)
            if _is_photo(entry)
        ]
        self.skipped = sum(not entry.is_dir() for entry in entries) - len(found)
        if not found:
            raise UnsupportedMedia(
                f"Expected a zip archive with photos ({PHOTO_FORMATS}). "
                f"Received: one with {self.skipped} other files."
            )
        if len(found) > self._limits.max_photos:
            raise MediaTooLarge(
                f"Expected at most {self._limits.max_photos} photos. "
                f"Received: a zip archive with {len(found)}."
            )
        self.photos = tuple(found)
        """All photos, in the archive's order; ``left_out`` counts the other files."""

    def read(self, photo: ArchivedPhoto) -> bytes:
        """Return a photo's encoded bytes.

        Raises:
            MediaTooLarge: above a limit.
            DamagedMedia: it cannot be unpacked.
        """
        entry = self._zip.infolist()[photo.index]
        if entry.flag_bits & 0x1:
            raise DamagedMedia("Expected a photo without password. Received: an encrypted one.")
        if entry.compress_type not in _METHODS:
            raise DamagedMedia("It is packed in a way that is not read here: expected Deflate.")
        parts: list[bytes] = []
        size = 0
        try:
            with self._zip.open(entry) as packed:
                while part := packed.read(_CHUNK):
                    parts.append(part)
                    size += len(part)
                    self._unpacked += len(part)
                    self._check_unpacked(size)
        except NotImplementedError as error:
            _log.debug("a photo of a zip archive is not read", exc_info=error)
            raise DamagedMedia(
                "It is packed in a way that is not read here: expected Deflate."
            ) from error
        except _BROKEN as error:
            _log.debug("a photo of a zip archive cannot be unpacked", exc_info=error)
            raise DamagedMedia("It cannot be unpacked: the archive is damaged there.") from error
        return b"".join(parts)

    def _check_unpacked(self, size: int) -> None:
        limits = self._limits
        if size > limits.max_photo_bytes:
            raise MediaTooLarge(
                f"Expected at most {limits.max_photo_bytes / 2**20:.0f} MB a photo. "
                "Received: more than that, unpacked."
            )
        if self._unpacked > limits.max_bytes:
            raise MediaTooLarge(
                f"Expected at most {limits.max_bytes / 2**20:.0f} MB in all photos of a zip "
                "archive. Received: more than that, unpacked."
            )


def _check_entries(file: IO[bytes], limit: int) -> None:
    """Refuse an archive whose mere table of contents would fill the memory."""
    file.seek(0)
    count, tail = 0, b""
    while chunk := file.read(_CHUNK):
        count += (tail + chunk).count(_ENTRY)
        tail = chunk[-(len(_ENTRY) - 1) :]
        if count > limit:
            raise MediaTooLarge(
                f"Expected at most {limit} files in a zip archive. Received: one with more."
            )


def _is_photo(entry: zipfile.ZipInfo) -> bool:
    path = PurePosixPath(entry.filename.replace("\\", "/"))
    if entry.is_dir() or path.name.startswith(".") or "__MACOSX" in path.parts:
        return False
    return path.suffix[1:].lower() in PHOTO_SUFFIXES


def _harmless(name: str) -> str:
    parts = PurePosixPath(name.replace("\\", "/")).parts
    names = [name for name in parts if name not in ("/", "..") and not name.endswith(":")]
    path = "/".join(names)
    return "".join(c if c.isprintable() else "?" for c in path)
