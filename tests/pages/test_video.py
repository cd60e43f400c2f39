"""The Video page in Streamlit's AppTest, with real inference processes."""

import re
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
from streamlit.testing.v1 import AppTest
from support.data import texts
from support.synthetic_video import head, pasted, wall, write_clip
from support.waiting import wait_until

from emosense.jobs.job import JobState
from emosense.jobs.lane_choice import SHORT
from emosense.jobs.video_jobs import VideoJob
from emosense.results import VideoInfo
from emosense.services import services
from emosense.ui.session.cleanup import Owners
from emosense.ui.video.input import describe
from emosense.worker.scheduler import Waiter
from emosense.worker.usage import Account

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def page(monkeypatch):
    # AppTest has one browser session, and so one owner, for all tests.
    monkeypatch.setattr("emosense.ui.session.owner.owners", Owners())
    app = AppTest.from_file(str(ROOT / "pages" / "video.py"), default_timeout=180).run()
    assert not app.exception
    yield app
    while buttons := [button for button in app.button if button.label == "Remove"]:
        buttons[0].click().run()


@pytest.fixture(scope="module")
def clip(astronaut, tmp_path_factory):
    frames = [pasted(wall(), (head(astronaut), 150 + 4 * i, 180)) for i in range(40)]
    return write_clip(tmp_path_factory.mktemp("page") / "clip.mp4", frames).read_bytes()


def upload(app, name, data):
    app.file_uploader(key="video_upload").set_value((name, data, "video/mp4")).run()
    assert not app.exception
    return texts(app)


def finished(app):
    def is_finished():
        assert not app.run().exception
        return "analysed of" in texts(app) or app.error

    wait_until(is_finished, lambda: f"the page says: {texts(app)}", timeout=200, pause=0.2)
    return texts(app)


def test_empty_state_explains(page):
    assert "Drop a video above" in texts(page)


def test_who_waits_sees_for_whom(page, clip):
    upload(page, "my_clip.mp4", clip)
    lane = services().videos.pool.lanes[SHORT].scheduler
    with lane.turn(Waiter(Account("somebody else")), estimate=100):
        page.button(key="video_start").click().run()
        wait_until(lambda: lane.waiting, "the job does not wait")
        page.run()
        (bar,) = page.get("progress")
        assert re.match(r"Waiting: 1 video of others is before yours; about \d+ s", bar.proto.text)
    assert "frames analysed of 40" in finished(page)


def test_upload_analyse_and_remove(page, clip):
    text = upload(page, "my_clip.mp4", clip)
    assert "640 x 360 · 1.6 s · 25 frames/s · h264 · without sound" in text
    page.button(key="video_start").click().run()
    text = finished(page)
    assert "my\\_clip.mp4" in text
    assert "frames analysed of 40" in text
    assert "Share of time per emotion" in text
    people = page.dataframe[0].value
    assert people["person"].tolist() == ["1"]
    assert people["mostly"].tolist() == ["happy"]
    assert not page.error
    assert not page.warning
    page.button(key="video_remove_1").click().run()
    assert not page.exception
    assert "frames analysed of" not in texts(page)


def test_a_clip_without_faces(page, tmp_path):
    write_clip(tmp_path / "wall.mp4", [wall()] * 10)
    upload(page, "wall.mp4", (tmp_path / "wall.mp4").read_bytes())
    page.button(key="video_start").click().run()
    assert "No face found" in finished(page)


