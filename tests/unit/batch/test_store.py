"""What a batch leaves in its folder when it cannot write: nothing but whole parts."""

import errno
import os
import resource
import subprocess
import sys
from pathlib import Path
from typing import ClassVar

import fsspec
import pytest
from fsspec.implementations.memory import MemoryFileSystem

from emosense.batch import store as store_module
from emosense.batch.discovery import SourceFile
from emosense.batch.store import ResultStore
from emosense.errors import BatchError
from emosense.export.parquet import failure_row, to_table
from emosense.filesystem.atomic import TEMPORARY_NAME
from emosense.filesystem.lock import lock_file

FILES = [SourceFile("a.jpg", "file:///a.jpg", video=False)]
TABLE = to_table([failure_row("a.jpg", "it is damaged")])


class Remote(MemoryFileSystem):
    """A file system that knows renaming and no locks, as SFTP."""

    protocol = "remote"
    store: ClassVar[dict] = {}
    pseudo_dirs: ClassVar[list] = [""]

    @classmethod
    def _strip_protocol(cls, path):
        return MemoryFileSystem._strip_protocol(path.removeprefix("remote:/"))


@pytest.fixture
def remote(monkeypatch):
    fsspec.register_implementation("remote", Remote, clobber=True)
    system = fsspec.filesystem("remote")
    yield system
    system.store.clear()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def part_of(folder: Path) -> str:
    (name,) = (name for name in names(folder) if name.startswith("part-"))
    return name


@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "No space left"), KeyboardInterrupt()])
def test_a_failed_write_leaves_no_file(tmp_path, monkeypatch, error):
    store = ResultStore(str(tmp_path))
    store.begin({})

    def fail(path, content):
        with path.open("wb") as file:
            file.write(content[:9])
        raise error

    monkeypatch.setattr(Path, "write_bytes", fail)
    with pytest.raises((BatchError, KeyboardInterrupt)) as raised:
        store.write(FILES, TABLE)
    assert names(tmp_path) == {"_job.json"}
    if isinstance(error, OSError):
        assert "cannot be written" in str(raised.value)
        assert "No space left" in str(raised.value)


def test_a_command_whose_disk_is_full_says_so_and_leaves_nothing(tmp_path, astronaut_png):
    """The system's own limit on the size of a file stands for the full disk."""
    (tmp_path / "a.png").write_bytes(astronaut_png)
    out = tmp_path / "out"
    done = subprocess.run(
        [sys.executable, "-m", "emosense", "batch", str(tmp_path), str(out), "--workers", "1"],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode not in (0, -25), done.stderr
    assert "cannot be written" in done.stderr
    assert "Traceback" not in done.stderr
    assert names(out) == {"_job.json"}


KILLED = """
import os, sys, time
from pathlib import Path
from emosense.batch.store import ResultStore
from emosense.batch.discovery import SourceFile
from emosense.export.parquet import failure_row, to_table

store = ResultStore(sys.argv[1])
store.begin({})
write = Path.write_bytes


def half(path, content):
    write(path, content[:9])
    print("half", flush=True)
    time.sleep(600)


Path.write_bytes = half
files = [SourceFile("b.jpg", "file:///b.jpg", video=False)]
store.write(files, to_table([failure_row("b.jpg", "it is damaged")]))
"""


def test_what_a_killed_run_left_goes_and_what_a_living_one_writes_stays(tmp_path):
    living = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
    )
    assert living.stdout.readline() == "half\n"
    (temporary,) = (name for name in names(tmp_path) if name.startswith(".part-"))
    store = ResultStore(str(tmp_path))
    store.begin({})
    store.write(FILES, TABLE)
    assert temporary in names(tmp_path)
    living.kill()
    living.communicate()
    store.begin({})
    assert names(tmp_path) == {"_job.json", part_of(tmp_path)}
    assert store.read()["file"].to_pylist() == ["a.jpg"]


def test_leftovers_of_earlier_releases_go_too(tmp_path):
    for name in (".part-0123.parquet.4711", "._job.json.1", ".notes.txt.4711", ".part-1.csv.1"):
        (tmp_path / name).touch()
    ResultStore(str(tmp_path)).begin({})
    assert names(tmp_path) == {"_job.json", ".notes.txt.4711", ".part-1.csv.1"}


