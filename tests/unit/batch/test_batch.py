"""Jobs over many files, with real processes that are really killed."""

import os
import signal
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from itertools import chain
from pathlib import Path
from types import SimpleNamespace

import cv2
import fsspec
import numpy as np
import psutil
import pyarrow.parquet as pq
import pytest
from support.data import encoded
from support.gated_ray import GatedActor
from support.gates import WORKER, Gate, gated_environment
from support.synthetic_video import head, pasted, wall, write_clip
from support.waiting import wait_until

from emosense.batch.discovery import SourceFile, discover, find_files
from emosense.batch.job import job_metadata, run_job, split_into_parts
from emosense.batch.options import BatchOptions
from emosense.batch.part_runner import PartRunner
from emosense.batch.pools import local
from emosense.batch.pools.local import LocalPool, split_cores
from emosense.batch.store import ResultStore
from emosense.errors import BatchError, ModelNotFound, WorkerDied
from emosense.networks.registry import find_model
from emosense.video.options import VideoOptions
from emosense.worker.client import InferenceWorker

OPTIONS = BatchOptions("cnn8", videos=VideoOptions(per_second=2))


@pytest.fixture(scope="module")
def album(tmp_path_factory, astronaut):
    """Forty photos of which one is broken and one shows nobody, in two folders, and a clip."""
    root = tmp_path_factory.mktemp("album")
    (root / "more").mkdir()
    small = cv2.resize(astronaut, (256, 256), interpolation=cv2.INTER_AREA)
    for number in range(38):
        folder = root if number % 2 else root / "more"
        (folder / f"{number:02d}.jpg").write_bytes(encoded(small, "JPEG", quality=60 + number))
    (root / "broken.jpg").write_bytes(encoded(small, "JPEG")[:900])
    (root / "wall.png").write_bytes(encoded(wall(200, 200), "PNG"))
    (root / "notes.txt").write_text("no photo")
    face = head(astronaut)
    write_clip(root / "clip.mp4", (pasted(wall(), (face, 300, 180)) for _ in range(25)))
    return root


@pytest.fixture(scope="module")
def whole(album, tmp_path_factory):
    """The album's rows from an undisturbed run."""
    folder = str(tmp_path_factory.mktemp("whole"))
    seen = []
    end = run_job(str(album), folder, OPTIONS, LocalPool(2), seen.append)
    assert (end.done, end.files, end.failed) == (41, 41, 1)
    assert seen[0].done == 0
    assert seen[-1] == end
    return ResultStore(folder).read()


def test_every_file_has_its_rows(whole):
    rows = whole.to_pylist()
    by_file = {}
    for row in rows:
        by_file.setdefault(row["file"], []).append(row)
    assert len(by_file) == 41
    (face,) = by_file["more/00.jpg"]
    assert (face["emotion"], face["person"], face["frame"], face["error"]) == (
        "happy",
        1,
        None,
        None,
    )
    assert 0 < face["x"] < face["x"] + face["width"] < 256
    assert sum(face[name] for name in ("angry", "disgust", "fear", "happy")) > 0.5
    (broken,) = by_file["broken.jpg"]
    assert "damaged or cut off" in broken["error"]
    assert broken["emotion"] is broken["person"] is None
    (nobody,) = by_file["wall.png"]
    assert (nobody["person"], nobody["emotion"], nobody["error"]) == (0, None, None)
    clip = by_file["clip.mp4"]
    assert [row["person"] for row in clip] == [1, 1]
    assert [round(row["time"], 1) for row in clip] == [0.0, 0.5]


def test_parquet_readers_take_the_folder_as_it_is(album, tmp_path):
    import pandas as pd

    run_job(str(album / "0*.jpg"), str(tmp_path), OPTIONS, LocalPool(1))
    frame = pd.read_parquet(tmp_path)
    assert sorted(frame["file"]) == ["01.jpg", "03.jpg", "05.jpg", "07.jpg", "09.jpg"]
    assert (frame["emotion"] == "happy").all()