@pytest.mark.parametrize(
    ("data", "expected"),
    [(b"hello", "expected a video"), (b"", "an empty file"), (None, "damaged or cut off")],
)
def test_bad_uploads_are_reported(page, clip, data, expected):
    text = upload(page, "bad.mp4", clip[: len(clip) // 2] if data is None else data)
    assert expected in text
    assert "bad.mp4" in text
    assert [button.label for button in page.button] == []


def test_durations_are_formatted_in_minutes_and_seconds():
    info = VideoInfo(640, 360, 119.97, 3000, 25.0, "h264", 0, False)
    assert "2:00.0 min" in describe(info)
    assert "1:05.2 min" in describe(replace(info, duration=65.23))
    assert "59.9 s" in describe(replace(info, duration=59.94))


def test_beyond_the_kept_analyses_the_oldest_is_removed_by_the_visitor_only(
    page, clip, monkeypatch
):
    monkeypatch.setenv("EMOSENSE_MAX_SESSION_RESULTS", "1")
    upload(page, "first.mp4", clip)
    page.button(key="video_start").click().run()
    assert "frames analysed of 40" in finished(page)
    page.button(key="video_start").click().run()
    assert "Nothing was removed" in page.error[0].value
    assert "frames analysed of 40" in texts(page)
    page.button(key="video_remove_oldest").click().run()
    assert "frames analysed of 40" not in texts(page)
    page.button(key="video_start").click().run()
    assert "frames analysed of 40" in finished(page)


def test_a_full_share_of_the_disk_is_told_and_freed_by_a_removal(page, clip, monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_SESSION_SPOOL_MB", "1")
    upload(page, "first.mp4", clip)
    page.button(key="video_start").click().run()
    assert "frames analysed of 40" in finished(page)
    page.file_uploader(key="video_upload").set_value(
        ("second.mp4", clip + bytes(2**20), "video/mp4")
    ).run()
    assert "at most 1.0 MB of videos on the disk of one page" in page.error[0].value
    oldest = page.button(key="video_open_remove_oldest")
    assert "first.mp4" in oldest.label
    assert "frames analysed of 40" in texts(page)
    oldest.click().run()
    assert "frames analysed of 40" not in texts(page)


def test_several_clips_of_one_drop_are_queued_with_the_same_options(page, clip):
    files = [(f"{name}.mp4", clip, "video/mp4") for name in ("first", "second")]
    files.append(("bad.mp4", b"hello", "video/mp4"))
    page.file_uploader(key="video_upload").set_value(files).run()
    assert "first.mp4 · 640 x 360" in texts(page)
    assert "second.mp4 · 640 x 360" in texts(page)
    assert "bad.mp4" in page.error[0].value
    page.text_input(key="video_from").set_value("0.5").run()
    page.text_input(key="video_to").set_value("0:01").run()
    start = page.button(key="video_start")
    assert start.label == "Analyse 2 videos"
    start.click().run()
    wait_until(
        lambda: texts(page.run()).count("analysed of") == 2,
        lambda: f"the page says: {texts(page)}",
        timeout=200,
        pause=0.2,
    )
    # From 0.5 to 1 s, at ten frames a second of 25.
    assert texts(page).count("6 frames analysed of 13") == 2
    assert page.dataframe[0].value["first seen, s"].tolist() == [0.52]


def test_several_clips_without_room_are_named_and_refused_once(page, clip, monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_SESSION_SPOOL_MB", "1")
    upload(page, "first.mp4", clip)
    page.button(key="video_start").click().run()
    finished(page)
    large = [(f"{name}.mp4", clip + bytes(2**20), "video/mp4") for name in ("second", "third")]
    page.file_uploader(key="video_upload").set_value(large).run()
    assert not page.exception
    (refusal,) = page.error
    assert "at most 1.0 MB of videos on the disk of one page" in refusal.value
    assert [warning.value for warning in page.warning] == ["Not opened: second.mp4, third.mp4"]


@pytest.fixture(scope="module")
def old_clip(astronaut, tmp_path_factory):
    """As :func:`clip`, in a container that browsers do not play: it gets a preview."""
    frames = [pasted(wall(), (head(astronaut), 150 + 4 * i, 180)) for i in range(40)]
    path = tmp_path_factory.mktemp("page") / "old.avi"
    return write_clip(path, frames, codec="mpeg4").read_bytes()


@pytest.fixture
def waiting(monkeypatch):
    """Jobs of videos wait for good; return those that were queued."""
    queue = services().videos
    # AppTest has another address at each run.
    monkeypatch.setattr("emosense.ui.session.user.user_of_address", lambda address: "ann")
    monkeypatch.setattr(queue, "_run", lambda job: queued.append(job))
    queued = []
    yield queued
    for job in queued:
        job.on_end()
        with suppress(ValueError):  # the test has ended it
            queue._jobs.remove(job)


def drop(app, data, *names):
    files = [(name, data, "video/mp4") for name in names]
    app.file_uploader(key="video_upload").set_value(files).run()
    assert not app.exception


def analysed(jobs):
    return [job.name for job in jobs if job.kind == VideoJob.kind]


def test_previews_take_no_analysis_its_place(page, old_clip, waiting, monkeypatch):
    monkeypatch.setattr(services().videos, "_max_session", 4)
    names = [f"{number}.avi" for number in range(4)]
    drop(page, old_clip, *names)
    page.button(key="video_start").click().run()
    assert not page.error
    assert analysed(waiting) == names
    # Each has its preview as well.
    assert [job.name for job in waiting if job.kind != VideoJob.kind] == names


def test_clips_that_were_not_started_are_named_and_come_next(page, clip, waiting, monkeypatch):
    monkeypatch.setattr(services().videos, "_max_session", 2)
    drop(page, clip, "a.mp4", "b.mp4", "c.mp4", "d.mp4")
    page.button(key="video_start").click().run()
    assert "at most 2 unfinished analyses of one page" in page.error[0].value
    assert [warning.value for warning in page.warning] == ["Not started: c.mp4, d.mp4"]
    assert page.run().button(key="video_start").label == "Analyse 2 videos"
    waiting[0].state = JobState.DONE  # the second one runs yet
    services().videos._jobs.remove(waiting[0])
    page.button(key="video_start").click().run()
    assert [warning.value for warning in page.warning] == ["Not started: d.mp4"]
    assert analysed(waiting) == ["a.mp4", "b.mp4", "c.mp4"]
    # With other options they are others.
    page.text_input(key="video_from").set_value("0.5").run()
    assert page.button(key="video_start").label == "Analyse 4 videos"


def test_a_clip_is_not_analysed_twice_at_once(page, clip, waiting):
    drop(page, clip, "a.mp4")
    page.button(key="video_start").click().run()
    assert page.button(key="video_start").disabled
    assert analysed(waiting) == ["a.mp4"]
    waiting[0].state = JobState.FAILED
    page.run()
    assert not page.button(key="video_start").disabled


@pytest.mark.parametrize(
    ("start", "end", "expected"),
    [
        ("soon", "", "Expected seconds or m"),
        ("2", "1", "expected more than the start, 2 s. Received: 1 s"),
    ],
)
def test_a_stretch_that_is_none_is_told_and_nothing_begins(page, clip, start, end, expected):
    upload(page, "my_clip.mp4", clip)
    page.text_input(key="video_from").set_value(start).run()
    page.text_input(key="video_to").set_value(end).run()
    assert expected in page.error[0].value.replace("\\", "")
    assert [button.label for button in page.button] == []
    page.text_input(key="video_from").set_value("100").run()
    page.text_input(key="video_to").set_value("").run()
    assert "It ends at 1.6 s, before the stretch begins" in page.warning[0].value


def test_no_more_clips_than_may_be_queued_are_opened(page, clip, monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_SESSION_JOBS", "1")
    files = [(f"{name}.mp4", clip, "video/mp4") for name in ("first", "second")]
    page.file_uploader(key="video_upload").set_value(files).run()
    assert "Expected at most 1 video at once. Received: 2." in page.warning[0].value
    assert "second.mp4" not in texts(page)
