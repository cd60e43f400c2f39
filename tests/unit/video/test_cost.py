"""The longest analysis, the largest annotated video, and what is told before the start."""

import shutil
import threading
from dataclasses import replace
from types import SimpleNamespace

import av
import numpy as np
import pytest
from support.hostile_videos import noise
from support.synthetic_video import write_clip

from emosense import Analyzer, VideoOptions
from emosense.cli.main import main
from emosense.errors import EmoSenseError
from emosense.media.video_reader import VideoReader
from emosense.results import Box, Face, FrameResult, TrackedFace, VideoInfo
from emosense.settings import VideoLimits, video_limits
from emosense.video.batching import MAX_BATCH_BYTES, is_full
from emosense.video.cost import (
    SMALLEST_ANNOTATED_LIMIT,
    duration_notice,
    estimate_seconds,
    max_annotated_bytes,
)
from emosense.video.key_moments import KeyMomentCollector
from emosense.video.pipeline import VideoAnalysis
from emosense.video.queues import BoundedQueue, Frame

LONG = VideoInfo(8192, 4880, 20_000.0, 200_000, 10.0, "h264", rotation=0, audio=False)


@pytest.fixture(scope="module")
def analyzer():
    return Analyzer("cnn8")


@pytest.fixture(scope="module")
def clip(astronaut, tmp_path_factory):
    frames = [astronaut] * 60
    return write_clip(tmp_path_factory.mktemp("clip") / "a.mp4", frames, sound=True)


def test_the_longest_analysis_keeps_what_is_done(analyzer, clip, tmp_path):
    options, limits = VideoOptions(per_second=None), VideoLimits(max_seconds=1e-6)
    analysis = VideoAnalysis(analyzer, clip, options, tmp_path / "out.mp4", limits)
    result = analysis.finish()
    assert 0 < len(result.frames) < 60
    assert result.persons == (1,)
    assert result.problem is not None
    assert "the longest that an analysis may take here" in result.problem
    with VideoReader(tmp_path / "out.mp4") as annotated:  # ended properly
        assert len(list(annotated.frames())) == len(result.frames)


def test_time_in_which_the_caller_does_other_things_does_not_count(analyzer, clip, monkeypatch):
    clock = SimpleNamespace(now=0.0)
    monkeypatch.setattr("emosense.video.working_time.monotonic", lambda: clock.now)
    options = VideoOptions(per_second=None)
    analysis = VideoAnalysis(analyzer, clip, options, limits=VideoLimits(max_seconds=10))
    running = iter(analysis)
    next(running)
    clock.now += 5000  # while the analysis waits for its caller
    assert len(analysis.finish().frames) == 60
    assert analysis.finish().problem is None


def test_an_annotated_video_ends_at_its_largest_size(analyzer, tmp_path, monkeypatch):
    path = write_clip(tmp_path / "a.mp4", noise(30, 320, 240), sound=True)
    monkeypatch.setattr("emosense.video.cost.SMALLEST_ANNOTATED_LIMIT", 1)
    limits = VideoLimits(max_annotated_ratio=0.3)
    analysis = VideoAnalysis(
        analyzer, path, VideoOptions(per_second=None), tmp_path / "out.mp4", limits
    )
    result = analysis.finish()
    assert (len(result.frames), result.problem) == (30, None)  # the analysis goes on
    assert "the most that the size of the video and the disk allow" in analysis.notes[-1]
    assert (tmp_path / "out.mp4").stat().st_size < path.stat().st_size
    with VideoReader(tmp_path / "out.mp4") as annotated:  # what there is can be played
        assert 0 < len(list(annotated.frames())) < 30


def test_an_annotated_video_leaves_disk_space(analyzer, clip, tmp_path, monkeypatch):
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr("emosense.media.video_writer._BYTES_BETWEEN_CHECKS", 1)
    monkeypatch.setattr(
        "emosense.media.video_writer.shutil.disk_usage", lambda _: usage._replace(free=2**20)
    )
    analysis = VideoAnalysis(analyzer, clip, VideoOptions(), tmp_path / "out.mp4")
    assert analysis.finish().problem is None
    assert "the disk allow" in analysis.notes[-1]