def test_a_second_run_does_only_what_is_new(album, tmp_path):
    source = tmp_path / "photos"
    source.mkdir()
    for name in ("01.jpg", "03.jpg"):
        (source / name).write_bytes((album / name).read_bytes())
    folder = str(tmp_path / "out")
    run_job(str(source), folder, OPTIONS, LocalPool(1))
    before = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    (source / "05.jpg").write_bytes((album / "05.jpg").read_bytes())
    seen = []
    end = run_job(str(source), folder, OPTIONS, LocalPool(1), seen.append)
    assert (seen[0].done, end.done, end.faces) == (2, 3, 1)
    after = {path.name: path.stat().st_mtime_ns for path in (tmp_path / "out").iterdir()}
    assert before.items() < after.items()
    assert ResultStore(folder).read()["file"].to_pylist() == ["01.jpg", "03.jpg", "05.jpg"]
    with pytest.raises(BatchError, match=r"another job \(model 'cnn8' -> 'cnn4'\)"):
        run_job(str(source), folder, replace(OPTIONS, model="cnn4"), LocalPool(1))


def assert_same(actual, expected):
    """Assert equal rows; probabilities except for the rounding of another batch size."""
    assert actual.schema == expected.schema
    assert len(actual) == len(expected)
    for name in actual.column_names:
        values, expected_values = actual[name].to_pylist(), expected[name].to_pylist()
        if actual.schema.field(name).type == "float":
            assert values == pytest.approx(expected_values, abs=1e-4)
        else:
            assert values == expected_values


@pytest.fixture
def gates(tmp_path_factory):
    return tmp_path_factory.mktemp("gates")


def driver_at_gates(gates, source, folder, **options):
    """``emosense batch`` with one process, which waits at the gates before each part."""
    command = [sys.executable, "-m", "support.gated", "emosense", "batch", str(source), str(folder)]
    environment = {**os.environ, **gated_environment(gates)}
    command += ["--workers", "1", "--model", OPTIONS.model]
    return subprocess.Popen(command, env=environment, **options)


def test_a_killed_driver_can_go_on(album, whole, tmp_path, gates):
    folder = tmp_path / "out"
    with Gate(gates, "files") as gate:
        driver = driver_at_gates(gates, album, folder, stderr=subprocess.DEVNULL)
        gate.let_one_through()
        gate.wait()  # at the second part: the first is written
        driver.send_signal(signal.SIGKILL)
        driver.wait()
    done = ResultStore(str(folder)).finished()
    assert 0 < len(done) < 41
    written = {path.name: path.stat().st_mtime_ns for path in folder.glob("part-*")}
    seen = []
    end = run_job(str(album), str(folder), OPTIONS, LocalPool(2), seen.append)
    assert (seen[0].done, end.done) == (len(done), 41)
    for name, modified in written.items():
        assert (folder / name).stat().st_mtime_ns == modified
    assert_same(ResultStore(str(folder)).read(), whole)


def test_a_killed_process_loses_nothing(album, whole, tmp_path, gates, monkeypatch):
    runners = []

    class Gated(PartRunner):
        def __init__(self, options, cores):
            super().__init__(options, cores)
            self._worker = InferenceWorker(WORKER, cores=cores)
            runners.append(self)

    monkeypatch.setattr(local, "PartRunner", Gated)
    for name, value in gated_environment(gates).items():
        monkeypatch.setenv(name, value)
    killed = []

    def kill(progress):
        if progress.done and not killed:
            through.result()
            gate.wait()  # more parts than processes: the job cannot end before they are killed
            wait_until(lambda: all(runner._worker.pid for runner in runners))
            killed.extend(runner._worker.pid for runner in runners)
            for pid in killed:
                os.kill(pid, signal.SIGKILL)
            gate.open()

    with ThreadPoolExecutor(1) as threads, Gate(gates, "files") as gate:
        through = threads.submit(gate.let_one_through)
        end = run_job(str(album), str(tmp_path), OPTIONS, LocalPool(2), kill)
    assert len(killed) == 2
    assert (end.done, end.failed) == (41, 1)
    assert_same(ResultStore(str(tmp_path)).read(), whole)


