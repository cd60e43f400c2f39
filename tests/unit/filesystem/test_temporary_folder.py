"""Temporary folders go with their owner, and only with their owner."""

import os
import shutil
import subprocess
import sys
import textwrap
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from emosense.filesystem import lock as locks
from emosense.filesystem import temporary_folder
from emosense.filesystem.temporary_folder import LOCK_FILE, TemporaryFolder, remove_stale

OWNER = """
import os, subprocess, sys, time
from pathlib import Path
from threading import Event
from emosense.filesystem.temporary_folder import TemporaryFolder

folder = TemporaryFolder(Path(sys.argv[1]))
(folder.path / "video").write_text("x")
{more}
print(folder.path, flush=True)
time.sleep(600)
"""


def owner(root: Path, more: str = "") -> tuple[subprocess.Popen[str], Path]:
    """A process that owns a folder with a file in it, and the folder."""
    code = OWNER.format(more=textwrap.dedent(more))
    process = subprocess.Popen(
        [sys.executable, "-c", code, str(root)], stdout=subprocess.PIPE, text=True
    )
    return process, Path(process.stdout.readline().strip())


def kill(process):
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_living_owner_keeps_its_folder_and_a_killed_one_does_not(tmp_path):
    process, path = owner(tmp_path)
    try:
        remove_stale(tmp_path)
        TemporaryFolder(tmp_path).remove()
        assert (path / "video").read_text() == "x"
    finally:
        kill(process)
    assert path.is_dir()
    remove_stale(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_folders_of_this_process_are_kept(tmp_path):
    first, second = TemporaryFolder(tmp_path), TemporaryFolder(tmp_path)
    remove_stale(tmp_path)
    assert first.path.is_dir()
    assert second.path.is_dir()
    first.remove()
    first.remove()  # once more does nothing
    assert list(tmp_path.iterdir()) == [second.path]
    second.remove()


def test_process_numbers_say_nothing(tmp_path, monkeypatch):
    """As from another PID namespace, where no such process exists; and as if each did."""
    process, path = owner(tmp_path)
    try:
        with monkeypatch.context() as patch:
            patch.setattr(os, "kill", no_such_process)
            patch.setattr(os, "getpid", lambda: process.pid)
            remove_stale(tmp_path)
        assert path.is_dir()
    finally:
        kill(process)
    monkeypatch.setattr(os, "kill", lambda *_: None)
    remove_stale(tmp_path)
    assert not path.exists()


def no_such_process(*_):
    raise ProcessLookupError


@pytest.mark.parametrize(
    "child",
    [
        # Forked without another program: it has the parent's files.
        """
        read, write = os.pipe()
        if os.fork() == 0:
            os.write(write, b"x")
            signal = __import__("signal"); signal.pause()
        os.read(read, 1)  # the child has begun: it has closed what it closes
        """,
        # What inherits all files that can be inherited.
        "subprocess.Popen(['sleep', '600'], close_fds=False, stdout=subprocess.DEVNULL)",
        # As inference processes are started.
        """
        read, write = os.pipe()
        subprocess.Popen(['sleep', '600'], pass_fds=[read], stdout=subprocess.DEVNULL)
        """,
    ],
    ids=["fork", "close_fds=False", "pass_fds"],
)
@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
def test_children_do_not_keep_the_folder(child, tmp_path):
    psutil = pytest.importorskip("psutil")
    process, path = owner(tmp_path, child)
    children = psutil.Process(process.pid).children()
    try:
        remove_stale(tmp_path)
        assert path.is_dir()
        kill(process)
        assert [c.is_running() for c in children] == [True]
        remove_stale(tmp_path)
        assert not path.exists()
    finally:
        for c in children:
            c.kill()


def test_a_forked_child_does_not_remove_its_parents_folder(tmp_path):
    folder = TemporaryFolder(tmp_path)
    pid = os.fork()
    if pid == 0:  # as atexit would in the child
        folder.remove()
        os._exit(0)
    assert os.waitpid(pid, 0)[1] == 0
    assert folder.path.is_dir()
    remove_stale(tmp_path)
    assert folder.path.is_dir()
    folder.remove()
    assert list(tmp_path.iterdir()) == []


def test_what_others_named_so_is_left_alone(tmp_path):
    """Also where its name and its mode are those of a temporary folder."""
    for name in ("emosense-pictures", "emosense-pictured", "emosense-1-pictures", "emosense"):
        (tmp_path / name).mkdir(mode=0o700)
        (tmp_path / name / "holiday.jpg").write_text("x")
    (tmp_path / "emosense-aaaaaaaa").write_text("a file")
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "elsewhere" / LOCK_FILE).touch()
    (tmp_path / "emosense-bbbbbbbb").symlink_to(tmp_path / "elsewhere")
    shared = tmp_path / "emosense-cccccccc"  # not for its user alone
    shared.mkdir(mode=0o755)
    (shared / LOCK_FILE).touch()
    before = sorted(tmp_path.rglob("*"))
    remove_stale(tmp_path)
    assert sorted(tmp_path.rglob("*")) == before


