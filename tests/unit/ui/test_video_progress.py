"""What the progress bar of a video's job says while it waits, runs and takes turns."""

from pathlib import Path

from emosense.jobs.video_jobs import VideoJob
from emosense.results import FrameResult, VideoInfo
from emosense.ui.video.view import progress
from emosense.worker.scheduler import Wait

INFO = VideoInfo(640, 360, 8.0, 200, 25.0, "h264", 0, False)
WAIT = Wait(ahead=1, ahead_of_others=1, seconds=600.0)
BEFORE = "Waiting: 1 video of others is before yours; about 10 min"


def test_what_a_job_says():
    job = VideoJob(name="a.mp4", path=Path("a.mp4"), info=INFO, model="cnn8")
    job.on_wait(WAIT)
    assert progress(job) == (0.0, BEFORE)
    job.on_wait(None)
    assert progress(job) == (0.0, "Starting ...")
    job.frames, job.frames_read = [FrameResult(50, 2.0, ())], 51
    assert progress(job)[1].startswith("51 frames, ")
    job.on_wait(WAIT)
    assert progress(job)[0] == 0.25
    assert "; taking turns with 1 video, about " in progress(job)[1]
    job._on_restart()
    text = f"It has given way to another video and begins again later. {BEFORE}"
    assert progress(job) == (0.25, text)
