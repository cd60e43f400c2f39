"""The result store: a folder of Parquet parts, written atomically, with the job's metadata."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from emosense.batch.discovery import SourceFile, is_local, open_system
from emosense.errors import BatchError

if TYPE_CHECKING:
    import fsspec
    import pyarrow as pa

JOB_FILE: Final = "_job.json"
"""Readers of Parquet folders pass over names that begin with _ or a dot."""


_PART: Final = re.compile(r"part-.*\.parquet")
_OWN: Final = re.compile(rf"\.?({re.escape(JOB_FILE)}|{_PART.pattern})(\.\d+)?")
"""With the unfinished files of a job that was killed; see :meth:`ResultStore._write_atomic`."""

_VERSIONS: Final = b"emosense:versions"


@dataclass(frozen=True)
class FinishedFile:
    """A file whose rows are written.

    Attributes:
        error: whether they hold an error.
        version: of the file that was analysed, see :class:`emosense.batch.discovery.SourceFile`; empty if
            it is not known, as in folders of earlier releases.

    >>> FinishedFile(error=False, version="1024-1700000000").error
    False
    """

    error: bool
    version: str = ""


@dataclass(frozen=True)
class StoreContents:
    """Contents of a result store.

    Attributes:
        finished: files that have their rows, by name.
        damaged: paths of parts that cannot be read (after a loss of power, say).

    >>> ResultStore("out").survey()
    StoreContents(finished={}, damaged=[])
    """

    finished: dict[str, FinishedFile]
    damaged: list[str]


class ResultStore:
    """Writes and reads a job's folder. Safe to share between threads and machines.

    Args:
        destination: a folder, here or at an address of fsspec; made if it is missing.

    Raises:
        BatchError: the address cannot be opened.

    >>> store = ResultStore("out")
    >>> store.begin({"model": "cnn8"})
    >>> store.begin({"model": "cnn4"})
    Traceback (most recent call last):
    emosense.errors.BatchError: out holds another job (model 'cnn8' -> 'cnn4'). Give it another folder.
    """

    def __init__(self, destination: str) -> None:
        self.destination = destination
        self._system, self._path = open_system(destination)

    def begin(self, job: dict[str, Any]) -> None:
        """Write the job's metadata, or check that it is the same as before.

        Args:
            job: plain data: all that decides what the rows look like.

        Raises:
            BatchError: another job was begun here, or the folder cannot be written.
        """
        path = f"{self._path}/{JOB_FILE}"
        try:
            self._system.makedirs(self._path, exist_ok=True)
            if self._system.exists(path):
                with self._system.open(path, "rb") as file:
                    known = json.load(file)
            else:
                known = job
                self._write_atomic(path, json.dumps(job, indent=2).encode())
        except (OSError, ValueError) as error:
            raise BatchError(f"{self.destination}: cannot be used ({error}).") from error
        differing = sorted(key for key in {*known, *job} if known.get(key) != job.get(key))
        if differing:
            text = ", ".join(f"{k} {known.get(k)!r} -> {job.get(k)!r}" for k in differing)
            raise BatchError(
                f"{self.destination} holds another job ({text}). Give it another folder."
            )

    def is_own(self, system: fsspec.AbstractFileSystem, path: str) -> bool:
        """Return whether a file was written by this job's runs."""
        folder, _, name = path.rpartition("/")
        return (
            bool(_OWN.fullmatch(name))
            and type(system) is type(self._system)
            and _place(system, folder) == _place(system, self._path)
        )

    def finished(self) -> dict[str, FinishedFile]:
        """Return all files whose rows are written, by name; damaged parts count as missing."""
        return self.survey().finished

    def survey(self) -> StoreContents:
        """Read all parts; return the files in them and the parts that are damaged."""
        import pyarrow.compute as pc

        files: dict[str, FinishedFile] = {}
        damaged: list[str] = []
        for path in self._parts():
            table = self._table(path)
            if table is None:
                damaged.append(path)
                continue
            failed = set(table.filter(pc.is_valid(table["error"]))["file"].to_pylist())
            versions = _versions(table)
            for name in table["file"].unique().to_pylist():
                files[name] = FinishedFile(name in failed, versions.get(name, ""))
        return StoreContents(files, damaged)

    def remove(self, parts: Iterable[str]) -> None:
        """Remove parts, whose files then count as unfinished."""
        for path in parts:
            self._system.rm(path)

    def drop_rows(self, names: set[str]) -> None:
        """Remove the rows of some files, which then count as unfinished."""
        import pyarrow as pa
        import pyarrow.compute as pc

        from emosense.export.parquet import to_parquet

        for path in self._parts():
            table = self._table(path)
            if table is None:
                continue
            remaining = table.filter(pc.invert(pc.is_in(table["file"], pa.array(sorted(names)))))
            versions = {n: v for n, v in _versions(table).items() if n not in names}
            remaining = remaining.replace_schema_metadata({_VERSIONS: json.dumps(versions)})
            if remaining.num_rows == 0:
                self._system.rm(path)
            elif remaining.num_rows < table.num_rows:
                self._write_atomic(path, to_parquet(remaining))

    def write(self, files: list[SourceFile], table: pa.Table) -> None:
        """Write the rows of ``files``; the same files always give the same part.

        With them stand the files' versions, in the metadata of the Parquet schema.

        Raises:
            BatchError: the folder cannot be written.
        """
        from emosense.export.parquet import to_parquet

        names = "\0".join(file.name for file in files).encode()
        path = f"{self._path}/part-{hashlib.sha256(names).hexdigest()[:20]}.parquet"
        versions = {file.name: file.version for file in files if file.version}
        table = table.replace_schema_metadata({_VERSIONS: json.dumps(versions)})
        try:
            self._write_atomic(path, to_parquet(table))
        except OSError as error:
            raise BatchError(f"{self.destination}: cannot be written ({error}).") from error

    def read(self) -> pa.Table:
        """Return all rows so far, sorted by file, frame and person.

        Raises:
            BatchError: a part is damaged; another run of the job makes it again.
        """
        import pyarrow as pa

        from emosense.export.parquet import schema

        tables = []
        for path in self._parts():
            table = self._table(path)
            if table is None:
                raise BatchError(f"{path} is damaged. The same command makes it again.")
            tables.append(table)
        keys = [(name, "ascending") for name in ("file", "frame", "person")]
        plain = [table.replace_schema_metadata(None) for table in tables]
        return pa.concat_tables([schema().empty_table(), *plain]).sort_by(keys)

    def _parts(self) -> list[str]:
        # No pattern: the folder's own name may look like one.
        if not self._system.isdir(self._path):
            return []
        paths = [str(path) for path in self._system.ls(self._path, detail=False, refresh=True)]
        return [path for path in sorted(paths) if _PART.fullmatch(path.rsplit("/", 1)[-1])]

    def _table(self, path: str) -> pa.Table | None:
        """Return a part's rows, or None if they are damaged."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        content = self._system.cat_file(path)  # what the disk or the net says is no damage
        try:
            return pq.read_table(pa.BufferReader(content), page_checksum_verification=True)
        except (pa.ArrowException, OSError):
            return None

    def _write_atomic(self, path: str, content: bytes) -> None:
        """Write a file atomically: it is never seen half-written."""
        folder, _, name = path.rpartition("/")
        aside = f"{folder}/.{name}.{os.getpid()}"
        self._system.pipe_file(aside, content)
        self._system.mv(aside, path)


def _place(system: Any, folder: str) -> str:
    return os.path.realpath(folder) if is_local(system) else folder.rstrip("/")


def _versions(table: pa.Table) -> dict[str, str]:
    """Return the versions of a part's files by name, as far as they are known."""
    metadata = table.schema.metadata or {}
    try:
        versions = json.loads(metadata.get(_VERSIONS, b"{}"))
    except ValueError:
        return {}
    return versions if isinstance(versions, dict) else {}