def test_folders_of_other_users_are_left_alone(tmp_path, monkeypatch):
    folder = tmp_path / "emosense-aaaaaaaa"
    folder.mkdir(mode=0o700)
    (folder / LOCK_FILE).touch()
    uid = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: uid + 1)
    remove_stale(tmp_path)
    assert folder.is_dir()
    monkeypatch.undo()
    remove_stale(tmp_path)
    assert not folder.exists()


def test_an_owner_that_dies_between_folder_and_lock_leaves_nothing(tmp_path):
    (tmp_path / "emosense-aaaaaaaa").mkdir(mode=0o700)
    remove_stale(tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "step", ["before its lock file", "before its lock", "by another", "while its lock is removed"]
)
def test_a_folder_that_is_removed_before_it_is_locked_is_made_anew(tmp_path, monkeypatch, step):
    """What another process's clean-up may do just between two steps."""
    lock_descriptor, mkdtemp = locks.lock_descriptor, temporary_folder.tempfile.mkdtemp
    made, waiting = [], [True]

    def make(**options):
        made.append(Path(mkdtemp(**options)))
        if step == "before its lock file" and len(made) == 1:
            remove_stale(tmp_path)
        return str(made[-1])

    def lock(descriptor, blocking):
        if step != "before its lock file" and waiting and waiting.pop():
            if step == "before its lock":
                remove_stale(tmp_path)  # takes the lock first, and is done with the folder
            elif step == "by another":
                assert locks.lock_file(made[0] / LOCK_FILE)  # has not begun to remove it
            else:
                monkeypatch.setattr(Path, "unlink", meet)
                threads.submit(remove_stale, tmp_path)
                reached.wait()
        return lock_descriptor(descriptor, blocking=blocking)

    unlink, reached, go_on = Path.unlink, Event(), Event()

    def meet(path, missing_ok=False):
        reached.set()
        assert go_on.wait(60)
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(temporary_folder.tempfile, "mkdtemp", make)
    monkeypatch.setattr(locks, "lock_descriptor", lock)
    with ThreadPoolExecutor(1) as threads:
        folder = TemporaryFolder(tmp_path)
        go_on.set()
    assert len(made) == 2
    assert folder.path == made[1]
    remove_stale(tmp_path)
    assert folder.path.is_dir()
    folder.remove()
    assert not folder.path.exists()


def test_many_owners_and_cleaners_at_once(tmp_path):
    """No owner ever loses a file, whoever cleans up meanwhile, and nothing stays."""

    def use(number):
        with TemporaryFolder(tmp_path) as path:
            (path / "file").write_text(str(number))
            remove_stale(tmp_path)
            return (path / "file").read_text() == str(number)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(use, range(200)))
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_while_a_folder_is_removed_goes_at_the_next_start(tmp_path, monkeypatch):
    folder = TemporaryFolder(tmp_path)
    unlink = Path.unlink

    def late(path, missing_ok=False):
        unlink(path, missing_ok=missing_ok)
        if path.name == LOCK_FILE:
            (folder.path / "late").write_text("x")

    monkeypatch.setattr(Path, "unlink", late)
    folder.remove()
    monkeypatch.undo()
    assert (folder.path / "late").is_file()
    remove_stale(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_what_others_removed_is_no_fault(tmp_path):
    """As programs do that clear old files out of the system's folder."""
    first, second = TemporaryFolder(tmp_path), TemporaryFolder(tmp_path)
    (first.path / LOCK_FILE).unlink()
    (first.path / "video").write_text("x")
    shutil.rmtree(second.path)
    remove_stale(tmp_path)
    assert (first.path / "video").is_file()
    first.remove()
    second.remove()
    assert list(tmp_path.iterdir()) == []


def test_files_are_for_this_user_only(tmp_path):
    with TemporaryFolder(tmp_path) as path:
        assert path.stat().st_mode & 0o777 == 0o700
        assert (path / LOCK_FILE).stat().st_mode & 0o777 == 0o600


def test_the_folder_goes_with_an_error_in_its_block(tmp_path):
    # Not a signal: a suite that runs in the background ignores Ctrl-C.
    with pytest.raises(KeyboardInterrupt), TemporaryFolder(tmp_path):
        raise KeyboardInterrupt
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    with pytest.raises(OSError, match="nowhere"):
        TemporaryFolder(tmp_path / "nowhere")
