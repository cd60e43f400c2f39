"""Video jobs: progress, queue, cancellation, a killed process, nothing left on disk."""

import os
import signal
import subprocess
import sys
import threading
from multiprocessing.connection import Connection

import pytest
from support.gates import Gate
from support.pools import pool_of
from support.synthetic_video import head, pasted, wall, write_clip
from support.waiting import wait_until

from emosense.errors import Cancelled, NoRoom
from emosense.jobs.job import JobState
from emosense.jobs.kept import frames_bytes, key_moments_bytes
from emosense.jobs.queue import JobQueue
from emosense.jobs.spool import Spool
from emosense.jobs.video_jobs import VideoJob
from emosense.results import FrameResult, KeyMoment, VideoInfo, VideoResult
from emosense.video.options import VideoOptions
from emosense.worker.client import InferenceWorker
from emosense.worker.messages import VideoProgress, VideoSummary
from emosense.worker.protocol import Continue

EVERY = VideoOptions(per_second=None)


@pytest.fixture(scope="module")
def clip(astronaut, tmp_path_factory):
    frames = [pasted(wall(), (head(astronaut), 150 + 2 * (i % 100), 180)) for i in range(200)]
    return write_clip(tmp_path_factory.mktemp("jobs") / "clip.mp4", frames)


def video_job(clip, frames=200, **fields):
    info = VideoInfo(640, 360, frames / 25, frames, 25.0, "h264", 0, False)
    return VideoJob(name="clip.mp4", path=clip, info=info, model="cnn8", options=EVERY, **fields)


def ended(job):
    wait_until(lambda: job.is_finished, lambda: f"the job is {job.state}", timeout=200)
    return job


def test_a_job_reports_progress_and_ends(worker, gates, clip):
    jobs, job = JobQueue(pool_of(worker)), video_job(clip)
    with Gate(gates, "video") as gate:
        jobs.submit(job)
        for count in range(1, 4):
            wait_until(lambda count=count: len(job.frames) >= count, "no frame came", 200)
            assert len(job.frames) == count
            gate.let_one_through()
        gate.wait()
        assert job.state is JobState.RUNNING
        assert 0 < job.fraction < 1
        assert job.seconds_left > 0
    ended(job)
    assert job.state is JobState.DONE
    assert job.error is None
    assert job.result.problem is None
    assert len(job.result.frames) == 200
    assert job.result.source == "clip.mp4"
    assert job.key_moments[0].picture.startswith(b"\xff\xd8")


def test_cancelled_jobs(worker, gates, clip, monkeypatch):
    sent = []
    send = Connection.send
    monkeypatch.setattr(Connection, "send", lambda to, what: (send(to, what), sent.append(what)))
    jobs, running, waiting = JobQueue(pool_of(worker)), video_job(clip), video_job(clip)
    with Gate(gates, "video") as gate:
        jobs.submit(running)
        jobs.submit(waiting)
        gate.wait()
        wait_until(lambda: waiting.wait is not None, "it does not say that it waits")
        assert waiting.wait.ahead == 1
        jobs.cancel(waiting)
        assert ended(waiting).error == "It was cancelled before it began."
        assert waiting.result is None
        jobs.cancel(running)
    ended(running)
    assert Continue(cancelled=True) in sent
    assert running.state is JobState.DONE
    assert running.result.problem == "it was cancelled"
    assert 0 < len(running.result.frames) < 200
    again = video_job(clip)
    jobs.submit(again)
    assert len(ended(again).result.frames) == 200


def test_a_killed_process_keeps_what_was_done_and_the_next_job_works(worker, gates, clip):
    jobs, job = JobQueue(pool_of(worker)), video_job(clip)
    with Gate(gates, "video") as gate:
        jobs.submit(job)
        gate.let_one_through()
        gate.wait()
        os.kill(worker.pid, signal.SIGKILL)
        ended(job)
    assert job.state is JobState.FAILED
    assert job.error == job.result.problem == "The analysis process stopped unexpectedly."
    assert 0 < len(job.result.frames) < 200
    again = video_job(clip)
    jobs.submit(again)
    assert ended(again).state is JobState.DONE


def frame(index):
    return FrameResult(index, index / 25, ())


class ClientThatBeginsAgain:
    """Sends three frames, begins again, sends one, and then does what a test asks for."""

    def __init__(self, job, then):
        self.job, self.then = job, then

    def stream(self, request, on_update, is_cancelled, on_restart):
        on_update(VideoProgress(frames=[frame(0), frame(1), frame(2)], frames_read=3))
        on_restart()
        assert self.job.begins_again
        on_update(VideoProgress(frames=[frame(0)], frames_read=1))
        assert not self.job.begins_again
        assert (len(self.job.frames), self.job.frames_read) == (3, 3)
        return self.then(on_update)


