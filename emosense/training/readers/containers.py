"""Folders, zip and tar archives alike: names of files, and their bytes one after the other.

Files are recognised by their first bytes, not by their names. Archives are read as streams;
nothing of them is written to disk, and what they may cost is bounded.
"""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import stat
import tarfile
import zipfile
import zlib
from collections import Counter
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Final, Protocol, Self, cast

from emosense.errors import DatasetError
from emosense.filesystem.filenames import utf8_safe
from emosense.filesystem.skipped import Reason, Skipped, abbreviate
from emosense.filesystem.walk import walk
from emosense.training.dataset import MAX_IMAGES

_BROKEN: Final = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    RuntimeError,  # a password; NotImplementedError: a rare way of packing
)
_NOT_READ: Final = {
    b"7z\xbc\xaf\x27\x1c": "a 7-Zip archive; unpack it first",
    b"Rar!": "a RAR archive; unpack it first",
    b"PAR1": "a Parquet file",
    b"\x89HDF": "an HDF5 file",
    b"\x28\xb5\x2f\xfd": "a file packed with Zstandard; unpack it first",
}
_LINK: Final[Reason] = ("link in the archive", "links in the archive")
_REPLACED: Final[Reason] = (
    "file that a later one of the same name replaces",
    "files that later ones of the same names replace",
)
# Long names and dates of a tar archive's members, which tarfile holds in memory as a whole.
_TAR_HEADERS: Final = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)
_MAX_TAR_HEADER_BYTES: Final = 2**20


class Container(Protocol):
    """Files below one root.

    Attributes:
        path: what was opened.
        names: names of all files, with ``/`` between folders.
        skipped: what was met and is no file.

    >>> _ = Path("a.txt").write_text("a")
    >>> container = open_container(Path("."))
    >>> [(name, file.read()) for name, file in container.files(container.names)]
    [('a.txt', b'a')]
    """

    path: Path
    names: list[str]
    skipped: Skipped

    def files(self, names: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
        """Yield the wanted files, each open until the next is asked for, in any order."""


def place_in(container: Container, name: str) -> str:
    """Return what a message calls a file of a container."""
    return f"{container.path.name}: {abbreviate(name)}"


def open_container(path: Path) -> Container | None:
    """Return the files of a folder, a zip or a tar archive; None for a file that is none.

    Raises:
        DatasetError: it cannot be read, or is an archive of a kind that is not read.
    """
    with reading(path):
        if path.is_dir():
            return _Folder(path)
        if zipfile.is_zipfile(path):
            return _Zip(path)
        if path.suffix.lower() == ".zip":
            raise DatasetError(f"{path}: cannot be read as a zip file: it is damaged or none.")
        with path.open("rb") as file:
            head = file.read(8)
        for magic, kind in _NOT_READ.items():
            if head.startswith(magic):
                raise DatasetError(
                    f"{path}: expected a csv, a folder, or a zip or tar archive. Received: {kind}."
                )
        with open_packed(path) as stream:
            head = stream.read(tarfile.BLOCKSIZE)
        return _Tar(path) if _begins_tar(head) else None


@contextmanager
def open_packed(path: Path) -> Iterator[IO[bytes]]:
    """Open a file whose bytes may be packed with gzip, bzip2 or xz."""
    with path.open("rb") as file:
        yield unpacked(file)


def unpacked(stream: IO[bytes]) -> IO[bytes]:
    """Return a stream that unpacks ``stream`` if it is packed with gzip, bzip2 or xz."""
    packed = buffered(stream)
    head = packed.peek(6)
    if head.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=packed))
    if head.startswith(b"BZh"):
        return bz2.BZ2File(packed)
    if head.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile(packed)
    return packed


def buffered(stream: IO[bytes]) -> io.BufferedReader:
    """Return a stream with ``peek`` of one that may have no more than ``read``."""
    return io.BufferedReader(_Raw(stream), 2**16)


class _Raw(io.RawIOBase):
    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        data = self._stream.read(len(buffer))
        buffer[: len(data)] = data
        return len(data)


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn what goes wrong while a file is read into a DatasetError."""
    try:
        yield
    except _BROKEN as error:
        why = getattr(error, "strerror", None) or "it is damaged, cut off or locked by a password"
        where = utf8_safe(str(getattr(error, "filename", None) or path))
        raise DatasetError(f"{where}: cannot be read: {why}.") from error


class _Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._real: dict[str, str] = {}
        found, self.skipped = walk(str(path))
        for name in found:
            self._real[utf8_safe(name)] = name
        self.names = list(self._real)

    def files(self, names: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
        for name in names:
            with Path(self.path, self._real[name]).open("rb") as file:
                yield name, file


class _Zip:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._real: dict[str, zipfile.ZipInfo] = {}
        skipped: Counter[tuple[Reason, str]] = Counter()
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                # Some archives from Windows have its separator.
                name = utf8_safe(info.filename.replace("\\", "/"))
                if name.endswith("/"):
                    continue
                if stat.S_ISLNK(info.external_attr >> 16):
                    skipped[_LINK, ""] += 1
                    continue
                skipped[_REPLACED, name] += name in self._real
                self._real[name] = info
                _require_few(self._real, path)
        self.skipped = Skipped.of(+skipped)
        self.names = list(self._real)

    def files(self, names: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
        with zipfile.ZipFile(self.path) as archive:
            for name in names:
                with archive.open(self._real[name]) as file:
                    yield name, file


class _Tar:
    def __init__(self, path: Path) -> None:
        self.path = path
        # How often each name comes: the last file of a name counts, as when it is unpacked.
        self._times: Counter[str] = Counter()
        skipped: Counter[tuple[Reason, str]] = Counter()
        for member, _ in self._members():
            if member.isfile():
                self._times[_name(member)] += 1
                _require_few(self._times, path)
            elif not member.isdir():
                skipped[_LINK, ""] += 1
        skipped.update({(_REPLACED, name): n - 1 for name, n in self._times.items()})
        self.skipped = Skipped.of(+skipped)
        self.names = list(self._times)

    def files(self, names: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
        to_come = {name: self._times[name] for name in names}
        for member, archive in self._members():
            name = _name(member)
            if member.isfile() and name in to_come:
                to_come[name] -= 1
                if not to_come[name]:
                    file = archive.extractfile(member)  # a stream; nothing is written
                    assert file is not None
                    yield name, file

    def _members(self) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]:
        with (
            open_packed(self.path) as stream,
            tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as archive,
        ):
            for member in archive:
                yield member, archive
            # The end of the packed stream holds its checksum.
            while stream.read(2**20):
                pass


class _Member(tarfile.TarInfo):
    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if member.type in _TAR_HEADERS and member.size > _MAX_TAR_HEADER_BYTES:
            raise tarfile.ReadError("a name that would fill the memory")
        return member


def _begins_tar(head: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _name(member: tarfile.TarInfo) -> str:
    return utf8_safe(member.name.removeprefix("./"))


def _require_few(names: Collection[str], path: Path) -> None:
    if len(names) > MAX_IMAGES:
        raise DatasetError(f"{path}: expected at most {MAX_IMAGES:,} files. Received: more.")