def test_the_largest_size_is_of_source_and_disk(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(bytes(3 * 2**20))
    usage = SimpleNamespace(free=10**9)
    monkeypatch.setattr("emosense.video.cost.shutil.disk_usage", lambda _: usage)
    arguments = tmp_path / "a", tmp_path / "b"
    assert max_annotated_bytes(*arguments, VideoLimits()) == 30 * 2**20
    assert max_annotated_bytes(*arguments, VideoLimits(max_annotated_ratio=1)) == (
        SMALLEST_ANNOTATED_LIMIT
    )
    usage.free = 1000
    assert max_annotated_bytes(*arguments, VideoLimits(max_annotated_disk=0.1)) == 100
    assert max_annotated_bytes(*arguments, VideoLimits(max_annotated_bytes=7)) == 7


def test_settings(monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_VIDEO_MINUTES", "1.5")
    monkeypatch.setenv("EMOSENSE_MAX_ANNOTATED_RATIO", "2")
    monkeypatch.setenv("EMOSENSE_MAX_ANNOTATED_DISK_PERCENT", "300")
    limits = video_limits()
    assert (limits.max_seconds, limits.max_annotated_ratio) == (90, 2)
    assert limits.max_annotated_disk == 1


def test_long_videos_are_told_before_the_start():
    notice = duration_notice(LONG, VideoOptions(), VideoLimits(), annotated=True)
    assert notice is not None
    assert "It ends after 60 minutes" in notice
    short = replace(LONG, frames=100, duration=10.0)
    assert duration_notice(short, VideoOptions(), VideoLimits(), annotated=True) is None
    unknown = replace(LONG, frames=None, duration=None)
    assert duration_notice(unknown, VideoOptions(), VideoLimits(), annotated=True) is None


def test_estimates_grow_with_what_is_asked_for():
    estimates = [
        estimate_seconds(LONG, VideoOptions(per_second=rate), annotated=annotated)
        for rate, annotated in ((1.0, False), (None, False), (None, True))
    ]
    assert estimates == sorted(set(estimates))


def seconds_of(info=None, **options):
    info = info or VideoInfo(640, 360, 60.0, 1500, 25.0, "h264", rotation=0, audio=False)
    return estimate_seconds(info, VideoOptions(**options), annotated=False)


def test_regions_are_estimated_to_save_time_where_whole_frames_are_near():
    every_frame = seconds_of(per_second=None)
    assert every_frame < 0.7 * seconds_of(per_second=None, whole_frames=True)
    # Ten a second lie further apart, so that a larger share of them is searched whole.
    saved = seconds_of(per_second=10, whole_frames=True) - seconds_of(per_second=10)
    assert 0 < saved < 0.3 * seconds_of(per_second=10, whole_frames=True)


@pytest.mark.parametrize("options", [{"per_second": 3}, {"per_second": 10, "detect_every": 5}])
def test_frames_that_lie_far_apart_are_estimated_as_searched_whole(options):
    assert seconds_of(**options) == seconds_of(**options, whole_frames=True)


def test_estimates_of_a_video_without_a_duration_are_those_of_its_frames():
    known = VideoInfo(640, 360, 60.0, 1500, 25.0, "h264", rotation=0, audio=False)
    unknown = replace(known, duration=None)
    assert seconds_of(unknown) == pytest.approx(seconds_of(known))


def test_a_size_between_is_estimated_by_its_pixels():
    sizes = [
        seconds_of(per_second=None, long_side=size) for size in (320, 400, 480, 640, 800, 960, 1920)
    ]
    assert sizes == sorted(set(sizes))


def test_the_command_line_tells_and_ends_in_time(clip, capsys, monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_VIDEO_MINUTES", "0.0000001")
    assert main(["video", str(clip)]) == 1
    error = capsys.readouterr().err
    assert "This analysis would take about 1 minute." in error
    assert "the longest that an analysis may take here" in error


def frames_at(*indices, sampled=True, nbytes=1000):
    image = SimpleNamespace(nbytes=nbytes)
    return [Frame(index, index / 25, image, sampled) for index in indices]


@pytest.mark.parametrize(
    ("batch", "following", "full"),
    [
        ([], 99, False),
        (range(7), 7, False),
        (range(8), 8, True),  # by its sampled frames
        ([4], 19, False),
        ([4], 20, True),  # by those that it spans, in it or not
    ],
)
def test_a_batch_is_full(batch, following, full):
    assert is_full(frames_at(*batch), *frames_at(following)) is full


def test_a_batch_of_large_images_is_full_by_their_bytes():
    large = MAX_BATCH_BYTES // 3 + 1
    assert not is_full(frames_at(0, nbytes=large), *frames_at(2, nbytes=large))
    assert is_full(frames_at(0, nbytes=large), *frames_at(3, nbytes=large))
    unsampled = frames_at(0, 1, 2, sampled=False, nbytes=large)
    assert is_full(unsampled, *frames_at(3, nbytes=large))


def test_a_batch_of_sparse_frames_is_full_by_their_time():
    image = SimpleNamespace(nbytes=1000)
    batch = [Frame(0, 0.0, image, sampled=True)]
    assert not is_full(batch, Frame(1, 1.9, image, sampled=True))
    assert is_full(batch, Frame(1, 2.0, image, sampled=True))


def test_the_audio_is_read_by_the_demuxer_of_the_pictures(analyzer, clip, tmp_path, monkeypatch):
    opened = []
    original = av.open

    def spy(file, *args, **options):
        opened.append((options.get("format"), (options.get("options") or {}).get("max_streams")))
        return original(file, *args, **options)

    monkeypatch.setattr("av.open", spy)
    VideoAnalysis(analyzer, clip, VideoOptions(), tmp_path / "out.mp4").finish()
    inputs = [form for form, max_streams in opened if max_streams is not None]
    assert set(inputs) == {"mov"}
    assert [form for form, max_streams in opened if max_streams is None] == ["mp4"]  # the output


def test_a_queue_is_full_by_the_bytes_of_its_items():
    stop = threading.Event()
    queue = BoundedQueue(9, stop, max_bytes=10, item_bytes=len)
    queue.put("a single item may be larger")
    writer = threading.Thread(target=queue.put, args=("b",))
    writer.start()
    items = iter(queue)
    assert next(items) == "a single item may be larger"
    writer.join()
    queue.put("123456789")
    late = threading.Thread(target=lambda: (queue.put("c"), queue.close()))
    late.start()
    assert next(items) == "b"
    assert list(items) == ["123456789", "c"]
    late.join()


def test_a_queue_gives_its_items_before_its_error():
    queue = BoundedQueue(2, threading.Event())
    queue.put("a")
    queue.close(EmoSenseError("damaged"))
    items = iter(queue)
    assert next(items) == "a"
    with pytest.raises(EmoSenseError, match="damaged"):
        next(items)


def test_a_film_of_a_thousand_frames_a_second_waits_for_no_interpolation(
    analyzer, astronaut, tmp_path, monkeypatch
):
    """With boxes, all frames between two detections are in memory: hundreds within half a second."""
    picture = np.ascontiguousarray(astronaut[:240, 60:380])
    clip = write_clip(
        tmp_path / "a.mp4", [picture] * 900, times=[index / 1000 for index in range(900)]
    )
    monkeypatch.setattr("emosense.video.pipeline.MAX_DELAYED_BYTES", 50 * picture.nbytes)
    alive = peak = 0

    class Counted(Frame):
        def __init__(self, *values, **named):
            nonlocal alive, peak
            super().__init__(*values, **named)
            alive += 1
            peak = max(peak, alive)

        def __del__(self):
            nonlocal alive
            alive -= 1

    monkeypatch.setattr("emosense.video.pipeline.Frame", Counted)
    options = VideoOptions(per_second=10, detect_every=5)
    result = VideoAnalysis(analyzer, clip, options, tmp_path / "out.mp4").finish()
    assert result.problem is None
    assert len(result.frames) >= 9
    assert {len(frame.faces) for frame in result.frames} == {1}
    assert peak < 250  # 438 without the limit


def test_a_result_holds_so_many_faces_and_the_rest_is_told(analyzer, clip, monkeypatch):
    monkeypatch.setattr("emosense.video.pipeline.MAX_FACES", 5)
    result = VideoAnalysis(analyzer, clip, VideoOptions(per_second=None)).finish()
    assert 5 <= len(result.frames) < 60
    assert "faces, the most that a result may hold" in result.problem


def test_key_moments_are_of_so_many_people(astronaut, monkeypatch):
    monkeypatch.setattr("emosense.video.key_moments.MAX_PEOPLE", 2)
    box = Box(10, 20, 30, 40)
    face = Face(box, ((20.0, 30.0),) * 5, 0.9, (0.0, 0.0, 0.0, 0.9, 0.0, 0.0, 0.1))
    collector = KeyMomentCollector()
    people = tuple(TrackedFace(person, face) for person in (1, 2, 3))
    collector.update(astronaut, people, FrameResult(0, 0.0, people))
    assert [moment.person for moment in collector.key_moments] == [1, 2]
    assert not collector.is_complete


def test_sound_without_an_end_within_a_moment_ends_the_annotated_video(
    analyzer, astronaut, tmp_path, monkeypatch
):
    clip = write_clip(tmp_path / "a.mp4", [astronaut] * 30, sound=True)
    monkeypatch.setattr("emosense.media.video_writer._MAX_WAITING_BYTES", 5000)
    analysis = VideoAnalysis(analyzer, clip, VideoOptions(), tmp_path / "out.mp4")
    assert analysis.finish().problem is None
    assert "has to be kept in memory" in analysis.notes[-1]
    with VideoReader(tmp_path / "out.mp4") as annotated:
        assert 0 < len(list(annotated.frames())) < 30


def test_sound_is_not_written_on_after_the_longest_analysis(analyzer, astronaut, tmp_path):
    clip = write_clip(tmp_path / "a.mp4", [astronaut] * 30, sound=True, seconds=9)
    for limits, seconds in ((VideoLimits(), 9), (VideoLimits(max_seconds=1e-6), 1)):
        VideoAnalysis(analyzer, clip, None, tmp_path / "out.mp4", limits).finish()
        with av.open(str(tmp_path / "out.mp4")) as annotated:
            audio = annotated.streams.audio[0]
            assert float(audio.duration * audio.time_base) == pytest.approx(seconds, abs=1)
