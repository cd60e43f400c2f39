"""Reading and writing video files: formats, rotation, times, sound, faults."""

import av
import numpy as np
import pytest
from clips import head, pasted, promise_duration, turn_by_metadata, wall, write_clip

from emosense.errors import DamagedMedia, MediaError, MediaTooLarge, UnsupportedMedia
from emosense.media.cuts import CutFinder
from emosense.media.video import VideoLimits, VideoReader
from emosense.media.video_writer import VideoWriter


@pytest.fixture(scope="module")
def pictures(astronaut):
    return [pasted(wall(320, 180), (head(astronaut, 90), 60 + 4 * i, 90)) for i in range(30)]


def read(path, limits=None):
    with VideoReader(path, limits) as reader:
        frames = [(f.index, f.time, f.rgb()) for f in reader.frames()]
        return reader, frames


@pytest.mark.parametrize(
    ("name", "codec"),
    [("a.mp4", "libx264"), ("a.mov", "libx264"), ("a.m4v", "libx264"), ("a.mkv", "libx264"),
     ("a.avi", "mjpeg"), ("a.webm", "libvpx-vp9")],
)  # fmt: skip
def test_reads_every_container(name, codec, pictures, tmp_path):
    reader, frames = read(write_clip(tmp_path / name, pictures[:12], codec=codec))
    assert reader.problem is None
    assert [index for index, *_ in frames] == list(range(12))
    assert [t for _, t, _ in frames] == pytest.approx([i / 25 for i in range(12)], abs=0.002)
    assert np.abs(frames[5][2].astype(int) - pictures[5]).mean() < 8
    assert (reader.info.width, reader.info.height) == (320, 180)


def test_content_decides_not_the_name(pictures, tmp_path):
    path = write_clip(tmp_path / "a.mp4", pictures[:5]).rename(tmp_path / "a.avi")
    assert len(read(path)[1]) == 5


def test_rotation_metadata_is_applied(pictures, tmp_path):
    sideways = [np.rot90(picture).copy() for picture in pictures[:6]]
    path = turn_by_metadata(write_clip(tmp_path / "phone.mp4", sideways))
    reader, frames = read(path)
    assert reader.info.rotation != 0
    assert (reader.info.width, reader.info.height) == (320, 180)
    assert np.abs(frames[3][2].astype(int) - pictures[3]).mean() < 8


def test_variable_frame_rate_keeps_its_times(pictures, tmp_path):
    times = [0, 0.04, 0.2, 0.21, 1.0, 1.5]
    _, frames = read(write_clip(tmp_path / "v.mp4", pictures[:6], times=times))
    assert [t for _, t, _ in frames] == pytest.approx(times, abs=0.002)


def test_large_frames_are_scaled_while_decoding(pictures, tmp_path):
    path = write_clip(tmp_path / "a.mp4", pictures[:3])
    reader, frames = read(path, VideoLimits(long_side=160))
    assert frames[0][2].shape == (90, 160, 3)
    assert reader.info.width == 320


def test_limits(pictures, tmp_path):
    path = write_clip(tmp_path / "a.mp4", pictures[:3])
    with pytest.raises(MediaTooLarge, match=r"at most 0 megapixels. Received: 320 x 180"):
        VideoReader(path, VideoLimits(max_pixels=1000))
    with pytest.raises(MediaTooLarge, match=r"expected at most 0 MB"):
        VideoReader(path, VideoLimits(max_bytes=100))


@pytest.mark.parametrize(
    "content",
    [
        b"hello",
        b"#EXTM3U\n#EXTINF:10,\nfile:///etc/passwd\n",
        b"ffconcat version 1.0\nfile /etc/passwd\n",
        b"\x89PNG\r\n\x1a\n" + bytes(40),
    ],
)
def test_what_is_no_video_is_refused(content, tmp_path):
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(UnsupportedMedia, match=r"a.mp4: expected a video \(MP4"):
        VideoReader(tmp_path / "a.mp4")


def test_empty_and_missing_files(tmp_path):
    (tmp_path / "a.mp4").write_bytes(b"")
    with pytest.raises(DamagedMedia, match="an empty file"):
        VideoReader(tmp_path / "a.mp4")
    with pytest.raises(UnsupportedMedia, match="cannot be read"):
        VideoReader(tmp_path / "none.mp4")


def test_cut_off_without_its_index(pictures, tmp_path):
    path = write_clip(tmp_path / "a.mp4", pictures)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DamagedMedia, match="damaged or cut off and cannot be opened"):
        VideoReader(path)


def test_cut_off_in_the_middle_gives_what_is_there(pictures, tmp_path):
    path = write_clip(tmp_path / "a.mkv", pictures * 4)
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    reader, frames = read(path)
    assert 5 < len(frames) < 115
    assert reader.problem is not None


