"""Memory that hostile videos take, and the words in which they are refused."""

import av
import cv2
import numpy as np
import pytest
from support.hostile_videos import (
    hidden_frames,
    jpeg,
    many_frames_in_a_packet,
    many_references,
    many_samples,
    many_tracks,
    picture_movie,
    png,
    with_sound,
)
from support.peak_memory import cost_of_video
from support.synthetic_video import write_clip

from emosense.errors import EmoSenseError, MediaTooLarge
from emosense.media import ffmpeg
from emosense.media.decoder_memory import DECODER_BYTES, MemoryWatch, plan_decoder
from emosense.media.ffmpeg import describe_error, limit_allocations, open_input
from emosense.media.video_reader import VideoReader

INSPECTED = 400
"""Megabytes that inspecting a hostile video may take; without limits they take up to 4,000."""
ANALYSED = 1500


@pytest.mark.parametrize("threads_for", [2, 64])
@pytest.mark.parametrize("codec", ["h264", "hevc", "vp9", "mjpeg"])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
def test_ordinary_videos_keep_their_threads(codec, pixel_format, threads_for):
    for width, height in ((1280, 720), (1920, 1080)):
        assert plan_decoder(codec, width, height, pixel_format, threads_for).threads == 0
    assert plan_decoder(codec, 3840, 2160, pixel_format, 2).threads == 0


def test_large_frames_get_fewer_threads_before_they_are_refused():
    plan = plan_decoder("hevc", 3840, 2160, "yuv420p10le", 64)
    assert 1 <= plan.threads < 16
    # 8K of 8 bits fits with the references of ordinary streams, one thread and the watch.
    assert plan_decoder("hevc", 7680, 4320, "yuv420p", 64).threads == 1
    with pytest.raises(MediaTooLarge, match=r"at most 16 megapixels, as h264 with 48 bits a pixel"):
        plan_decoder("h264", 8192, 4880, "yuv444p10le", 2)


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv444p16le", "rgba64be", None])
def test_what_later_frames_may_grow_to_fits_as_well(pixel_format):
    plan = plan_decoder("h264", 64, 64, pixel_format, 2)
    assert 1_000_000 < plan.max_pixels < DECODER_BYTES / 21


def test_the_watch_sees_growth(monkeypatch):
    sizes = iter([100, 900, 1101])
    monkeypatch.setattr("emosense.media.decoder_memory.resident_bytes", lambda: next(sizes))
    watch = MemoryWatch(max_growth=1000)
    assert [watch.exceeded(), watch.exceeded()] == [False, True]


def test_memory_that_runs_out_keeps_the_frames_until_then(pictures_clip, monkeypatch):
    with VideoReader(pictures_clip) as reader:
        monkeypatch.setattr(reader._memory, "exceeded", lambda: True)
        assert len(list(reader.frames())) == 1
    assert reader.problem == "it needs more memory than a video may take here"


@pytest.fixture
def pictures_clip(astronaut, tmp_path):
    return write_clip(tmp_path / "a.mp4", [astronaut] * 8)


@pytest.mark.parametrize("picture", [png(16000, 16000, "RGBA"), jpeg(16000, 16000)])
def test_a_second_frame_that_is_huge_is_never_decoded(picture, tmp_path):
    is_png = picture.startswith(b"\x89PNG")
    small = png(64, 64) if is_png else jpeg(64, 64)
    path = tmp_path / "a.mov"
    picture_movie(path, b"png " if is_png else b"jpeg", [small, picture], [0, 1, 0, 1])
    cost = cost_of_video(path, tmp_path / "out.mp4")
    assert cost.megabytes < 600  # with detector and network; 2,042 and more without limits
    assert "its frames become larger than the memory of a video allows" in cost.outcome


def test_references_and_bit_depth_are_counted(tmp_path):
    path = many_references(tmp_path / "a.mp4", 4480, 3680, "yuv444p10le", 3)
    cost = cost_of_video(path)
    assert "would take too much memory. Received: 4480 x 3680" in cost.outcome
    assert cost.megabytes < INSPECTED  # FFmpeg decodes one frame to find out its properties


def test_headers_that_ask_for_huge_tables(tmp_path):
    cost = cost_of_video(many_samples(tmp_path / "a.mov", 170_000_000))
    assert cost.megabytes < INSPECTED
    assert "expected a video" in cost.outcome


def test_many_tracks_are_not_all_probed_at_full_size(tmp_path):
    cost = cost_of_video(many_tracks(tmp_path / "a.mov", 30, 6000, 6000))
    assert cost.megabytes < INSPECTED + 400
    assert cost.outcome == "opened"


