"""The videos of a browser session: what they take of the disk."""

import io

import pytest

from emosense.errors import EmoSenseError, NoRoom, ServerBusy
from emosense.jobs.job import JobState
from emosense.results import VideoInfo, VideoResult
from emosense.services import Services
from emosense.ui import streamlit_internals
from emosense.ui.player.clips import clips
from emosense.ui.video.session import OwnerVideos
from emosense.video.edits import Edits
from emosense.video.options import VideoOptions
from emosense.worker.messages import VideoPreview
from emosense.worker.usage import Account

MB = 2**20
ANN = Account("ann", "tab 1")
INFO = VideoInfo(640, 360, 8.0, 200, 25.0, "h264", 0, False)
RESULT = VideoResult("a.mp4", INFO, (), 200, "cnn8", "YuNet")


class Client:
    account = ANN
    error = None
    media_type = "video/mp4"

    def request(self, request):
        if self.error is not None:
            raise self.error
        return VideoPreview(info=INFO, preview=b"preview", media_type=self.media_type)


class Session:
    page = "tab 1"

    def __init__(self, shared):
        self.videos, self.client, self.budget = OwnerVideos(), Client(), shared.spool_budget
        self.folder = shared.spool.folder

    def add(self, key, size):
        return self.videos.add(key, f"{key}.mp4", io.BytesIO(bytes(size)), self.client)

    def start(self, upload):
        self.videos.start(upload, "cnn8", VideoOptions())
        return list(self.videos.jobs.values())[-1]

    def draw(self, job):
        self.videos.make_annotated(job, RESULT)
        return self.videos.annotated[job]

    def end(self, job, size=None):
        if size is not None:
            job.target.write_bytes(bytes(size))
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
    monkeypatch.setattr("emosense.ui.video.session.owner_account", lambda: ANN)
    monkeypatch.setattr(streamlit_internals, "session_id", lambda: session.page)
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
            session.end(session.start(upload))
            session.videos.discard_unused()
    assert refused == 7
    assert session.on_disk == session.budget.held() == 90 * MB
    session.videos.remove(1)
    session.add("again", 30 * MB)


def test_the_video_with_boxes_is_counted_before_it_is_written_and_as_it_is_then(session):
    upload = session.add("a", 10 * MB)
    first, second = session.start(upload), session.start(upload)
    assert session.budget.held() == 10 * MB
    drawn = session.draw(first)
    assert session.budget.held() == 10 * MB + 45 * MB  # half of what was left
    assert drawn.max_bytes == pytest.approx(0.9 * 45 * MB, abs=1)
    again = session.draw(second)
    assert again.max_bytes == pytest.approx(0.9 * 22.5 * MB, abs=1)
    with pytest.raises(NoRoom, match="Remove results of this page"):
        session.draw(session.start(upload))
    session.end(drawn, 3 * MB)
    session.end(again, 4 * MB)
    assert session.budget.held() == session.on_disk == 17 * MB
    session.videos.remove(1)
    assert session.budget.held() == session.on_disk == 14 * MB


def test_a_small_video_reserves_no_more_than_its_boxes_may_take(session):
    session.draw(session.start(session.add("a", 1000)))
    assert session.budget.held() == 1000 + 20 * MB


def test_a_new_video_with_boxes_takes_the_place_of_the_last(session):
    job = session.start(session.add("a", MB))
    first = session.draw(job)
    session.end(first, 3 * MB)
    second = session.draw(job)
    session.end(second, 2 * MB)
    assert first.target != second.target
    assert session.budget.held() == session.on_disk == 3 * MB


def test_a_job_that_ends_after_it_was_removed_leaves_no_file(session):
    upload = session.add("a", MB)
    first, _ = session.start(upload), session.start(upload)
    drawn = session.draw(first)
    session.videos.remove(1)
    assert drawn.cancelled.is_set()
    session.end(drawn, MB)  # its process opened the file after that
    assert session.on_disk == MB


def test_what_browsers_play_needs_no_preview(session):
    job = session.start(session.add("a", MB))
    assert clips.find(session.videos.player_address(job), ANN.session).path == job.path
    assert session.videos.previews == {}