def test_header_that_promises_hours(pictures, tmp_path):
    path = promise_duration(write_clip(tmp_path / "a.mkv", pictures), 4 * 3600)
    reader, frames = read(path)
    assert reader.info.duration == 4 * 3600
    assert len(frames) == 30
    assert "ends after 30 frames; its header promises about 360,000" in reader.problem


def test_a_codec_that_is_missing(pictures, tmp_path):
    path = write_clip(tmp_path / "a.mkv", pictures[:3])
    path.write_bytes(path.read_bytes().replace(b"V_MPEG4/ISO/AVC", b"V_UNKNOWN/CODEC"))
    with pytest.raises(UnsupportedMedia, match="coded in a way that cannot be read here"):
        VideoReader(path)


def test_sound_without_picture(tmp_path):
    with av.open(str(tmp_path / "a.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        for start in range(0, 44_100, 1024):
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 1024), np.float32), format="fltp", layout="mono"
            )
            frame.sample_rate, frame.pts = 44_100, start
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    with pytest.raises(UnsupportedMedia, match="without a picture track"):
        VideoReader(tmp_path / "a.mp4")


def test_picture_track_without_frames(pictures, tmp_path):
    path = write_clip(tmp_path / "a.mp4", pictures[:4])
    data = path.read_bytes()
    at = data.index(b"mdat")
    end = data.index(b"moov")
    path.write_bytes(data[: at + 4] + bytes(end - at - 4) + data[end:])
    with pytest.raises(DamagedMedia, match="not one frame can be decoded"):
        VideoReader(path)


@pytest.mark.parametrize("source", ["a.mp4", "a.mov"])
def test_writes_h264_with_the_sound_of_another(source, pictures, tmp_path):
    path = write_clip(tmp_path / source, pictures, sound=True)
    with (
        VideoReader(path) as reader,
        VideoWriter(tmp_path / "out.mp4", 321, 181, 25, path, reader.start) as writer,
    ):
        for frame in reader.frames():
            writer.write(np.pad(frame.rgb(), ((0, 1), (0, 1), (0, 0))), frame.time)
    with av.open(str(tmp_path / "out.mp4")) as made:
        (video,), (audio,) = made.streams.video, made.streams.audio
        assert (video.codec_context.name, video.format.name) == ("h264", "yuv420p")
        assert (video.width, video.height, video.frames) == (320, 180, 30)
        assert float(audio.duration * audio.time_base) == pytest.approx(1.2, abs=0.1)
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # starts to play before it is loaded


def test_sound_that_browsers_do_not_play_is_converted(pictures, tmp_path):
    path = tmp_path / "a.mkv"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=48_000)
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
        for start in range(0, 57_600, 960):
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 960), np.int16), format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts = 48_000, start
            container.mux(audio.encode(frame))
    with (
        VideoReader(path) as reader,
        VideoWriter(tmp_path / "out.mp4", 320, 180, 25, path, reader.start) as writer,
    ):
        for frame in reader.frames():
            writer.write(frame.rgb(), frame.time)
    with av.open(str(tmp_path / "out.mp4")) as made:
        (audio,) = made.streams.audio
        assert audio.codec_context.name == "aac"
        assert float(audio.duration * audio.time_base) == pytest.approx(1.2, abs=0.1)


def test_a_full_disk_is_told(pictures, tmp_path):
    (tmp_path / "full.mp4").symlink_to("/dev/full")
    with (
        pytest.raises(MediaError, match="cannot be written"),
        VideoWriter(tmp_path / "full.mp4", 320, 180, 25) as writer,
    ):
        for index, picture in enumerate(pictures):
            writer.write(picture, index / 25)
    with (
        pytest.raises(MediaError, match="cannot be written"),
        VideoWriter(tmp_path / "no folder" / "a.mp4", 320, 180, 25) as writer,
    ):
        writer.write(pictures[0], 0.0)


def test_cuts(astronaut):
    import cv2

    def tiny(picture):
        return cv2.cvtColor(cv2.resize(picture, (32, 18)), cv2.COLOR_RGB2GRAY)

    finder, face = CutFinder(), head(astronaut)
    scene = [pasted(wall(seed=1), (face, 100 + 12 * i, 180)) for i in range(20)]
    other = [pasted(wall(seed=2), (face, 400 - 12 * i, 180)) for i in range(20)]
    found = [finder.is_cut(tiny(picture)) for picture in scene + other]
    assert [index for index, cut in enumerate(found) if cut] == [20]
    black, white = np.zeros((18, 32), np.uint8), np.full((18, 32), 255, np.uint8)
    finder = CutFinder()
    assert [finder.is_cut(p) for p in (black, black, white)] == [False, False, True]