def test_another_jobs_folder_is_not_touched(tmp_path):
    ResultStore(str(tmp_path)).begin({"model": "cnn8"})
    (tmp_path / ".part-0123.parquet.4711").touch()
    with pytest.raises(BatchError, match="another job"):
        ResultStore(str(tmp_path)).begin({"model": "cnn4"})
    assert ".part-0123.parquet.4711" in names(tmp_path)


def test_what_a_run_writes_is_its_own_also_half_written(tmp_path):
    store = ResultStore(str(tmp_path))
    system = fsspec.filesystem("file")
    for name in ("_job.json", "part-1.parquet", ".part-1.parquet.0123abcd", "._job.json.99"):
        assert store.is_own(system, f"{tmp_path}/{name}"), name
    for name in (".part-1.parquet", "photo.jpg", ".part-1.parquet.mine"):
        assert not store.is_own(system, f"{tmp_path}/{name}"), name


def test_object_stores_need_no_temporary_file(monkeypatch):
    system = fsspec.filesystem("memory")
    system.pipe_file("/objects/.part-0123.parquet.4711", b"of an earlier release")
    monkeypatch.setattr(MemoryFileSystem, "mv", None)  # none of them renames at once
    store = ResultStore("memory://objects")
    store.begin({})
    store.write(FILES, TABLE)
    written = {path.rsplit("/", 1)[-1] for path in system.ls("/objects", detail=False)}
    assert len(written) == 2
    assert not any(map(TEMPORARY_NAME.fullmatch, written))
    system.rm("/objects", recursive=True)


@pytest.mark.parametrize("step", ["pipe_file", "mv"])
def test_a_failed_write_elsewhere_leaves_no_file(remote, monkeypatch, step):
    store = ResultStore("remote://out")
    store.begin({})
    before = set(remote.store)

    def fail(self, path, *arguments, **options):
        if step == "pipe_file":
            original(self, path, b"half")
        raise RuntimeError("the line is cut")  # no OSError: as some clouds

    original = getattr(Remote, step)
    monkeypatch.setattr(Remote, step, fail)
    with pytest.raises(BatchError, match=r"cannot be written .*the line is cut"):
        store.write(FILES, TABLE)
    assert set(remote.store) == before


def test_elsewhere_only_old_leftovers_go(remote, monkeypatch):
    remote.pipe_file("/out/.part-0123.parquet.0123abcd", b"half")
    ResultStore("remote://out").begin({})
    assert "/out/.part-0123.parquet.0123abcd" in remote.store  # perhaps being written
    now = store_module.time.time()
    monkeypatch.setattr(store_module.time, "time", lambda: now + 25 * 3600)
    ResultStore("remote://out").begin({})
    assert set(remote.store) == {"/out/_job.json"}


def test_a_folder_that_cannot_be_written_is_told(tmp_path, monkeypatch):
    store = ResultStore(str(tmp_path))
    store.begin({})
    store.write(FILES, TABLE)

    def denied(*_, **__):
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(type(fsspec.filesystem("file")), "rm", denied)
    for act in (lambda: store.drop_rows({"a.jpg"}), lambda: store.remove(["a"])):
        with pytest.raises(BatchError, match=r"cannot be written .*Permission denied"):
            act()
    assert names(tmp_path) == {"_job.json", part_of(tmp_path)}


def test_fetched_videos_go_with_the_process_that_fetched_them(tmp_path, monkeypatch):
    """A worker that is killed while it fetches: its runner clears up once the process has ended."""
    from emosense.batch.options import BatchOptions
    from emosense.batch.part_runner import PartRunner

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    fetched = tmp_path / "emosense-aaaaaaaa"
    fetched.mkdir(mode=0o700)
    (fetched / ".lock").touch()
    (fetched / "video").write_text("x")
    living = tmp_path / "emosense-bbbbbbbb"
    living.mkdir(mode=0o700)
    lock = lock_file(living / ".lock", os.O_CREAT)
    PartRunner(BatchOptions("cnn8")).close()
    assert names(tmp_path) == {"emosense-bbbbbbbb"}
    lock.release()