def test_a_file_that_kills_its_process_costs_one_row(monkeypatch):
    requests = []

    def stream(self, request, on_update, is_cancelled):
        requests.append([file.name for file in request.files])
        for file in request.files:
            if file.name == "poison":
                raise WorkerDied("It stopped.")
            on_update([{"file": file.name, "person": 0}])

    monkeypatch.setattr("emosense.worker.client.InferenceWorker.stream", stream)
    files = [SourceFile(name, name, video=False) for name in ("a", "poison", "b")]
    assert PartRunner(OPTIONS).rows(files) == [
        {"file": "a", "person": 0},
        {"file": "poison", "error": "It stopped."},
        {"file": "b", "person": 0},
    ]
    assert requests == [["a", "poison", "b"], ["a"], ["poison"], ["b"]]


def test_a_fault_in_a_worker_ends_the_job(album, tmp_path, monkeypatch):
    def rows(self, files, stopped):
        raise ModelNotFound("gone")

    monkeypatch.setattr(PartRunner, "rows", rows)
    with pytest.raises(ModelNotFound, match="gone"):
        run_job(str(album), str(tmp_path), OPTIONS, LocalPool(2))
    assert threading.active_count() < 50


@pytest.fixture(scope="module")
def ray_pool():
    ray = pytest.importorskip("ray")
    from emosense.batch.pools.ray import RayPool

    with pytest.MonkeyPatch.context() as patch:  # so that actors find gated_ray
        patch.setenv("PYTHONPATH", gated_environment(Path())["PYTHONPATH"])
        yield RayPool(2)
        ray.shutdown()


@pytest.mark.slow
class TestRay:
    def test_the_same_rows_come_out(self, ray_pool, album, whole, tmp_path):
        end = run_job(str(album), str(tmp_path), OPTIONS, ray_pool)
        assert (end.done, end.failed) == (41, 1)
        assert ResultStore(str(tmp_path)).read().equals(whole)

    def test_a_killed_actor_loses_nothing(self, ray_pool, album, whole, tmp_path, monkeypatch):
        monkeypatch.setattr("emosense.batch.pools.ray._Actor", GatedActor)
        folder, gates = str(tmp_path / "out"), tmp_path / "gates"
        gates.mkdir()
        with ThreadPoolExecutor(1) as threads, Gate(gates, "files") as gate:
            job = threads.submit(run_job, str(album), folder, OPTIONS, ray_pool)
            gate.let_one_through()
            gate.wait()  # more parts than actors: the job cannot end before one is killed
            actor = next(
                process.parent()
                for process in psutil.Process().children(recursive=True)
                if WORKER in process.cmdline()
            )
            assert actor.cmdline()[0].startswith("ray::")
            actor.kill()
            gate.open()
            end = job.result()
        assert (end.done, end.failed) == (41, 1)
        assert_same(ResultStore(folder).read(), whole)


