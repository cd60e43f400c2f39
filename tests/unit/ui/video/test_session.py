"""The videos of a browser session: what they take of the disk."""

import io

import pytest

from emosense.errors import EmoSenseError, NoRoom, ServerBusy
from emosense.jobs.job import JobState
from emosense.results import VideoInfo
from emosense.services import Services
from emosense.ui.video.session import SessionVideos
from emosense.video.options import VideoOptions
from emosense.worker.messages import VideoPreview
from emosense.worker.usage import Account

MB = 2**20
ANN = Account("ann", "tab 1")
INFO = VideoInfo(640, 360, 8.0, 200, 25.0, "h264", 0, False)


class Client:
    account = ANN
    error = None

    def request(self, request):
        if self.error is not None:
            raise self.error
        return VideoPreview(info=INFO, preview=b"preview")


class Session:
    def __init__(self, shared):
        self.videos, self.client, self.budget = SessionVideos(), Client(), shared.spool_budget
        self.folder = shared.spool.folder

    def add(self, key, size):
        return self.videos.add(key, f"{key}.mp4", io.BytesIO(bytes(size)), self.client)

    def start(self, upload, *, annotated=True):
        self.videos.start(upload, "cnn8", VideoOptions(), annotated=annotated)
        return list(self.videos.jobs.values())[-1]

    def end(self, job, size):
        if job.annotated is not None:
            job.annotated.write_bytes(bytes(size))
        job.on_end()
        job.state = JobState.DONE

    @property
    def on_disk(self):
        return sum(file.stat().st_size for file in self.folder.rglob("*") if file.is_file())


@pytest.fixture
def session(tmp_path, memory, monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_SESSION_SPOOL_MB", "100")
    shared = Services(tmp_path)
    monkeypatch.setattr("emosense.ui.video.session.services", lambda: shared)
    for module in ("jobs", "user"):
        monkeypatch.setattr(f"emosense.ui.session.{module}.session_account", lambda: ANN)
    monkeypatch.setattr("emosense.ui.video.session.session_account", lambda: ANN)
    monkeypatch.setattr(shared.videos, "submit", lambda job: None)
    session = Session(shared)
    yield session
    session.videos.close()
    assert session.budget.held() == memory.held() == session.on_disk == 0
    shared.close()


def test_uploads_of_finished_jobs_fill_the_disk_to_the_limit_only(session):
    refused = 0
    for number in range(10):
        try:
            upload = session.add(str(number), 30 * MB)
        except NoRoom as error:
            assert "at most 100 MB of videos on the disk of one page" in str(error)
            refused += 1
        else:
            session.end(session.start(upload, annotated=False), 0)
            session.videos.discard_unused(None)
    assert refused == 7
    assert session.on_disk == session.budget.held() == 90 * MB
    session.videos.remove(1)
    session.add("again", 30 * MB)


def test_the_video_with_boxes_is_counted_before_it_is_written_and_as_it_is_then(session):
    upload = session.add("a", 10 * MB)
    job = session.start(upload)
    assert session.budget.held() == 10 * MB + 45 * MB  # half of what was left
    assert job.max_annotated == pytest.approx(0.9 * 45 * MB, abs=1)
    again = session.start(upload)
    assert again.max_annotated == pytest.approx(0.9 * 22.5 * MB, abs=1)
    with pytest.raises(NoRoom, match='switch "Video with boxes" off'):
        session.start(upload)
    session.start(upload, annotated=False)
    session.end(job, 3 * MB)
    session.end(again, 4 * MB)
    assert session.budget.held() == session.on_disk == 17 * MB
    session.videos.remove(1)
    assert session.budget.held() == session.on_disk == 14 * MB


def test_a_small_video_reserves_no_more_than_its_boxes_may_take(session):
    upload = session.add("a", 1000)
    session.start(upload)
    assert session.budget.held() == 1000 + 20 * MB


def test_a_job_that_ends_after_it_was_removed_leaves_no_file(session):
    upload = session.add("a", MB)
    first, _ = session.start(upload), session.start(upload)
    session.videos.remove(1)
    session.end(first, MB)  # its process opened the file after that
    assert session.on_disk == MB


def test_a_job_that_is_not_taken_reserves_nothing(session, monkeypatch):
    def refuse(job):
        raise ServerBusy("too many wait")

    upload = session.add("a", MB)
    monkeypatch.setattr(session.videos._queue, "submit", refuse)
    with pytest.raises(ServerBusy, match="too many wait"):
        session.start(upload)
    assert session.budget.held() == MB


def test_what_cannot_be_opened_takes_nothing(session, memory):
    session.client.error = EmoSenseError("no video")
    with pytest.raises(EmoSenseError, match="no video"):
        session.add("a", MB)
    assert session.budget.held() == memory.held() == session.on_disk == 0


def test_an_upload_without_a_job_makes_room_for_the_next(session):
    for number in range(5):
        session.add(str(number), 60 * MB)
        session.videos.discard_unused(None)
    assert session.budget.held() == session.on_disk == 0
