"""Atomic writes: whole or not at all, and nothing beside the file."""

import errno
import os
import re
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from emosense.filesystem import atomic
from emosense.filesystem import lock as locks
from emosense.filesystem.atomic import remove_stale_temporaries, write_atomic

KILLED = """
import os, sys
from pathlib import Path
from emosense.filesystem.atomic import write_atomic

write = Path.write_bytes


def half(path, content):
    write(path, content[: len(content) // 2])
    print(path, flush=True)
    sys.stdin.readline()
    os.kill(os.getpid(), 9)


Path.write_bytes = half
write_atomic(Path(sys.argv[1]), b"new content")
"""


def halfway_writer(path):
    """A process that stops in the middle of a write; a line sent to it kills it there."""
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    process.stdout.readline()
    return process


def test_only_the_file_is_there(tmp_path):
    for content in (b"one", b"two"):
        write_atomic(tmp_path / "card.json", content)
        assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"card.json": content}


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt(), MemoryError()]
)
@pytest.mark.parametrize("step", ["write_bytes", "replace"])
def test_a_failed_write_leaves_the_old_content_and_nothing_else(tmp_path, monkeypatch, step, error):
    write_atomic(tmp_path / "card.json", b"old")

    def fail(path, content):
        if step == "write_bytes":
            with path.open("wb") as file:
                file.write(content[:1])
        raise error

    monkeypatch.setattr(Path, step, fail)
    with pytest.raises(type(error)):
        write_atomic(tmp_path / "card.json", b"new")
    monkeypatch.undo()
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == {"card.json": b"old"}


def test_a_killed_write_is_cleared_by_the_next_one_and_a_living_one_is_not(tmp_path):
    path = tmp_path / "card.json"
    writer = halfway_writer(path)
    (temporary,) = tmp_path.iterdir()
    write_atomic(path, b"ours")
    assert temporary.read_bytes() == b"new c"
    writer.communicate(b"\n")
    assert temporary.exists()
    write_atomic(path, b"ours again")
    assert list(tmp_path.iterdir()) == [path]


def test_only_temporaries_of_the_named_files_go(tmp_path):
    names = [
        ".a.json.0123abcd",
        ".a.json.4711",
        ".b.json.0123abcd",
        ".a.json",
        ".a.json.mine",
        "a.json.12",
    ]
    for name in names:
        (tmp_path / name).touch()
    (tmp_path / ".a.json.11111111").mkdir()
    (tmp_path / "kept").touch()
    (tmp_path / ".a.json.22222222").symlink_to(tmp_path / "kept")
    remove_stale_temporaries(tmp_path, re.compile(r"a\.json"))
    left = {path.name for path in tmp_path.iterdir()}
    assert left - {".a.json.22222222"} == {*names[2:], ".a.json.11111111", "kept"}


def test_a_temporary_that_another_takes_for_stale_is_made_anew(tmp_path, monkeypatch):
    lock_descriptor, waiting = locks.lock_descriptor, [True]

    def lock(descriptor, blocking):
        if waiting and waiting.pop():
            remove_stale_temporaries(tmp_path, re.compile("a"))
            assert list(tmp_path.iterdir()) == []
        return lock_descriptor(descriptor, blocking=blocking)

    monkeypatch.setattr(locks, "lock_descriptor", lock)
    write_atomic(tmp_path / "a", b"x")
    assert not waiting
    assert [(p.name, p.read_bytes()) for p in tmp_path.iterdir()] == [("a", b"x")]


def test_where_there_are_no_locks_files_are_written_all_the_same(tmp_path, monkeypatch):
    def unsupported(*_, **__):
        raise OSError(errno.ENOLCK, "no locks here")

    monkeypatch.setattr(locks, "lock_descriptor", unsupported)
    (tmp_path / ".a.0123abcd").write_bytes(b"perhaps another's")
    write_atomic(tmp_path / "a", b"x")
    assert {p.name for p in tmp_path.iterdir()} == {"a", ".a.0123abcd"}


def test_many_writers_of_one_file(tmp_path):
    path = tmp_path / "a"
    with ThreadPoolExecutor(8) as threads:
        list(threads.map(lambda n: write_atomic(path, bytes([n]) * 1000), range(100)))
    assert len(set(path.read_bytes())) == 1
    assert list(tmp_path.iterdir()) == [path]


def test_new_files_have_the_users_permissions(tmp_path):
    mask = os.umask(0o027)
    try:
        write_atomic(tmp_path / "a", b"x")
    finally:
        os.umask(mask)
    assert (tmp_path / "a").stat().st_mode & 0o777 == 0o640


def test_a_missing_folder_is_an_error(tmp_path):
    with pytest.raises(FileNotFoundError):
        write_atomic(tmp_path / "nowhere" / "a", b"x")
    remove_stale_temporaries(tmp_path / "nowhere", re.compile("a"))
    assert atomic.TEMPORARY_NAME.fullmatch(".a.0123abcd")
