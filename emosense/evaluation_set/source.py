"""Where labelled photos come from: a folder, a zip archive, or uploaded files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path, PurePosixPath
from typing import IO, Final

from emosense.errors import DatasetError, EmoSenseError
from emosense.evaluation_set.labels import Labels, labels_by_folder, labels_by_table
from emosense.filesystem.skipped import Reason, Skipped, skip_reason
from emosense.filesystem.walk import walk
from emosense.formatting import pluralize
from emosense.media.archive import PhotoArchive
from emosense.media.formats import PHOTO_FORMATS, PHOTO_SUFFIXES
from emosense.settings import ArchiveLimits

_TABLE_SUFFIXES: Final = ("csv", "tsv")
_MAX_TABLE_BYTES: Final = 2 * 2**20
"""Of 5,000 rows with 400 characters: it is read where all pages are made."""
_PIXELS_COLUMN: Final = b"pixels"
_HEAD_BYTES: Final = 4096

Read = Callable[[], bytes]
"""Returns the content of a file, or raises an :class:`~emosense.errors.EmoSenseError`."""


@dataclass(frozen=True)
class PhotoSource:
    """Photos and tables of labels, not yet read.

    Attributes:
        photos: functions that read the photos, by their names with ``/`` between folders.
        tables: functions that read the CSV files, by their names.
        notes: what of the source was not used, in words.

    >>> PhotoSource({"happy/a.jpg": bytes}, {}).labels().counts
    {'happy': 1}
    """

    photos: dict[str, Read]
    tables: dict[str, Read]
    notes: tuple[str, ...] = ()

    def labels(self) -> Labels:
        """Return the labels: of a table of files and labels if there is one, else of the folders.

        Raises:
            DatasetError: there are several such tables, or no photo has a label.
        """
        found: dict[str, Labels] = {}
        problems: list[str] = []
        for name, read in self.tables.items():
            try:
                found[name] = labels_by_table(list(self.photos), _table_text(name, read()), name)
            except EmoSenseError as error:
                problems.append(str(error))
        if len(found) > 1:
            raise DatasetError(
                f"Expected one table of files and labels. Received: {', '.join(sorted(found))}"
            )
        labels = next(iter(found.values()), None) or labels_by_folder(self.photos)
        labels = replace(labels, notes=(*labels.notes, *problems))
        if not labels.counts:
            raise DatasetError(
                "Expected photos in folders that are named by their emotions (happy/1.jpg), or a CSV "
                "table with the columns file and label. Received: no label"
                + "".join(f"; {note}" for note in labels.notes)
            )
        return labels


def has_pixels(head: bytes) -> bool:
    """Return whether a CSV file has FER2013's layout, whose pictures are in the table itself.

    Args:
        head: the first bytes of the file, unpacked.

    >>> has_pixels(b"emotion,pixels,Usage")
    True
    """
    return _PIXELS_COLUMN in head[:_HEAD_BYTES].split(b"\n", 1)[0].lower()


def folder_source(path: Path) -> PhotoSource:
    """Return the photos and tables of a folder.

    Raises:
        DatasetError: the folder cannot be read, or has no photos.
    """
    try:
        names, skipped = walk(str(path))
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}.") from error
    files: dict[str, Read] = {name: partial(_read_file, path / name) for name in names}
    return _source(files, str(path), tuple(skipped.messages()))


def open_archive(name: str, file: IO[bytes], limits: ArchiveLimits) -> PhotoArchive:
    """Open a zip archive of photos, of tables, or of both.

    Args:
        name: name of the archive, for messages.
        file: the open archive; it must stay open.
        limits: limits of the archive.

    Raises:
        DatasetError: it cannot be read, or holds neither.
    """
    try:
        return PhotoArchive(file, limits, without_photos=True)
    except EmoSenseError as error:
        raise DatasetError(f"{name}: {error}") from error


def uploads_source(
    files: Iterable[tuple[str, Read]],
    archives: Iterable[tuple[str, PhotoArchive]],
    limits: ArchiveLimits,
) -> PhotoSource:
    """Return the photos and tables of uploaded files and zip archives.

    Args:
        files: (name, function that reads it) of files that are no archives.
        archives: (name, archive), see :func:`open_archive`.
        limits: their largest number of photos is that of all together.

    Raises:
        DatasetError: there are no photos, or too many.
    """
    found: dict[str, Read] = {}
    for name, read in files:
        found[_unused(name, found)] = read
    notes: list[str] = []
    several = False
    for name, archive in archives:
        prefix = f"{name}/" if several or found else ""
        several = True
        for entry in (*archive.photos, *archive.tables):
            found[_unused(f"{prefix}{entry.name}", found)] = partial(archive.read, entry)
        others = archive.skipped - len(archive.tables)
        if others:
            notes.append(f"{name}: {pluralize(others, 'file')} of other kinds left out")
    source = _source(found, "The upload", tuple(notes))
    if len(source.photos) > limits.max_photos:
        raise DatasetError(
            f"Expected at most {limits.max_photos} labelled photos. Received: {len(source.photos)}"
        )
    return source


def archive_source(path: Path) -> PhotoSource:
    """Return the photos and tables of a zip archive, which stays open.

    Raises:
        EmoSenseError: the archive cannot be read, or has no photos.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}.") from error
    limits = ArchiveLimits(max_photos=1_000_000, max_bytes=2**40)
    return uploads_source((), [(path.name, open_archive(path.name, file, limits))], limits)


def _source(files: dict[str, Read], where: str, notes: tuple[str, ...]) -> PhotoSource:
    photos: dict[str, Read] = {}
    tables: dict[str, Read] = {}
    skipped: Counter[tuple[Reason, str]] = Counter()
    for name, read in files.items():
        suffix = PurePosixPath(name).suffix[1:].lower()
        reason, detail = skip_reason(name)
        if detail and suffix in PHOTO_SUFFIXES:
            photos[name] = read
        elif detail and suffix in _TABLE_SUFFIXES:
            tables[name] = read
        else:
            skipped[reason, detail] += 1
    others = Skipped.of(skipped).messages()
    if not photos:
        received = "; ".join((*others, *notes)) or pluralize(len(tables), "table")
        raise DatasetError(f"{where}: expected photos ({PHOTO_FORMATS}). Received: {received}")
    return PhotoSource(photos, tables, (*notes, *others))


def _unused(name: str, names: Collection[str]) -> str:
    """Return the name, or with a number before its ending if another file has it."""
    path, number, unused = PurePosixPath(name), 1, name
    while unused in names:
        number += 1
        unused = str(path.with_name(f"{path.stem} ({number}){path.suffix}"))
    return unused


def _table_text(name: str, content: bytes) -> str:
    if len(content) > _MAX_TABLE_BYTES:
        raise DatasetError(
            f"{name}: expected at most {_MAX_TABLE_BYTES // 2**20} MB. "
            f"Received: {len(content) / 2**20:.1f} MB"
        )
    encodings = (
        ("utf-16",) if content[:2] in (b"\xff\xfe", b"\xfe\xff") else ("utf-8-sig", "cp1252")
    )
    for encoding in encodings:
        try:
            return content.decode(encoding)
        except UnicodeDecodeError:
            continue
    raise DatasetError(f"{name}: expected text in UTF-8. Received: other bytes")


def _read_file(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise DatasetError(f"{path}: cannot be read: {error.strerror or error}.") from error