class TestFiles:
    def test_folders_patterns_and_files(self, album):
        names = [file.name for file in find_files(str(album))]
        assert names == sorted(names)
        assert len(names) == 41
        assert {"more/00.jpg", "clip.mp4"} < set(names)
        assert [f.name for f in find_files(str(album / "more" / "0[02].jpg"))] == [
            "00.jpg",
            "02.jpg",
        ]
        assert [f.name for f in find_files(str(album / "*" / "00.jpg"))] == ["more/00.jpg"]
        (clip,) = find_files(str(album / "clip.mp4"))
        assert (clip.name, clip.video) == ("clip.mp4", True)

    def test_addresses(self, album, tmp_path):
        memory = fsspec.filesystem("memory")
        for name in ("01.jpg", "clip.mp4"):
            memory.pipe_file(f"/album/{name}", (album / name).read_bytes())
        end = run_job("memory://album", str(tmp_path), OPTIONS, in_this_process)
        assert (end.done, end.faces, end.failed) == (2, 3, 0)

    def test_odd_names(self, tmp_path):
        for name in (b"caf\xe9.jpg", b"a[1].jpg", b"._a.jpg"):
            Path(os.fsdecode(bytes(tmp_path) + b"/" + name)).write_bytes(b"x")
        assert [f.name for f in find_files(str(tmp_path))] == ["a[1].jpg", "caf\\xe9.jpg"]
        assert [f.name for f in find_files(str(tmp_path / "a[1].jpg"))] == ["a[1].jpg"]
        end = run_job(str(tmp_path), str(tmp_path / "out"), OPTIONS, in_this_process)
        assert (end.done, end.failed) == (2, 2)
        (error,) = {row["error"] for row in ResultStore(str(tmp_path / "out")).read().to_pylist()}
        assert "Expected a photo" in error  # both files were opened

    @pytest.mark.parametrize(
        "name", ["a::b", "[1]", "what?", "50%", "#1", "a*b", "new\nline", "~", "{x}", "zip::y"]
    )
    def test_names_that_mean_something_elsewhere(self, name, astronaut_png, tmp_path):
        """In the photo's name, its folder's, and the destination's."""
        folder = tmp_path / name
        folder.mkdir()
        photo = folder / f"{name}.png"
        photo.write_bytes(astronaut_png)
        out = tmp_path / f"out {name}"
        for _ in range(2):
            end = run_job(str(folder), str(out), OPTIONS, in_this_process)
            assert (end.done, end.files, end.failed) == (1, 1, 0)
        assert end.faces == 0  # the second run finds the first one's rows
        (row,) = ResultStore(str(out)).read().to_pylist()
        assert (row["file"], row["emotion"]) == (f"{name}.png", "happy")
        assert [f.name for f in find_files(str(photo))] == [f"{name}.png"]
        assert [f.name for f in find_files(str(folder / "*.png"))] == [f"{name}.png"]

    def test_linked_folders_once_each(self, tmp_path):
        for name in ("real/a.jpg", "elsewhere/b.jpg"):
            path = tmp_path / name
            path.parent.mkdir()
            path.write_bytes(b"x")
        source = tmp_path / "source"
        source.mkdir()
        (source / "one").symlink_to(tmp_path / "real")
        (source / "two").symlink_to(tmp_path / "real")
        (source / "three").symlink_to(tmp_path / "elsewhere")
        (source / "loop").symlink_to(source)
        (source / "dead").symlink_to(tmp_path / "nowhere")
        discovery = discover(str(source))
        assert [file.name for file in discovery.files] == ["one/a.jpg", "three/b.jpg"]
        messages = discovery.skipped.messages()
        assert sorted(message.split(" left out")[0] for message in messages) == [
            "1 link that leads nowhere",
            "2 links to folders that were read already",
        ]

    def test_files_of_other_kinds_are_counted(self, astronaut_png, tmp_path):
        for name in ("a.txt", "b.TXT", "c.json", ".hidden", "noending"):
            (tmp_path / name).write_text("x")
        (tmp_path / "a.png").write_bytes(astronaut_png)
        out = str(tmp_path / "out")  # in the source, and no part of it
        for _ in range(2):
            end = run_job(str(tmp_path), out, OPTIONS, in_this_process)
            assert set(end.skipped.messages()) == {
                "4 files of other kinds left out: 2 .txt, 1 .json, 1 without an ending",
                "1 hidden file left out",
            }

    def test_a_pattern_follows_links_once_each(self, tmp_path):
        """Two loops of links: every further level would double the ways to a photo."""
        for name in ("real/deep/a.jpg", "real/.hidden.jpg", "b.jpg", "elsewhere/c.jpg"):
            path = tmp_path / "source" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"x")
        source = tmp_path / "source"
        (source / "elsewhere").rename(tmp_path / "elsewhere")
        for name, target in {
            "loop": source,
            "real/deep/again": source,
            "same.jpg": source / "b.jpg",  # a file of its own name
            "far": tmp_path / "elsewhere",
            "gone.jpg": tmp_path / "nowhere",
        }.items():
            (source / name).symlink_to(target)
        names = ["b.jpg", "far/c.jpg", "real/deep/a.jpg", "same.jpg"]
        for pattern in ("**/*.jpg", "**"):
            discovery = discover(f"{source}/{pattern}")
            assert [file.name for file in discovery.files] == names
            messages = discovery.skipped.messages()
            assert {message.split(" left out")[0] for message in messages} == {
                "1 link that leads nowhere",
                "2 links to folders that were read already",
            }
        assert names == [file.name for file in find_files(str(source))]
        for pattern, matched in {
            "**/far/*": ["far/c.jpg"],
            "r*/[!a]*/*.jpg": ["real/deep/a.jpg"],
            "*/*/b.jpg": ["loop/loop/b.jpg"],  # once
            "*.jpg": ["b.jpg", "same.jpg"],
        }.items():
            assert [file.name for file in find_files(f"{source}/{pattern}")] == matched, pattern
        with pytest.raises(BatchError, match="1 hidden file left out"):
            find_files(f"{source}/real/.*")

    def test_one_file_that_a_pattern_names_in_many_ways(self, tmp_path):
        photo = tmp_path / "x" / "x" / "y" / "x" / "a.jpg"
        photo.parent.mkdir(parents=True)
        photo.write_bytes(b"x")
        for pattern in ("**/x/**/a.jpg", "**/**/*.jpg", "**/x/**/x/**"):
            discovery = discover(f"{tmp_path}/{pattern}")
            assert [file.name for file in discovery.files] == ["x/x/y/x/a.jpg"]
            assert discovery.skipped.total == 0

    def test_folders_that_a_pattern_names_are_reported(self, tmp_path):
        (tmp_path / "folder").mkdir()
        (tmp_path / "a.jpg").write_bytes(b"x")
        discovery = discover(f"{tmp_path}/*")
        assert [file.name for file in discovery.files] == ["a.jpg"]
        assert discovery.skipped.messages() == ["1 folder that the pattern names left out"]

    @pytest.mark.parametrize("folder", ["[1]", "a*b", "what?"])
    def test_patterns_in_odd_folders_of_clouds(self, folder):
        memory = fsspec.filesystem("memory")
        for name in ("a.jpg", "b.png"):
            memory.pipe_file(f"/odd/{folder}/{name}", b"x")
        files = find_files(f"memory://odd/{folder}/*.jpg")
        assert [file.name for file in files] == ["a.jpg"]

    @pytest.mark.parametrize("linked", [False, True])
    @pytest.mark.parametrize(("source", "folder"), [("p", "p"), ("p/q", "p"), ("p", "p/q")])
    def test_the_destination_may_be_anywhere(self, source, folder, linked, astronaut_png, tmp_path):
        """The source itself, above it or in it; photos in it are photos like all others."""
        for name in ("p/a.png", "p/q/a.png"):
            (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / name).write_bytes(astronaut_png)
        (tmp_path / "link").symlink_to(tmp_path / source)
        path = tmp_path / ("link" if linked else source)
        ends = [
            run_job(str(path), str(tmp_path / folder), OPTIONS, in_this_process) for _ in range(2)
        ]
        expected = ["a.png"] if source == "p/q" else ["a.png", "q/a.png"]
        assert ResultStore(str(tmp_path / folder)).read()["file"].to_pylist() == expected
        assert [end.faces for end in ends] == [len(expected), 0]
        assert [end.skipped.total for end in ends] == [0, 0]

    def test_what_another_job_wrote_is_a_file_of_another_kind(self, astronaut_png, tmp_path):
        (tmp_path / "a.png").write_bytes(astronaut_png)
        run_job(str(tmp_path), str(tmp_path / "out"), OPTIONS, in_this_process)
        end = run_job(str(tmp_path), str(tmp_path / "out2"), OPTIONS, in_this_process)
        assert end.skipped.messages() == [
            "2 files of other kinds left out: 1 .json, 1 .parquet",
        ]

    @pytest.mark.parametrize(
        ("source", "message"),
        [
            ("nowhere", r"nowhere: cannot be read \(there is nothing of that name\)"),
            ("{album}/*.txt", "Received: 1 files, none of them one"),
            ("{album}/*.txt", "1 file of another kind left out: 1 .txt"),
            ("unheard-of://x", "cannot be opened"),
        ],
    )
    def test_a_source_without_files_raises(self, source, message, album):
        with pytest.raises(BatchError, match=message):
            find_files(source.format(album=album))


