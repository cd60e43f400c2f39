"""Decoding and encoding of video files: formats, rotation, times, audio, errors."""

import resource
import struct
from fractions import Fraction

import av
import numpy as np
import pytest
from support.synthetic_video import (
    head,
    pasted,
    promise_duration,
    turn_by_metadata,
    wall,
    write_clip,
)

from emosense.errors import DamagedMedia, MediaError, MediaTooLarge, UnsupportedMedia
from emosense.media.audio_track import AudioSource
from emosense.media.scene_cuts import SceneCutDetector
from emosense.media.video_reader import VideoReader
from emosense.media.video_writer import VideoWriter
from emosense.settings import VideoLimits


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
    with pytest.raises(MediaError, match=r"There is no file none\.mp4"):
        VideoReader(tmp_path / "none.mp4")
    with pytest.raises(MediaError, match="cannot be read: Is a directory"):
        VideoReader(tmp_path)


def test_cut_off_without_its_index(pictures, tmp_path):
    path = write_clip(tmp_path / "a.mp4", pictures)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(DamagedMedia, match="cannot be opened: it is damaged or cut off"):
        VideoReader(path)


def test_cut_off_in_the_middle_gives_what_is_there(pictures, tmp_path):
    path = write_clip(tmp_path / "a.mkv", pictures * 4)
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])
    reader, frames = read(path)
    assert 5 < len(frames) < 115
    assert reader.problem is not None


def test_header_that_states_hours(pictures, tmp_path):
    path = promise_duration(write_clip(tmp_path / "a.mkv", pictures), 4 * 3600)
    reader, frames = read(path)
    assert reader.info.duration == 4 * 3600
    assert len(frames) == 30
    assert "ends after 30 frames; its header promises about 360,000" in reader.problem


def test_complete_files_are_not_called_truncated(pictures, tmp_path):
    uneven = [i / 30 for i in range(60)] + [2.0 + i for i in range(40)]
    slides = write_clip(tmp_path / "a.mkv", (pictures[i % 30] for i in range(100)), times=uneven)
    reader, frames = read(slides)
    assert (len(frames), reader.problem) == (100, None)
    assert reader.info.frames > 500  # guessed from an even rate
    trimmed = write_clip(tmp_path / "a.mp4", pictures * 5)
    data = bytearray(trimmed.read_bytes())
    offset = data.index(b"elst") + 12  # the edit's duration, in the movie's thousandths
    struct.pack_into(">I", data, offset, 2000)
    trimmed.write_bytes(data)
    reader, frames = read(trimmed)
    assert reader.problem is None
    assert 45 <= len(frames) <= 55


def test_a_stream_that_changes_its_size(pictures, tmp_path):
    path = tmp_path / "call.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        larger = av.CodecContext.create("libvpx", "w")
        larger.width, larger.height, larger.pix_fmt = 640, 360, "yuv420p"
        larger.framerate, larger.time_base = 25, Fraction(1, 25)
        for encoder, picture, start in (
            (stream.codec_context, pictures[0], 0),
            (larger, np.repeat(np.repeat(pictures[20], 2, axis=0), 2, axis=1), 5),
        ):
            for index in range(5):
                frame = av.VideoFrame.from_ndarray(picture, format="rgb24")
                frame.pts, frame.time_base = start + index, Fraction(1, 25)
                packets = encoder.encode(frame) + (encoder.encode(None) if index == 4 else [])
                for packet in packets:
                    packet.stream = stream
                    container.mux(packet)
    reader, frames = read(path)
    assert (len(frames), reader.problem) == (10, None)
    assert {rgb.shape for *_, rgb in frames} == {(180, 320, 3)}
    assert np.abs(frames[9][2].astype(int) - pictures[20]).mean() < 8
    reader, frames = read(path, VideoLimits(max_pixels=100_000))
    assert len(frames) == 5
    assert "frames of at most 0 megapixels. Received: 640 x 360" in reader.problem


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
    offset = data.index(b"mdat")
    end = data.index(b"moov")
    path.write_bytes(data[: offset + 4] + bytes(end - offset - 4) + data[end:])
    with pytest.raises(DamagedMedia, match="not one frame can be decoded"):
        VideoReader(path)


