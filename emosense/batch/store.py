"""The result store: a folder of Parquet parts, written atomically, with the job's metadata."""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
import secrets
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from emosense.batch.discovery import SourceFile, is_local, open_system
from emosense.errors import BatchError
from emosense.filesystem.atomic import TEMPORARY_NAME, remove_stale_temporaries, write_atomic

if TYPE_CHECKING:
    import fsspec
    import pyarrow as pa

JOB_FILE: Final = "_job.json"
"""Name of the metadata file; readers of Parquet folders ignore names that begin with _ or a dot."""
MODEL_VERSIONS: Final = ("model_version", "calibration_version")
"""What a job's metadata tell of its network; unknown in those that earlier releases wrote."""

_PART_NAME: Final = re.compile(r"part-.*\.parquet")
_OWN_NAME: Final = re.compile(rf"{re.escape(JOB_FILE)}|{_PART_NAME.pattern}")
"""Names of a job's files."""

_OBJECT_STORES: Final = {
    "memory",
    "s3",
    "s3a",
    "gs",
    "gcs",
    "abfs",
    "abfss",
    "az",
    "oss",
    "oci",
    "r2",
}
"""Protocols of fsspec whose files appear whole or not at all, with no temporary file."""

_STALE_SECONDS: Final = 24 * 3600
"""Age at which a temporary file elsewhere is that of a killed run: there are no locks to tell."""

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

        Temporary files that a killed run left are removed; those of other living runs stay.

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
        except Exception as error:  # each kind of file system has errors of its own
            raise BatchError(f"{self.destination}: cannot be used ({error}).") from error
        changed = {key for key in {*stored, *job} if stored.get(key) != job.get(key)}
        changed -= {key for key in MODEL_VERSIONS if "model" in changed or key not in stored}
        if changed:
            changes = ", ".join(f"{k} {stored.get(k)!r} -> {job.get(k)!r}" for k in sorted(changed))
            raise BatchError(
                f"{self.destination} holds another job ({changes}). Give it another folder."
            )
        with self._writing():
            self._remove_stale_temporaries()

    def is_own(self, system: fsspec.AbstractFileSystem, path: str) -> bool:
        """Return whether a file was written by a run of this job."""
        folder, _, name = path.rpartition("/")
        return (
            bool(_OWN_NAME.fullmatch(name) or _is_temporary(name))
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
        """Remove parts by their paths; their files then count as unfinished.

        Raises:
            BatchError: the folder cannot be written.
        """
        with self._writing():
            for path in parts:
                self._system.rm(path)

    def drop_rows(self, names: set[str]) -> None:
        """Remove the rows of the files with these names, which then count as unfinished.

        Raises:
            BatchError: the folder cannot be written.
        """
        with self._writing():
            for path in self._parts():
                self._drop_rows(path, names)

    def _drop_rows(self, path: str, names: set[str]) -> None:
        import pyarrow as pa
        import pyarrow.compute as pc

        from emosense.export.parquet import to_parquet

        table = self._table(path)
        if table is None:
            return
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
        with self._writing():
            self._write_atomic(path, to_parquet(_with_versions(table, versions)))

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

    @contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except Exception as error:  # each kind of file system has errors of its own
            raise BatchError(f"{self.destination}: cannot be written ({error}).") from error

    def _write_atomic(self, path: str, content: bytes) -> None:
        """Write a file atomically, and leave no other file behind when that fails."""
        if is_local(self._system):
            write_atomic(Path(path), content)
            return
        if self._is_object_store():
            self._system.pipe_file(path, content)
            return
        folder, _, name = path.rpartition("/")
        temporary = f"{folder}/.{name}.{secrets.token_hex(4)}"
        try:
            self._system.pipe_file(temporary, content)
            self._system.mv(temporary, path)
        except BaseException:
            with contextlib.suppress(Exception):  # the first error says what is wrong
                self._system.rm(temporary)
            raise

    def _remove_stale_temporaries(self) -> None:
        """Remove the temporary files of killed runs, as far as they can be told from living ones."""
        if is_local(self._system):
            remove_stale_temporaries(Path(self._path), _OWN_NAME)
            return
        for path in map(str, self._system.ls(self._path, detail=False, refresh=True)):
            if _is_temporary(path.rsplit("/", 1)[-1]) and self._is_stale(path):
                with contextlib.suppress(FileNotFoundError):  # another run does the same
                    self._system.rm(path)

    def _is_object_store(self) -> bool:
        protocol = self._system.protocol
        return not _OBJECT_STORES.isdisjoint([protocol] if isinstance(protocol, str) else protocol)

    def _is_stale(self, path: str) -> bool:
        if self._is_object_store():
            return True  # of an earlier release: this one makes none there
        try:
            modified = self._system.modified(path)
        except Exception:  # not every file system knows
            return False
        return bool(time.time() - modified.timestamp() > _STALE_SECONDS)


def _is_temporary(name: str) -> bool:
    match = TEMPORARY_NAME.fullmatch(name)
    return match is not None and _OWN_NAME.fullmatch(match["name"]) is not None


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