class TestLaterRuns:
    def test_changed_files_are_analysed_again(self, astronaut, tmp_path):
        source, out = tmp_path / "source", str(tmp_path / "out")
        source.mkdir()
        pair = np.hstack([astronaut, astronaut])
        for name in ("a.png", "b.png", "c.png"):
            (source / name).write_bytes(encoded(astronaut, "PNG"))
        run_job(str(source), out, OPTIONS, in_this_process)
        (source / "b.png").write_bytes(encoded(pair, "PNG"))
        end = run_job(str(source), out, OPTIONS, in_this_process)
        assert (end.done, end.changed, end.faces, end.vanished) == (3, 1, 2, 0)
        files = ResultStore(out).read()["file"].to_pylist()
        assert files == ["a.png", "b.png", "b.png", "c.png"]
        end = run_job(str(source), out, OPTIONS, in_this_process)
        assert (end.changed, end.faces) == (0, 0)

    def test_the_time_alone_tells_a_change(self, astronaut_png, tmp_path):
        source, out = tmp_path / "source", str(tmp_path / "out")
        source.mkdir()
        (source / "a.png").write_bytes(astronaut_png)
        run_job(str(source), out, OPTIONS, in_this_process)
        os.utime(source / "a.png", ns=(1, 1))
        assert run_job(str(source), out, OPTIONS, in_this_process).changed == 1

    def test_vanished_files_keep_their_rows_and_are_counted(self, astronaut_png, tmp_path):
        source, out = tmp_path / "source", str(tmp_path / "out")
        source.mkdir()
        for name in ("a.png", "b.png"):
            (source / name).write_bytes(astronaut_png)
        run_job(str(source), out, OPTIONS, in_this_process)
        (source / "a.png").unlink()
        end = run_job(str(source), out, OPTIONS, in_this_process)
        assert (end.done, end.files, end.vanished) == (1, 1, 1)
        assert ResultStore(out).read()["file"].to_pylist() == ["a.png", "b.png"]

    def test_folders_of_earlier_releases_count_as_unchanged(self, astronaut_png, tmp_path):
        source, out = tmp_path / "source", tmp_path / "out"
        source.mkdir()
        (source / "a.png").write_bytes(astronaut_png)
        run_job(str(source), str(out), OPTIONS, in_this_process)
        (part,) = out.glob("part-*")
        pq.write_table(pq.read_table(part).replace_schema_metadata(None), part)
        os.utime(source / "a.png", ns=(1, 1))
        end = run_job(str(source), str(out), OPTIONS, in_this_process)
        assert (end.done, end.changed, end.faces) == (1, 0, 0)

    def test_a_retry_keeps_rows_of_vanished_files(self, astronaut_png, tmp_path):
        source, out = tmp_path / "source", str(tmp_path / "out")
        source.mkdir()
        for name in ("a.png", "b.png", "c.png"):
            (source / name).write_bytes(astronaut_png[: None if name == "a.png" else 900])
        run_job(str(source), out, OPTIONS, in_this_process)
        (source / "b.png").unlink()
        end = run_job(str(source), out, OPTIONS, in_this_process, retry=True)
        assert (end.done, end.files, end.failed, end.vanished) == (2, 2, 1, 1)
        assert ResultStore(out).read()["file"].to_pylist() == ["a.png", "b.png", "c.png"]

    def test_where_only_the_size_is_known_it_tells_a_change(self, astronaut_png, monkeypatch):
        memory = fsspec.filesystem("memory")
        memory.pipe_file("/sized/a.png", astronaut_png)
        info = {"name": "/sized/a.png", "size": 5, "type": "file"}
        monkeypatch.setattr(memory, "find", lambda *_, **__: {info["name"]: info})
        (before,) = find_files("memory://sized")
        info["size"] = 6
        (after,) = find_files("memory://sized")
        assert before.version != after.version

    def test_clouds_tell_changes_too(self, astronaut_png, tmp_path):
        memory = fsspec.filesystem("memory")
        memory.pipe_file("/later/a.png", astronaut_png)
        out = str(tmp_path / "out")
        run_job("memory://later", out, OPTIONS, in_this_process)
        memory.pipe_file("/later/a.png", astronaut_png + b"more")
        assert run_job("memory://later", out, OPTIONS, in_this_process).changed == 1