@pytest.mark.parametrize("source", ["a.mp4", "a.mov"])
def test_writes_h264_with_the_sound_of_another(source, pictures, tmp_path):
    path = write_clip(tmp_path / source, pictures, sound=True)
    with (
        VideoReader(path) as reader,
        VideoWriter(
            tmp_path / "out.mp4", 321, 181, 25, AudioSource(path, reader.demuxer, reader.start)
        ) as writer,
    ):
        for frame in reader.frames():
            writer.write(np.pad(frame.rgb(), ((0, 1), (0, 1), (0, 0))), frame.time)
    with av.open(str(tmp_path / "out.mp4")) as output:
        (video,), (audio,) = output.streams.video, output.streams.audio
        assert (video.codec_context.name, video.format.name) == ("h264", "yuv420p")
        assert (video.width, video.height, video.frames) == (320, 180, 30)
        assert float(audio.duration * audio.time_base) == pytest.approx(1.2, abs=0.1)
    data = (tmp_path / "out.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # starts to play before it is loaded


@pytest.mark.parametrize(("name", "rate"), [("a.mkv", 48_000), ("a.avi", 11_024)])
def test_sound_that_browsers_do_not_play_is_converted(name, rate, pictures, tmp_path):
    path = tmp_path / name
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        stream.width, stream.height, stream.pix_fmt = 320, 180, "yuv420p"
        audio = container.add_stream("pcm_s16le", rate=rate)
        for picture in pictures:
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode(None))
        for start in range(0, rate * 6 // 5, 960):
            frame = av.AudioFrame.from_ndarray(
                np.zeros((1, 960), np.int16), format="s16", layout="mono"
            )
            frame.sample_rate, frame.pts = rate, start
            container.mux(audio.encode(frame))
    with (
        VideoReader(path) as reader,
        VideoWriter(
            tmp_path / "out.mp4", 320, 180, 25, AudioSource(path, reader.demuxer, reader.start)
        ) as writer,
    ):
        for frame in reader.frames():
            writer.write(frame.rgb(), frame.time)
    with av.open(str(tmp_path / "out.mp4")) as output:
        (audio,) = output.streams.audio
        assert audio.codec_context.name == "aac"
        assert float(audio.duration * audio.time_base) == pytest.approx(1.2, abs=0.1)


def test_audio_that_cannot_be_written_affects_no_frame(pictures, tmp_path):
    path, sound = tmp_path / "a.mkv", tmp_path / "sound.mkv"
    write_clip(sound, pictures, sound=True)
    with av.open(str(sound)) as source, av.open(str(path), "w") as target:
        streams = {s: target.add_stream_from_template(s) for s in source.streams}
        last = None
        for packet in source.demux():
            if packet.pts is not None:
                kind, packet.stream = packet.stream.type, streams[packet.stream]
                if kind == "audio" and last is not None and packet.pts % 3 == 0:
                    packet.pts = packet.dts = last  # the same time stamp twice
                last = packet.pts if kind == "audio" else last
                target.mux(packet)
    with (
        VideoReader(path) as reader,
        VideoWriter(
            tmp_path / "out.mp4", 320, 180, 25, AudioSource(path, reader.demuxer, reader.start)
        ) as writer,
    ):
        for frame in reader.frames():
            writer.write(frame.rgb(), frame.time)
    with av.open(str(tmp_path / "out.mp4")) as output:
        assert output.streams.video[0].frames == 30
        (audio,) = output.streams.audio
        assert float(audio.duration * audio.time_base) > 1


@pytest.mark.parametrize("write_rest", [True, False])
def test_sound_that_outlasts_the_pictures(write_rest, pictures, tmp_path):
    path = write_clip(tmp_path / "a.mp4", pictures, sound=True, seconds=4)
    with (
        VideoReader(path) as reader,
        VideoWriter(
            tmp_path / "out.mp4", 320, 180, 25, AudioSource(path, reader.demuxer, reader.start)
        ) as writer,
    ):
        for frame in reader.frames():
            writer.write(frame.rgb(), frame.time)
        if write_rest:
            writer.write_rest()
    with av.open(str(tmp_path / "out.mp4")) as output:
        (audio,) = output.streams.audio
        seconds = float(audio.duration * audio.time_base)
        assert seconds == pytest.approx(4 if write_rest else 1.7, abs=0.1)


def test_colour_space_is_tagged(tmp_path):
    colour = np.full((720, 1280, 3), (200, 60, 40), np.uint8)
    with VideoWriter(tmp_path / "out.mp4", 1280, 720, 25) as writer:
        writer.write(colour, 0.0)
    with av.open(str(tmp_path / "out.mp4")) as output:
        frame = next(output.decode(video=0))
        assert (frame.colorspace, frame.color_range) == (1, 1)  # BT.709, 16 to 235
        red, green, blue = frame.to_ndarray(format="rgb24")[100, 100]
        luma = frame.to_ndarray()[100, 100]
    assert (red, green, blue) == pytest.approx((200, 60, 40), abs=3)
    assert luma == pytest.approx(16 + 219 / 255 * (0.2126 * 200 + 0.7152 * 60 + 0.0722 * 40), abs=2)


@pytest.mark.parametrize(
    ("shape", "size"), [(Fraction(4, 3), (427, 180)), (Fraction(1, 2), (320, 360))]
)
def test_pixels_need_not_be_square(shape, size, pictures, tmp_path):
    path = write_clip(tmp_path / "a.mp4", pictures, shape=shape)
    with VideoReader(path) as reader:
        assert (reader.info.width, reader.info.height) == size
        first = next(reader.frames()).rgb()
        assert first.shape == (size[1], size[0], 3)
    with VideoReader(path, VideoLimits(long_side=160)) as reader:
        assert max(next(reader.frames()).rgb().shape) == 160


@pytest.mark.parametrize("name", ["a.mkv", "a.mp4"])
def test_sound_longer_than_the_pictures_is_no_damage(name, pictures, tmp_path):
    path = write_clip(tmp_path / name, pictures, sound=True, seconds=4)
    with VideoReader(path) as reader:
        assert len(list(reader.frames())) == len(pictures)
        assert reader.problem is None


def test_slides_are_no_damage(pictures, tmp_path):
    path = write_clip(tmp_path / "a.mkv", pictures[:3], times=(0, 5, 10), sound=True, seconds=15)
    with VideoReader(path) as reader:
        assert [frame.time for frame in reader.frames()] == pytest.approx([0, 5, 10])
        assert reader.problem is None


def test_a_full_disk_is_reported(pictures, tmp_path):
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


def test_a_file_that_cannot_be_finished_is_removed(pictures, tmp_path):
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    try:
        resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, before[1]))  # behaves like a full disk
        with (
            pytest.raises(MediaError, match="cannot be written"),
            VideoWriter(tmp_path / "out.mp4", 320, 180, 25) as writer,
        ):
            for index, picture in enumerate(pictures * 5):
                writer.write(picture, index / 25)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert not (tmp_path / "out.mp4").exists()


def test_scene_cuts(astronaut):
    import cv2

    def thumbnail(picture):
        return cv2.cvtColor(cv2.resize(picture, (32, 18)), cv2.COLOR_RGB2GRAY)

    detector, face = SceneCutDetector(), head(astronaut)
    scene = [pasted(wall(seed=1), (face, 100 + 12 * i, 180)) for i in range(20)]
    other = [pasted(wall(seed=2), (face, 400 - 12 * i, 180)) for i in range(20)]
    cuts = [detector.is_cut(thumbnail(picture)) for picture in scene + other]
    assert [index for index, cut in enumerate(cuts) if cut] == [20]
    black, white = np.zeros((18, 32), np.uint8), np.full((18, 32), 255, np.uint8)
    detector = SceneCutDetector()
    assert [detector.is_cut(p) for p in (black, black, white)] == [False, False, True]
