"""Video jobs: progress, queue, cancellation, a killed process, nothing left on disk."""

import os
import signal
import subprocess
import sys
import time

import pytest
from clips import head, pasted, wall, write_clip

from emosense.results import VideoInfo
from emosense.video.options import VideoOptions
from emosense.worker.client import InferenceWorker
from emosense.worker.spool import Spool
from emosense.worker.state import JobState
from emosense.worker.video_jobs import VideoJob, VideoJobs

EVERY = VideoOptions(per_second=None)


@pytest.fixture(scope="module")
def worker():
    worker = InferenceWorker(timeout=120)
    yield worker
    worker.close()


@pytest.fixture(scope="module")
def clip(astronaut, tmp_path_factory):
    frames = [pasted(wall(), (head(astronaut), 150 + 2 * (i % 100), 180)) for i in range(200)]
    return write_clip(tmp_path_factory.mktemp("jobs") / "clip.mp4", frames)


def job_of(clip, frames=200, **fields):
    info = VideoInfo(640, 360, frames / 25, frames, 25.0, "h264", 0, False)
    return VideoJob("clip.mp4", clip, None, info, "cnn8", EVERY, **fields)


def until(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "waited too long"
        time.sleep(0.02)


def test_a_job_reports_progress_and_ends(worker, clip):
    jobs, job = VideoJobs(worker), job_of(clip)
    jobs.submit(job)
    until(lambda: 1 < len(job.frames) < 200)
    assert job.state is JobState.RUNNING
    assert 0 < job.share < 1
    assert job.seconds_left > 0
    until(lambda: job.ended)
    assert job.state is JobState.DONE
    assert job.error is None
    assert job.result.problem is None
    assert len(job.result.frames) == 200
    assert job.result.source == "clip.mp4"
    assert job.moments[0].picture.startswith(b"\xff\xd8")


def test_cancelled_jobs(worker, clip):
    jobs, running, waiting = VideoJobs(worker), job_of(clip), job_of(clip)
    jobs.submit(running)
    jobs.submit(waiting)
    until(lambda: running.frames)
    assert jobs.ahead(waiting) == 1
    jobs.cancel(waiting)
    assert waiting.ended
    assert waiting.result is None
    jobs.cancel(running)
    until(lambda: running.ended)
    assert running.state is JobState.DONE
    assert running.result.problem == "it was cancelled"
    assert 0 < len(running.result.frames) < 200
    again = job_of(clip)
    jobs.submit(again)
    until(lambda: again.ended)
    assert len(again.result.frames) == 200


def test_a_killed_process_keeps_what_was_done_and_the_next_job_works(worker, clip, tmp_path):
    jobs, job = VideoJobs(worker), job_of(clip)
    job.annotated = tmp_path / "boxes.mp4"
    jobs.submit(job)
    until(lambda: job.frames and job.annotated.is_file())
    os.kill(worker.pid, signal.SIGKILL)
    until(lambda: job.ended)
    assert job.state is JobState.FAILED
    assert job.error == job.result.problem == "The analysis process stopped unexpectedly."
    assert 0 < len(job.result.frames) < 200
    assert not job.annotated.exists()
    assert job.notes == ["There is no video with boxes: it was not finished."]
    again = job_of(clip)
    jobs.submit(again)
    until(lambda: again.ended)
    assert again.state is JobState.DONE


def test_a_model_is_warmed_once(monkeypatch):
    asked = []
    monkeypatch.setattr(InferenceWorker, "ask", lambda *_, model: asked.append(model))
    jobs = VideoJobs(InferenceWorker())
    for model in ("cnn8", "cnn4", "cnn8", "cnn8"):
        jobs.warm(model)
    until(lambda: len(asked) >= 2)
    assert sorted(asked) == ["cnn4", "cnn8"]


def test_a_bad_file_fails_with_its_message(worker, tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"no video")
    jobs, job = VideoJobs(worker), job_of(tmp_path / "clip.mp4")
    jobs.submit(job)
    until(lambda: job.ended)
    assert job.state is JobState.FAILED
    assert "expected a video" in job.error


def test_spool_cleans_up_after_processes_that_ended(tmp_path):
    code = (
        "import os, sys; from pathlib import Path\n"
        "from emosense.worker.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1])); (spool.new_folder() / 'video').write_text('x')\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    (left,) = tmp_path.iterdir()
    (tmp_path / "emosense-notes-of-mine").mkdir()
    # In a container the app has the same process number after each start.
    earlier = tmp_path / f"emosense-{os.getpid()}-earlier"
    earlier.mkdir()
    os.utime(earlier, (0, 0))
    spool = Spool(tmp_path)
    assert not left.exists()
    assert not earlier.exists()
    assert (tmp_path / "emosense-notes-of-mine").is_dir()
    other = Spool(tmp_path)  # of the same, living process
    assert spool.folder.is_dir()
    folder = spool.new_folder()
    assert folder.stat().st_mode & 0o077 == 0
    spool.remove(tmp_path)  # not its own: stays
    assert folder.is_dir()
    spool.remove(folder)
    assert not folder.exists()
    spool.close()
    other.close()
    assert [path.name for path in tmp_path.iterdir()] == ["emosense-notes-of-mine"]