def in_this_process(parts, options, store):
    """A pool without processes: memory:// exists only here."""
    from emosense.analyzer import Analyzer
    from emosense.batch.job import write_part
    from emosense.inference.batch import iter_rows

    analyzer = Analyzer(options.model)
    for part in parts:
        rows = [row for of_file in iter_rows(analyzer, part, options) for row in of_file]
        yield write_part(store, part, rows)


class TestStore:
    def test_a_source_is_known_by_its_address(self, album, tmp_path, monkeypatch):
        first, second = tmp_path / "first" / "photos", tmp_path / "second" / "photos"
        for folder in (first, second):
            folder.mkdir(parents=True)
            (folder / "a.jpg").write_bytes((album / "01.jpg").read_bytes())
        store = ResultStore(str(tmp_path / "out"))
        monkeypatch.chdir(first.parent)
        for same in ("photos", "photos/", str(first), f"file://{first}"):
            store.begin(job_metadata(same, OPTIONS))
        monkeypatch.chdir(second.parent)
        with pytest.raises(BatchError, match=r"another job \(source"):
            store.begin(job_metadata("photos", OPTIONS))

    def test_rows_of_other_columns_stay_apart(self, tmp_path):
        """A folder of the release before has rows without quality."""
        store = ResultStore(str(tmp_path / "out"))
        earlier = job_metadata("photos", OPTIONS)
        del earlier["schema_version"]
        store.begin(earlier)
        with pytest.raises(BatchError, match=r"another job \(schema_version None -> 2\)"):
            store.begin(job_metadata("photos", OPTIONS))

    @pytest.mark.parametrize("key", ["model_version", "calibration_version"])
    def test_rows_of_other_weights_or_calibration_stay_apart(self, tmp_path, key):
        store = ResultStore(str(tmp_path / "out"))
        job = job_metadata("photos", OPTIONS)
        assert job["model_version"] == find_model(OPTIONS.model).card.version
        store.begin(job)
        store.begin(job)
        with pytest.raises(BatchError, match=rf"another job \({key} '{job[key]}' -> 'new'\)"):
            store.begin({**job, key: "new"})

    def test_a_folder_that_does_not_know_its_weights_goes_on(self, tmp_path):
        store = ResultStore(str(tmp_path / "out"))
        job = job_metadata("photos", OPTIONS)
        store.begin({k: v for k, v in job.items() if not k.endswith("_version") or "sch" in k})
        store.begin(job)

    def test_a_part_that_cannot_be_read_is_made_again(self, album, tmp_path):
        for name in ("01.jpg", "03.jpg"):
            (tmp_path / name).write_bytes((album / name).read_bytes())
        folder = tmp_path / "out"
        run_job(str(tmp_path), str(folder), OPTIONS, in_this_process)
        whole = ResultStore(str(folder)).read()
        (part,) = folder.glob("part-*")
        damaged = bytearray(part.read_bytes())
        damaged[4:400] = bytes(396)
        for content in (b"", bytes(damaged)):
            part.write_bytes(content)
            with pytest.raises(BatchError, match="is damaged"):
                ResultStore(str(folder)).read()
            run_job(str(tmp_path), str(folder), OPTIONS, in_this_process)
            assert_same(ResultStore(str(folder)).read(), whole)

    @pytest.mark.parametrize("vanished", [False, True])
    def test_damage_in_any_column_is_made_good(self, vanished, astronaut_png, tmp_path):
        """Also where the photos of a run make another part than before."""
        source, out = tmp_path / "source", tmp_path / "out"
        source.mkdir()
        for name in ("a.png", "b.png"):
            (source / name).write_bytes(astronaut_png)
        run_job(str(source), str(out), OPTIONS, in_this_process)
        (part,) = out.glob("part-*")
        row_group = pq.ParquetFile(part).metadata.row_group(0)
        column = row_group.column(row_group.num_columns - 2)  # model
        damaged = bytearray(part.read_bytes())
        start = column.dictionary_page_offset
        damaged[start : start + column.total_compressed_size] = bytes(column.total_compressed_size)
        part.write_bytes(damaged)
        if vanished:
            (source / "b.png").unlink()
        assert ResultStore(str(out)).finished() == {}
        assert part.exists()  # a question removes nothing
        run_job(str(source), str(out), OPTIONS, in_this_process)
        expected = ["a.png"] if vanished else ["a.png", "b.png"]
        assert ResultStore(str(out)).read()["file"].to_pylist() == expected

    def test_no_damage_changes_a_value(self, astronaut_png, tmp_path):
        """Wherever a bit of the rows flips, the part reads as before or is reported as damaged."""
        source, out = tmp_path / "source", tmp_path / "out"
        source.mkdir()
        (source / "a.png").write_bytes(astronaut_png)
        run_job(str(source), str(out), OPTIONS, in_this_process)
        (part,) = out.glob("part-*")
        store, content = ResultStore(str(out)), part.read_bytes()
        whole, detected = store.read(), 0
        rows = pq.ParquetFile(part).metadata.row_group(0)
        for offset in range(4, 4 + sum(rows.column(n).total_compressed_size for n in range(19)), 3):
            damaged = bytearray(content)
            damaged[offset] ^= 1
            part.write_bytes(damaged)
            try:
                assert store.read().equals(whole)
            except BatchError:
                detected += 1
        assert detected

    def test_errors_are_counted_again_and_can_be_retried(self, album, tmp_path, monkeypatch):
        good = (album / "01.jpg").read_bytes()
        (tmp_path / "a.jpg").write_bytes(good)
        (tmp_path / "b.jpg").write_bytes(good + bytes(200_000))
        folder = str(tmp_path / "out")
        monkeypatch.setenv("EMOSENSE_MAX_PHOTO_MB", "0.1")
        for _ in range(2):
            end = run_job(str(tmp_path), folder, OPTIONS, in_this_process)
            assert (end.done, end.failed) == (2, 1)
        monkeypatch.delenv("EMOSENSE_MAX_PHOTO_MB")  # the file is the same
        assert run_job(str(tmp_path), folder, OPTIONS, in_this_process).failed == 1
        end = run_job(str(tmp_path), folder, OPTIONS, in_this_process, retry=True)
        assert (end.done, end.faces, end.failed) == (2, 1, 0)
        rows = ResultStore(folder).read().to_pylist()
        assert [(row["file"], row["emotion"], row["error"]) for row in rows] == [
            ("a.jpg", "happy", None),
            ("b.jpg", "happy", None),
        ]