@pytest.mark.parametrize(("rate", "channels"), [(1, 1), (48_000, 500), (1e9, 2)])
def test_sound_with_absurd_parameters_is_left_out(rate, channels, tmp_path):
    path = with_sound(tmp_path / "a.mov", rate, channels, 4_000_000)
    cost = cost_of_video(path, tmp_path / "out.mp4")
    assert cost.outcome == "complete"
    (note,) = cost.notes
    assert "has no sound: expected up to 64 channels of 4,000 to 768,000 Hz. Received" in note
    assert cost.megabytes < 600
    with av.open(str(tmp_path / "out.mp4")) as container:
        assert len(container.streams.video) == 1


def test_a_huge_packet_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("emosense.media.video_reader.MAX_PACKET_BYTES", 10)
    path = picture_movie(tmp_path / "a.mov", b"png ", [png(64, 64)], [0] * 3)
    with pytest.raises(EmoSenseError, match="a frame takes 0 MB in the file, where at most 0 MB"):
        VideoReader(path)


def test_no_allocation_of_ffmpeg_is_larger_than_its_limit():
    limit_allocations()
    side = int(ffmpeg.MAX_BLOCK_BYTES**0.5)
    av.VideoFrame(side - 64, side - 64, "gray")
    with pytest.raises(MemoryError):
        av.VideoFrame(side + 64, side + 64, "gray")


def test_playlists_are_refused_whatever_demuxer_would_take_them(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"ffconcat version 1.0\nfile /etc/passwd\n")
    with pytest.raises(av.FFmpegError):
        open_input(tmp_path / "a.mp4", "mov", 1000)


def error_classes():
    values = [getattr(av.error, name) for name in dir(av.error)]
    return {v for v in values if isinstance(v, type) and issubclass(v, av.FFmpegError)}


OURS = {
    "it is damaged or cut off",
    "it is coded in a way that cannot be read here",
    "it needs more memory than a video may take here",
    "reading it is not allowed",
    "the disk cannot be read",
}


def test_every_error_of_ffmpeg_has_our_words():
    codes = [*range(1, 134), *(int(kind) for kind in av.error.ErrorType)]
    for kind in error_classes():
        for code in codes:
            assert describe_error(kind(code, "patches welcome", "/secret/file.mp4")) in OURS


@pytest.mark.parametrize("kind", sorted(error_classes(), key=lambda kind: kind.__name__))
@pytest.mark.parametrize("where", ["open", "demux", "convert"])
def test_no_text_of_ffmpeg_reaches_a_message(kind, where, pictures_clip, monkeypatch):
    def fail(*_, **__):
        raise kind(12345, "Not yet implemented in FFmpeg, patches welcome", "/secret/file.mp4")

    if where == "open":
        monkeypatch.setattr("emosense.media.ffmpeg.av.open", fail)
    elif where == "demux":
        monkeypatch.setattr("emosense.media.video_reader.select_stream", fail)
    else:
        monkeypatch.setattr("emosense.media.frame_canvas.FrameCanvas.picture", fail)
    with pytest.raises(EmoSenseError) as raised, VideoReader(pictures_clip) as reader:
        next(reader.frames()).rgb()
    assert not {"patches", "secret", "12345", "FFmpeg"} & set(str(raised.value).split())
    assert any(words in str(raised.value) for words in OURS)


def test_of_many_frames_in_a_packet_one_is_in_memory_at_a_time(tmp_path):
    path = many_frames_in_a_packet(tmp_path / "a.mp4", 4096, 4096, 40)
    cost = cost_of_video(path, tmp_path / "out.mp4")
    assert cost.megabytes < ANALYSED  # 80 frames of 25 MB are 2,000


def test_packets_of_many_frames_give_all_of_them(tmp_path):
    with VideoReader(many_frames_in_a_packet(tmp_path / "a.mp4", 320, 240, 40)) as reader:
        assert len(list(reader.frames())) == 81


def test_frames_that_are_never_shown_can_be_interrupted(tmp_path):
    with VideoReader(hidden_frames(tmp_path / "a.mp4", 64, 64, [0] + [1] * 1000 + [0])) as reader:
        frames = reader.frames()
        next(frames)
        asked = []
        reader.interrupted = lambda: asked.append(0) or len(asked) > 10
        assert list(frames) == []  # the last one would be shown
        assert len(asked) == 11


def test_a_video_that_begins_with_hidden_frames_only_is_refused(tmp_path):
    path = hidden_frames(tmp_path / "a.mp4", 64, 64, [1] * 3000 + [0])
    with pytest.raises(EmoSenseError, match=r"its first 2,000 parts hold no picture"):
        VideoReader(path)


def test_square_frames_with_boxes_fit(astronaut, tmp_path):
    picture = np.ascontiguousarray(cv2.resize(astronaut, (1920, 1920)))
    cost = cost_of_video(write_clip(tmp_path / "a.mp4", [picture] * 50), tmp_path / "out.mp4")
    assert (cost.outcome, cost.notes) == ("complete", [])
    assert cost.megabytes < 1150  # 1,260 before frames were counted in bytes