def test_other_files_have_one_preview_for_all_of_their_analyses(session):
    session.client.media_type = None
    upload = session.add("a", MB)
    first, second = session.start(upload), session.start(upload)
    (preview,) = session.videos.previews.values()
    assert session.videos.player_address(first) is None
    session.end(preview, 2 * MB)
    for job in (first, second):
        clip = clips.find(session.videos.player_address(job), ANN.session)
        assert (clip.path, clip.media_type) == (preview.target, "video/mp4")
    session.videos.remove(1)
    assert preview.target.is_file()
    session.videos.remove(2)
    assert session.on_disk == session.budget.held() == 0


def test_an_analysis_begins_without_room_for_its_preview_which_is_made_later(session):
    session.client.media_type = None
    other = session.add("other", 70 * MB)
    session.end(session.start(other))
    job = session.start(session.add("a", 29 * MB))
    assert job.path not in session.videos.previews
    with pytest.raises(NoRoom):
        session.videos.make_preview(job)
    session.videos.remove(1)
    session.videos.make_preview(job)
    failed = session.videos.previews[job.path]
    failed.state, failed.error = JobState.FAILED, "The disk is full."
    session.videos.make_preview(job)  # once more
    assert session.videos.previews[job.path] is not failed


def test_a_job_that_is_not_taken_reserves_nothing(session, monkeypatch):
    def refuse(job):
        raise ServerBusy("too many wait")

    job = session.start(session.add("a", MB))
    monkeypatch.setattr(session.videos._queue, "submit", refuse)
    with pytest.raises(ServerBusy, match="too many wait"):
        session.draw(job)
    assert session.budget.held() == MB


def test_what_cannot_be_opened_takes_nothing(session, memory):
    session.client.error = EmoSenseError("no video")
    with pytest.raises(EmoSenseError, match="no video"):
        session.add("a", MB)
    assert session.budget.held() == memory.held() == session.on_disk == 0


def test_an_upload_without_a_job_makes_room_for_the_next(session):
    for number in range(5):
        session.add(str(number), 60 * MB)
        session.videos.discard_unused()
    assert session.budget.held() == session.on_disk == 0


def test_uploads_whose_uploader_is_gone_leave_the_disk_unless_they_have_a_job(session):
    session.start(session.add("used", 10 * MB))
    for key in ("gone", "here"):
        session.add(key, 30 * MB)
    session.videos.forget_uploads("tab 2", {"here", "gone"})  # of another page
    assert session.budget.held() == session.on_disk == 70 * MB
    session.videos.forget_uploads("tab 1", {"used", "gone"})
    assert session.budget.held() == session.on_disk == 40 * MB


def test_tabs_of_a_browser_share_its_jobs_and_its_room(session):
    used = session.add("a", 60 * MB)
    session.start(used)
    session.page = "tab 2"
    with pytest.raises(NoRoom, match="at most 100 MB"):
        session.add("b", 60 * MB)
    session.add("b", 30 * MB)
    assert list(session.videos.jobs) == [1]
    session.page = "tab 1"
    session.videos.discard_unused()  # no upload of the other one
    assert session.budget.held() == session.on_disk == 90 * MB
    session.videos.page_ended("tab 2")
    assert session.budget.held() == session.on_disk == 60 * MB
    session.videos.page_ended("tab 1")  # its job stays
    assert session.on_disk == 60 * MB


def test_a_job_is_removed_once_by_two_pages(session):
    session.start(session.add("a", MB))
    session.videos.discard(1)
    session.videos.discard(1)
    assert session.videos.jobs == {}


def test_no_other_owner_finds_a_clip(session):
    address = session.videos.player_address(session.start(session.add("a", MB)))
    assert clips.find(address, ANN.session) is not None
    assert clips.find(address, "somebody else") is None
    assert clips.find(address, "") is None


def test_a_video_with_boxes_is_outdated_by_edits(session):
    job = session.start(session.add("a", MB))
    assert not session.videos.is_outdated(job)  # there is none
    session.end(session.draw(job), MB)
    assert not session.videos.is_outdated(job)
    job.edits = Edits(hidden=[1])
    assert session.videos.is_outdated(job)
    session.end(session.draw(job), MB)
    assert not session.videos.is_outdated(job)
