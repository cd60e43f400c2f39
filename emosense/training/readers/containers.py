"""A common interface to folders, zip and tar archives: file names and streams of bytes.

File formats are detected by their first bytes, not by their names. Archives are read as streams
and never extracted to disk; the memory for their headers is limited.
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

_READ_ERRORS: Final = (
    OSError,
    EOFError,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    zipfile.BadZipFile,
    RuntimeError,  # encrypted; its subclass NotImplementedError: an unsupported compression
)
_UNSUPPORTED_FORMATS: Final = {
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
# Extended headers of a tar archive's members, which tarfile reads into memory as a whole.
_TAR_EXTENDED_HEADERS: Final = (
    *(tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK),
    *(tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE),
)
_MAX_TAR_HEADER_BYTES: Final = 2**20


class Container(Protocol):
    """The files of a folder or archive.

    Attributes:
        path: path of the folder or archive.
        names: names of all files, relative to the root, with ``/`` between folders.
        skipped: counts of entries that are no regular files.

    >>> _ = Path("a.txt").write_text("a")
    >>> container = open_container(Path("."))
    >>> [(name, file.read()) for name, file in container.files(container.names)]
    [('a.txt', b'a')]
    """

    path: Path
    names: list[str]
    skipped: Skipped

    def files(self, names: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
        """Yield (name, stream) of the given files, in any order.

        Each stream is open until the next file is requested.
        """


def place_in(container: Container, name: str) -> str:
    """Return the location of a file of a container, for messages."""
    return f"{container.path.name}: {abbreviate(name)}"


def open_container(path: Path) -> Container | None:
    """Open a folder, a zip or a tar archive; return None for any other file.

    Raises:
        DatasetError: the path cannot be read, or the file has an unsupported format.
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
        for magic, description in _UNSUPPORTED_FORMATS.items():
            if head.startswith(magic):
                raise DatasetError(
                    f"{path}: expected a csv, a folder, or a zip or tar archive. "
                    f"Received: {description}."
                )
        with open_packed(path) as stream:
            head = stream.read(tarfile.BLOCKSIZE)
        return _Tar(path) if _is_tar_header(head) else None


@contextmanager
def open_packed(path: Path) -> Iterator[IO[bytes]]:
    """Open a file and decompress it if it is compressed with gzip, bzip2 or xz."""
    with path.open("rb") as file:
        yield unpacked(file)


def unpacked(stream: IO[bytes]) -> IO[bytes]:
    """Return a decompressing stream if ``stream`` is compressed with gzip, bzip2 or xz."""
    reader = buffered(stream)
    head = reader.peek(6)
    if head.startswith(b"\x1f\x8b"):
        return cast(IO[bytes], gzip.GzipFile(fileobj=reader))
    if head.startswith(b"BZh"):
        return bz2.BZ2File(reader)
    if head.startswith(b"\xfd7zXZ\x00"):
        return lzma.LZMAFile(reader)
    return reader


def buffered(stream: IO[bytes]) -> io.BufferedReader:
    """Return a buffered reader, with ``peek``, of a stream that has only ``read``."""
    return io.BufferedReader(_RawStream(stream), 2**16)


class _RawStream(io.RawIOBase):
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
    """Convert errors of reading ``path`` to :class:`DatasetError`."""
    try:
        yield
    except _READ_ERRORS as error:
        reason = (
            getattr(error, "strerror", None) or "it is damaged, cut off or locked by a password"
        )
        location = utf8_safe(str(getattr(error, "filename", None) or path))
        raise DatasetError(f"{location}: cannot be read: {reason}.") from error


class _Folder:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._file_names: dict[str, str] = {}
        file_names, self.skipped = walk(str(path))
        for name in file_names:
            self._file_names[utf8_safe(name)] = name
        self.names = list(self._file_names)

    def files(self, names: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
        for name in names:
            with Path(self.path, self._file_names[name]).open("rb") as file:
                yield name, file


class _Zip:
    def __init__(self, path: Path) -> None:
        self.path = path
        self._infos: dict[str, zipfile.ZipInfo] = {}
        skipped: Counter[tuple[Reason, str]] = Counter()
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                # Some archives written on Windows have backslashes as separators.
                name = utf8_safe(info.filename.replace("\\", "/"))
                if name.endswith("/"):
                    continue
                if stat.S_ISLNK(info.external_attr >> 16):
                    skipped[_LINK, ""] += 1
                    continue
                skipped[_REPLACED, name] += name in self._infos
                self._infos[name] = info
                _check_file_count(self._infos, path)
        self.skipped = Skipped.of(+skipped)
        self.names = list(self._infos)

    def files(self, names: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
        with zipfile.ZipFile(self.path) as archive:
            for name in names:
                with archive.open(self._infos[name]) as file:
                    yield name, file


class _Tar:
    def __init__(self, path: Path) -> None:
        self.path = path
        # Occurrences of each name: the last file of a name is used, as in extraction.
        self._occurrences: Counter[str] = Counter()
        skipped: Counter[tuple[Reason, str]] = Counter()
        for member, _ in self._members():
            if member.isfile():
                self._occurrences[_name(member)] += 1
                _check_file_count(self._occurrences, path)
            elif not member.isdir():
                skipped[_LINK, ""] += 1
        skipped.update({(_REPLACED, name): n - 1 for name, n in self._occurrences.items()})
        self.skipped = Skipped.of(+skipped)
        self.names = list(self._occurrences)

    def files(self, names: Collection[str]) -> Iterator[tuple[str, IO[bytes]]]:
        remaining = {name: self._occurrences[name] for name in names}
        for member, archive in self._members():
            name = _name(member)
            if member.isfile() and name in remaining:
                remaining[name] -= 1
                if not remaining[name]:
                    file = archive.extractfile(member)  # a stream; nothing is written to disk
                    assert file is not None
                    yield name, file

    def _members(self) -> Iterator[tuple[tarfile.TarInfo, tarfile.TarFile]]:
        with (
            open_packed(self.path) as stream,
            tarfile.open(fileobj=stream, mode="r|", tarinfo=_Member) as archive,
        ):
            for member in archive:
                yield member, archive
            # Read to the end of the compressed stream, where its checksum is verified.
            while stream.read(2**20):
                pass


class _Member(tarfile.TarInfo):
    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> Self:
        member = super().frombuf(buf, encoding, errors)
        if member.type in _TAR_EXTENDED_HEADERS and member.size > _MAX_TAR_HEADER_BYTES:
            raise tarfile.ReadError("a name that would fill the memory")
        return member


def _is_tar_header(head: bytes) -> bool:
    try:
        tarfile.TarInfo.frombuf(head, "utf-8", "surrogateescape")
    except tarfile.HeaderError:
        return False
    return True


def _name(member: tarfile.TarInfo) -> str:
    return utf8_safe(member.name.removeprefix("./"))


def _check_file_count(names: Collection[str], path: Path) -> None:
    if len(names) > MAX_IMAGES:
        raise DatasetError(f"{path}: expected at most {MAX_IMAGES:,} files. Received: more.")