def test_a_video_that_begins_again_has_the_result_of_one_run(clip):
    job = video_job(clip)

    def go_on(on_update):
        on_update(VideoProgress(frames=[frame(i) for i in range(1, 5)], frames_read=5))
        result = VideoResult("x", job.info, (), 5, "cnn8", "YuNet")
        return VideoSummary(result=result, notes=[], key_moments=())

    job.run(ClientThatBeginsAgain(job, go_on))
    assert [frame.index for frame in job.result.frames] == [0, 1, 2, 3, 4]
    assert job.result.frames_read == 5


def test_a_video_that_is_cancelled_while_it_begins_again_keeps_what_was_done(clip):
    job = video_job(clip)

    def cancel(on_update):
        raise Cancelled("It was cancelled before it began.")

    with pytest.raises(Cancelled):
        job.run(ClientThatBeginsAgain(job, cancel))
    assert [frame.index for frame in job.result.frames] == [0, 1, 2]


def test_a_model_is_preloaded_once(monkeypatch):
    models = []
    monkeypatch.setattr(InferenceWorker, "warm_up", lambda _, request: models.append(request.model))
    jobs = JobQueue(pool_of(InferenceWorker()))
    for model in ("cnn8", "cnn4", "cnn8", "cnn8"):
        jobs.preload(model)
    wait_until(
        lambda: not [t for t in threading.enumerate() if t.name == "emosense-preload"],
        "the threads that preload did not end",
    )
    assert sorted(models) == ["cnn4", "cnn8"]


def test_a_bad_file_fails_with_its_message(worker, tmp_path):
    (tmp_path / "clip.mp4").write_bytes(b"no video")
    jobs, job = JobQueue(pool_of(worker)), video_job(tmp_path / "clip.mp4")
    jobs.submit(job)
    assert ended(job).state is JobState.FAILED
    assert "expected a video" in job.error


def test_spool_cleans_up_after_processes_that_ended(tmp_path):
    code = (
        "import os, sys; from pathlib import Path\n"
        "from emosense.jobs.spool import Spool\n"
        "spool = Spool(Path(sys.argv[1])); (spool.new_folder() / 'video').write_text('x')\n"
        "os.kill(os.getpid(), 9)"
    )
    subprocess.run([sys.executable, "-c", code, str(tmp_path)], check=False)
    (left,) = tmp_path.iterdir()
    assert list(left.glob("*/video"))
    (tmp_path / "emosense-notes-of-mine").mkdir()
    spool = Spool(tmp_path)
    assert not left.exists()
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


class Room:
    """What a job keeps, as it says itself; at most so much."""

    def __init__(self, size):
        self.size, self.held, self.highest = size, 0, 0

    def keep(self, size):
        if size > 0 and self.held + size > self.size:
            raise NoRoom("There is no room.")
        self.held += size
        self.highest = max(self.highest, self.held)


def test_a_video_that_begins_again_counts_the_frames_that_it_holds(clip):
    job, room = video_job(clip), Room(10**9)
    job.keep = room.keep

    def go_on(on_update):
        assert room.held == frames_bytes([frame(0)] * 4)
        on_update(VideoProgress(frames=[frame(i) for i in range(1, 5)], frames_read=5))
        assert room.held == frames_bytes([frame(0)] * 5)
        result = VideoResult("x", job.info, (), 5, "cnn8", "YuNet")
        moment = KeyMoment(1, "happy", 0.9, 0, 0.0, b"12345")
        return VideoSummary(result=result, notes=[], key_moments=(moment,))

    job.run(ClientThatBeginsAgain(job, go_on))
    assert room.held == frames_bytes(job.result.frames) + key_moments_bytes(job.key_moments)
    assert room.highest == frames_bytes([frame(0)] * 8)


def test_without_room_for_key_moments_the_rest_is_kept(clip):
    job, room = video_job(clip), Room(frames_bytes([frame(0)] * 4))
    job.keep = room.keep

    def end(on_update):
        result = VideoResult("x", job.info, (), 1, "cnn8", "YuNet")
        moment = KeyMoment(1, "happy", 0.9, 0, 0.0, b"12345")
        return VideoSummary(result=result, notes=[], key_moments=(moment,))

    job.run(ClientThatBeginsAgain(job, end))
    assert job.notes == ["There are no key moments: There is no room."]
    assert job.key_moments == ()
    assert job.result.problem is None


def test_without_room_a_video_ends_with_what_it_has(worker, gates, clip):
    jobs, job = JobQueue(pool_of(worker)), video_job(clip)
    room = Room(5 * 3000)  # 3,000 bytes a frame with one face
    job.keep = room.keep
    with Gate(gates, "video"):  # each frame is told alone
        jobs.submit(job)
    ended(job)
    assert job.state is JobState.DONE
    assert job.result.problem == "There is no room"
    assert len(job.result.frames) <= 5
    assert room.held <= room.size
