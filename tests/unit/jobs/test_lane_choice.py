"""Which lane a request takes by its header, and what it may take there."""

import io

import pytest
from PIL import Image

from emosense.jobs import lane_choice
from emosense.jobs.lane_choice import DEAR, ENCODING, LONG, ORDINARY, SHORT, photo_lane, video_lane
from emosense.jobs.video_jobs import VideoJob
from emosense.results import Box, Face, PhotoResult, VideoInfo
from emosense.worker.messages import (
    AnalyzePhoto,
    AnalyzeVideo,
    AnnotatePhoto,
    EncodeVideo,
    ExplainFace,
    InspectVideo,
    MeasureThroughput,
    Preload,
    WriteSampleClip,
)

FACE = Face(Box(0, 0, 9, 9), ((0, 0),) * 5, 1.0, (1.0,) + 6 * (0.0,))
RESULT = PhotoResult("a", 9, 9, (FACE,), "cnn8", "")


def requests_with(data):
    return (
        AnalyzePhoto(data=data, name="a", model="cnn8"),
        AnnotatePhoto(data=data, result=RESULT),
        ExplainFace(data=data, face=FACE, model="cnn8", side=99),
    )


def png(side):
    file = io.BytesIO()
    Image.new("L", (side, side)).save(file, "PNG")
    return file.getvalue()


@pytest.mark.parametrize("request_type", [0, 1, 2])
def test_photos_are_told_apart_by_their_header(astronaut_png, request_type):
    assert photo_lane(requests_with(astronaut_png)[request_type]).lane == ORDINARY
    assert photo_lane(requests_with(png(8900))[request_type]).lane == DEAR
    assert photo_lane(requests_with(b"of unknown kind")[request_type]).lane == DEAR


def test_photos_are_limited_in_processor_time_and_memory(astronaut_png, monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_PHOTO_SECONDS", "3")
    monkeypatch.setenv("EMOSENSE_MAX_PHOTO_MEMORY_MB", "100")
    for request in requests_with(astronaut_png):
        limits = photo_lane(request).limits
        assert limits.cpu_seconds == 6
        assert limits.memory_bytes == 500 * 2**20


def test_models_are_loaded_before_the_limits_hold(astronaut_png):
    analyze, annotate, explain = map(photo_lane, requests_with(astronaut_png))
    assert analyze.warm_up == explain.warm_up == Preload(model="cnn8")
    assert annotate.warm_up is None


@pytest.mark.parametrize(
    "request_",
    [
        InspectVideo(path="a", name="a", preview_side=99),
        WriteSampleClip(path="a"),
        MeasureThroughput(model="cnn8"),
    ],
)
def test_nobody_waits_for_previews_and_measurements_with_an_ordinary_photo(request_):
    assert photo_lane(request_).lane == DEAR


def test_a_measurement_is_not_limited_by_what_a_photo_may_take():
    """On many cores it takes a minute of processor time."""
    assert photo_lane(MeasureThroughput(model="cnn8")).limits.cpu_seconds is None


def video(seconds):
    return video_lane(AnalyzeVideo(path="a", model="cnn8", estimate=seconds))


def test_videos_are_told_apart_by_their_length():
    assert video(5.0).lane == SHORT
    assert video(lane_choice.MAX_SHORT_SECONDS + 1).lane == LONG
    assert video(None).lane == LONG


def test_a_video_that_promises_to_be_short_and_is_not_moves_to_the_long_ones():
    choice = video(5.0)
    assert choice.max_seconds == 30
    assert video(160.0).max_seconds == 200
    assert choice.then.lane == LONG
    assert choice.then.seconds is None  # nothing is promised by its header any more
    assert choice.then.then is None
    assert video(1000.0).then is None


def test_nobody_waits_long_for_a_stranger_s_short_video():
    """Whatever its header promises and however far it is, within what the lane may hold."""
    for promised in (1.0, 20.0, 60.0, lane_choice.MAX_SHORT_SECONDS):
        choice, worked = video(promised), 0.0
        while choice.gives_way_to(worked, {"bob": promised}) is None:
            worked += 1
        assert worked <= max(31, 1.25 * promised + 1)


def test_a_clip_of_seconds_waits_for_minutes_of_others_only_if_they_have_done_most_of_them():
    choice = video(lane_choice.MAX_SHORT_SECONDS)
    again = choice.gives_way_to(60, {"bob": 5.0})
    assert (again.lane, again.seconds, again.lost) == (SHORT, choice.seconds, 60)
    assert choice.gives_way_to(120, {"bob": 5.0}) is None  # it would lose more than bob gains
    assert choice.gives_way_to(100, {"bob": 5.0, "cid": 5.0}) is not None


def test_shorter_videos_that_come_and_come_do_not_starve_a_longer_one():
    choice, restarts = video(100.0), 0
    while (again := choice.gives_way_to(0.0, {f"user {restarts}": 1.0})) is not None:
        choice, restarts = again, restarts + 1
    assert 1 < restarts < 20
    assert choice.lost <= 100


def test_a_video_gives_way_to_nobody_without_need():
    choice = video(100.0)
    assert choice.gives_way_to(120.0, {}) is None
    assert choice.gives_way_to(10.0, {"bob": 80.0}) is None
    assert choice.gives_way_to(10.0, {"bob": None}) is None
    assert video(1000.0).gives_way_to(10.0, {"bob": 1.0}) is None


def test_no_video_is_estimated_beyond_the_longest_analysis(monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_VIDEO_MINUTES", "2")
    info = VideoInfo(8192, 4880, 20_000.0, 200_000, 10.0, "h264", 0, False)
    job, requests = VideoJob(name="a", path="a", info=info, model="cnn8"), []

    class Client:
        def stream(self, request, *_):
            requests.append(request)
            raise KeyError

    with pytest.raises(KeyError):
        job.run(Client())
    assert requests[0].estimate == 120


def test_what_is_encoded_keeps_no_analysis_waiting_and_gives_way_to_much_shorter_ones():
    request = EncodeVideo(path="a.avi", target="a.mp4", long_side=1280, estimate=100.0)
    choice = video_lane(request)
    assert choice.lane == ENCODING
    assert choice.limits.memory_bytes == lane_choice.VIDEO_BYTES
    assert choice.gives_way_to(10.0, {"bob": 5.0}).lane == ENCODING
    assert choice.gives_way_to(10.0, {"bob": 60.0}) is None
