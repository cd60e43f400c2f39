"""Jobs that encode videos: progress, cancellation, a killed process, nothing left on disk."""

import os
import signal

import pytest
from support.gates import Gate
from support.pools import pool_of
from support.synthetic_video import wall, write_clip
from support.waiting import wait_until

from emosense.jobs.encoding_jobs import EncodingJob
from emosense.jobs.job import JobState
from emosense.jobs.queue import JobQueue
from emosense.results import VideoInfo
from emosense.worker.messages import EncodedVideo, EncodingProgress


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    return write_clip(tmp_path_factory.mktemp("jobs") / "clip.avi", [wall()] * 60, codec="mpeg4")


@pytest.fixture
def job(clip, tmp_path):
    info = VideoInfo(640, 360, 60 / 25, 60, 25.0, "mpeg4", 0, False)
    return EncodingJob(name="clip.avi", path=clip, info=info, target=tmp_path / "preview.mp4")


def ended(job):
    wait_until(lambda: job.is_finished, lambda: f"the job is {job.state}", timeout=200)
    return job


def test_a_job_reports_progress_and_leaves_a_file(worker, gates, job):
    with Gate(gates, "encoding") as gate:
        JobQueue(pool_of(worker)).submit(job)
        for _ in range(3):
            gate.let_one_through()
        gate.wait()
        wait_until(lambda: job.time > 0, "no update came")
        assert 0 < job.fraction < 1
        assert not job.is_ready
    assert ended(job).is_ready
    assert job.notes == []
    assert job.time == pytest.approx(59 / 25)


def test_a_cancelled_job_leaves_no_file(worker, gates, job):
    jobs = JobQueue(pool_of(worker))
    with Gate(gates, "encoding") as gate:
        jobs.submit(job)
        gate.wait()
        jobs.cancel(job)
    assert ended(job).error == "It was cancelled."
    assert not job.is_ready
    assert not job.target.exists()


def test_a_killed_process_leaves_no_file_and_the_next_job_works(worker, gates, job):
    jobs = JobQueue(pool_of(worker))
    with Gate(gates, "encoding") as gate:
        jobs.submit(job)
        gate.wait()
        os.kill(worker.pid, signal.SIGKILL)
        assert ended(job).state is JobState.FAILED
    assert job.error == "The analysis process stopped unexpectedly."
    assert not job.target.exists()
    again = EncodingJob(name=job.name, path=job.path, info=job.info, target=job.target)
    jobs.submit(again)
    assert ended(again).is_ready


def test_a_job_ends_at_the_room_that_it_has(worker, job):
    job.max_bytes = 1
    ends = []
    job.on_end = lambda: ends.append((job.target.is_file(), job.is_finished))
    JobQueue(pool_of(worker)).submit(job)
    assert ended(job).is_ready
    assert "the disk allow" in "".join(job.notes)
    assert ends == [(True, False)]


def test_a_job_that_begins_again_starts_from_nothing(job):
    class Client:
        def stream(self, request, on_update, is_cancelled, on_restart):
            assert request.estimate == pytest.approx(60 * 640 * 360 * 16e-9)
            on_update(EncodingProgress(time=1.0))
            on_restart()
            assert job.time == 0.0
            return EncodedVideo(notes=["no sound"])

    job.run(Client())
    assert job.notes == ["no sound"]