def test_ctrl_c_ends_a_job_at_once(album, tmp_path, gates):
    folder = tmp_path / "out"
    with Gate(gates, "files") as gate:
        driver = driver_at_gates(
            gates,
            album,
            folder,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
            # Ignored signals are inherited: a test run in a shell's background ignores Ctrl-C.
            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
        )
        gate.let_one_through()
        gate.wait()  # in the middle of the job, which cannot end before the signal
        os.killpg(driver.pid, signal.SIGINT)  # as a terminal does: to the workers too
        _, messages = driver.communicate()
    assert driver.returncode == 130
    assert "Traceback" not in messages
    assert "The same command goes on." in messages
    assert len(list(folder.glob("part-*"))) == 1  # the others neither begun nor again


def test_parts():
    files = [SourceFile(f"{n:02d}", "", video=n == 3) for n in range(20)]
    parts = [[file.name for file in part] for part in split_into_parts(files)]
    assert parts[0] == ["03"]
    assert [len(part) for part in parts] == [1, 16, 3]
    assert sorted(chain(*parts)) == [file.name for file in files]
    assert job_metadata("a", OPTIONS)["videos"]["per_second"] == 2


def test_cores_are_dealt_out():
    assert split_cores([0, 1, 2, 3, 4], 2) == [[0, 2, 4], [1, 3]]
    assert split_cores([5, 6], 3) == [[5], [6], [5]]
    with pytest.raises(BatchError, match="at least 1"):
        LocalPool(0)


def test_a_fetched_video_never_fills_the_disk(tmp_path, monkeypatch):
    usage = SimpleNamespace(free=8000)
    monkeypatch.setattr("emosense.filesystem.disk.shutil.disk_usage", lambda _: usage)
    fsspec.filesystem("memory").pipe_file("/full/a.mp4", np.zeros(5000, np.uint8).tobytes())
    run_job("memory://full", str(tmp_path), OPTIONS, in_this_process)
    (row,) = ResultStore(str(tmp_path)).read().to_pylist()
    assert "as little disk space is left" in row["error"]


def test_large_files_are_refused_before_they_are_fetched(album, tmp_path, monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_VIDEO_MB", "0.001")
    monkeypatch.setenv("EMOSENSE_MAX_PHOTO_MB", "0.001")
    fsspec.filesystem("memory").pipe_file("/big/a.mp4", np.zeros(5000, np.uint8).tobytes())
    fsspec.filesystem("memory").pipe_file("/big/b.png", np.zeros(5000, np.uint8).tobytes())
    run_job("memory://big", str(tmp_path), OPTIONS, in_this_process)
    for row in ResultStore(str(tmp_path)).read().to_pylist():
        assert "Expected a file of at most" in row["error"]
