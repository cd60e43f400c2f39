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
"""Name of the metadata file; readers of Parquet folders ignore names that begin with _ or a dot."""

_PART_NAME: Final = re.compile(r"part-.*\.parquet")
_OWN_NAME: Final = re.compile(rf"\.?({re.escape(JOB_FILE)}|{_PART_NAME.pattern})(\.\d+)?")
"""Names of a job's files, and of temporary files that a killed run left; see
:meth:`ResultStore._write_atomic`."""

_VERSIONS_KEY: Final = b"emosense:versions"
"""Key of the files' versions in the metadata of a part's Parquet schema."""


@dataclass(frozen=True)
class FinishedFile:
    """A file whose rows are written.

    Attributes:
        error: whether its rows hold an error.
        version: version of the file when it was analysed, see
            :class:`emosense.batch.discovery.SourceFile`; empty if unknown, as in folders of
            earlier releases.

    >>> FinishedFile(error=False, version="1024-1700000000").error
    False
    """

    error: bool
    version: str = ""


@dataclass(frozen=True)
class StoreContents:
    """Contents of a result store.

    Attributes:
        finished: files whose rows are written, by name.
        damaged: paths of parts that cannot be read, e.g. after a power loss.

    >>> ResultStore("out").survey()
    StoreContents(finished={}, damaged=[])
    """

    finished: dict[str, FinishedFile]
    damaged: list[str]


class ResultStore:
    """Writes and reads a job's folder. Safe to use from several threads and machines at once.

    Args:
        destination: folder of the Parquet parts, a path or a URL of fsspec; created if missing.

    Raises:
        BatchError: fsspec cannot open the destination.

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
        """Write the job's metadata, or check it against those of an earlier run.

        Args:
            job: metadata as JSON data: everything that the rows depend on; see
                :func:`emosense.batch.job.job_metadata`.

        Raises:
            BatchError: the folder holds another job, or cannot be written.
        """
        path = f"{self._path}/{JOB_FILE}"
        try:
            self._system.makedirs(self._path, exist_ok=True)
            if self._system.exists(path):
                with self._system.open(path, "rb") as file:
                    stored = json.load(file)
            else:
                stored = job
                self._write_atomic(path, json.dumps(job, indent=2).encode())
        except (OSError, ValueError) as error:
            raise BatchError(f"{self.destination}: cannot be used ({error}).") from error
        changed = sorted(key for key in {*stored, *job} if stored.get(key) != job.get(key))
        if changed:
            changes = ", ".join(f"{k} {stored.get(k)!r} -> {job.get(k)!r}" for k in changed)
            raise BatchError(
                f"{self.destination} holds another job ({changes}). Give it another folder."
            )

    def is_own(self, system: fsspec.AbstractFileSystem, path: str) -> bool:
        """Return whether a file was written by a run of this job."""
        folder, _, name = path.rpartition("/")
        return (
            bool(_OWN_NAME.fullmatch(name))
            and type(system) is type(self._system)
            and _real_path(system, folder) == _real_path(system, self._path)
        )

    def finished(self) -> dict[str, FinishedFile]:
        """Return all files whose rows are written, by name; those of damaged parts are left out."""
        return self.survey().finished

    def survey(self) -> StoreContents:
        """Read all parts, and return their files and the paths of the damaged parts."""
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
        """Remove parts by their paths; their files then count as unfinished."""
        for path in parts:
            self._system.rm(path)

    def drop_rows(self, names: set[str]) -> None:
        """Remove the rows of the files with these names, which then count as unfinished."""
        import pyarrow as pa
        import pyarrow.compute as pc

        from emosense.export.parquet import to_parquet

        for path in self._parts():
            table = self._table(path)
            if table is None:
                continue
            remaining = table.filter(pc.invert(pc.is_in(table["file"], pa.array(sorted(names)))))
            versions = {
                name: version for name, version in _versions(table).items() if name not in names
            }
            remaining = _with_versions(remaining, versions)
            if remaining.num_rows == 0:
                self._system.rm(path)
            elif remaining.num_rows < table.num_rows:
                self._write_atomic(path, to_parquet(remaining))

    def write(self, files: list[SourceFile], table: pa.Table) -> None:
        """Write the rows of files as one part, with the files' versions in its schema's metadata.

        The part's name depends only on the names of the files: a repeated write replaces it.

        Args:
            files: files of the part.
            table: rows of all of the files.

        Raises:
            BatchError: the folder cannot be written.
        """
        from emosense.export.parquet import to_parquet

        names = "\0".join(file.name for file in files).encode()
        path = f"{self._path}/part-{hashlib.sha256(names).hexdigest()[:20]}.parquet"
        versions = {file.name: file.version for file in files if file.version}
        try:
            self._write_atomic(path, to_parquet(_with_versions(table, versions)))
        except OSError as error:
            raise BatchError(f"{self.destination}: cannot be written ({error}).") from error

    def read(self) -> pa.Table:
        """Return all rows that are written, sorted by file, frame and person.

        Raises:
            BatchError: a part is damaged; another run of the job replaces it.
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
        tables = [table.replace_schema_metadata(None) for table in tables]
        return pa.concat_tables([schema().empty_table(), *tables]).sort_by(keys)

    def _parts(self) -> list[str]:
        """Return the paths of all parts, sorted."""
        # Listed instead of globbed: the folder's own path may contain wildcards.
        if not self._system.isdir(self._path):
            return []
        paths = [str(path) for path in self._system.ls(self._path, detail=False, refresh=True)]
        return [path for path in sorted(paths) if _PART_NAME.fullmatch(path.rsplit("/", 1)[-1])]

    def _table(self, path: str) -> pa.Table | None:
        """Return the rows of a part, or None if the part is damaged."""
        import pyarrow as pa
        import pyarrow.parquet as pq

        content = self._system.cat_file(path)  # its errors are raised: they are no damaged part
        try:
            return pq.read_table(pa.BufferReader(content), page_checksum_verification=True)
        except (pa.ArrowException, OSError):
            return None

    def _write_atomic(self, path: str, content: bytes) -> None:
        """Write a file atomically: under a temporary name, and then renamed."""
        folder, _, name = path.rpartition("/")
        temporary = f"{folder}/.{name}.{os.getpid()}"
        self._system.pipe_file(temporary, content)
        self._system.mv(temporary, path)


def _real_path(system: Any, folder: str) -> str:
    return os.path.realpath(folder) if is_local(system) else folder.rstrip("/")


def _with_versions(table: pa.Table, versions: dict[str, str]) -> pa.Table:
    """Return a table with the versions of its files, by name, in its schema's metadata."""
    return table.replace_schema_metadata({_VERSIONS_KEY: json.dumps(versions)})


def _versions(table: pa.Table) -> dict[str, str]:
    """Return the versions of a part's files by name; files of unknown version are left out."""
    metadata = table.schema.metadata or {}
    try:
        versions = json.loads(metadata.get(_VERSIONS_KEY, b"{}"))
    except ValueError:
        return {}
    return versions if isinstance(versions, dict) else {}
