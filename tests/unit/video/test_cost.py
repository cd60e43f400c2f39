"""The longest analysis, the largest annotated video, and what is told before the start."""

import shutil
from dataclasses import replace
from types import SimpleNamespace

import av
import pytest
from support.hostile_videos import noise
from support.synthetic_video import write_clip

from emosense import Analyzer, VideoOptions
from emosense.cli.main import main
from emosense.media.video_reader import VideoReader
from emosense.results import VideoInfo
from emosense.settings import VideoLimits, video_limits
from emosense.video.cost import (
    SMALLEST_ANNOTATED_LIMIT,
    duration_notice,
    estimate_seconds,
    max_annotated_bytes,
)
from emosense.video.pipeline import MAX_BATCH_BYTES, VideoAnalysis, _is_full
from emosense.video.queues import Frame

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
    monkeypatch.setattr("emosense.video.pipeline.monotonic", lambda: clock.now)
    options = VideoOptions(per_second=None)
    analysis = VideoAnalysis(analyzer, clip, options, limits=VideoLimits(max_seconds=10))
    running = iter(analysis)
    next(running)
    clock.now += 5  # within the limit
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


def test_the_command_line_tells_and_ends_in_time(clip, capsys, monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_VIDEO_MINUTES", "0.0000001")
    assert main(["video", str(clip)]) == 1
    error = capsys.readouterr().err
    assert "This analysis would take about 1 minute." in error
    assert "the longest that an analysis may take here" in error


def test_a_batch_of_large_images_is_full_by_their_bytes():
    large = SimpleNamespace(nbytes=MAX_BATCH_BYTES // 3 + 1)
    batch = [Frame(index, index / 100, large, sampled=False) for index in range(3)]
    assert (_is_full(batch[:2]), _is_full(batch)) == (False, True)


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
