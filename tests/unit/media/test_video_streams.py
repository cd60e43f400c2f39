"""Streams that change their orientation or size, with metadata, HDR and audio."""

import io
import tempfile
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from PIL import Image
from support.synthetic_video import (
    ORIENTATIONS,
    hdr_codes,
    head,
    pasted,
    show_by,
    small,
    tracks,
    wall,
    write_clip,
    write_hdr,
    write_turned,
)

from emosense import Analyzer
from emosense.cli.main import main
from emosense.errors import UnsupportedMedia
from emosense.faces.tracking import FaceTracker
from emosense.media.cicp import HLG, PQ
from emosense.media.file_kind import HEAD_BYTES, file_kind
from emosense.media.video_reader import VideoReader
from emosense.results import Box, Detection
from emosense.video.options import VideoOptions

EVERY_FRAME = VideoOptions(per_second=None)


@pytest.fixture(scope="module")
def analyzer():
    return Analyzer("cnn8")


@pytest.fixture(scope="module")
def portrait(astronaut):
    """480 x 360, with nothing symmetric about it."""
    return np.ascontiguousarray(cv2.resize(astronaut[:384], (480, 360)))


def write_packets(path, codec, packets, pixels="yuv420p"):
    """Write encoded frames of 480 x 360, as (bytes, whether it is a key frame), without encoding."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 480, 360, pixels
        for number, (data, is_keyframe) in enumerate(packets):
            packet = av.Packet(data)
            packet.stream, packet.time_base = stream, Fraction(1, 10)
            packet.pts = packet.dts = number
            packet.is_keyframe = is_keyframe
            container.mux(packet)
    return path


def coded(path, image, orientation):
    """Encode an image four times; the first frame has the display orientation (H.264, annex D)."""
    write_clip(path, [np.ascontiguousarray(image)] * 4, rate=10)
    with av.open(str(path)) as container:
        (stream,) = container.streams.video
        metadata = f"h264_metadata=display_orientation=insert:{orientation}"
        bitstream_filter = av.BitStreamFilterContext(f"h264_mp4toannexb,{metadata}", stream)
        for packet in container.demux(stream):
            for filtered in bitstream_filter.filter(packet if packet.size else None):
                yield bytes(filtered), filtered.is_keyframe


def test_an_orientation_that_changes_within_the_stream(portrait, tmp_path):
    sections = (
        ("half turn", "rotate=180"),
        ("mirrored", "flip=horizontal"),
        ("upright", "rotate=0"),
    )
    packets = [
        packet
        for name, setting in sections
        for packet in coded(tmp_path / "part.mp4", ORIENTATIONS[name][0](portrait), setting)
    ]
    with VideoReader(write_packets(tmp_path / "a.ts", "h264", packets)) as reader:
        frames = list(reader.frames())
        assert (reader.info.rotation, reader.info.mirrored) == (180, False)
        assert [frame.index for frame in frames if frame.reshaped] == [4, 8]
        differences = [np.abs(frame.rgb().astype(int) - portrait).mean() for frame in frames]
    assert len(differences) == 12
    assert max(differences) < 5


@pytest.mark.parametrize("suffix", ["avi", "mov"])
def test_frames_with_exif_side_data(portrait, tmp_path, suffix):
    exif = Image.Exif()
    exif[0x010F] = "maker of the camera"
    picture = io.BytesIO()
    Image.fromarray(portrait).save(picture, "JPEG", exif=exif.tobytes(), quality=90)
    packets = [(picture.getvalue(), True)] * 3
    path = write_packets(tmp_path / f"a.{suffix}", "mjpeg", packets, "yuvj420p")
    with VideoReader(path) as reader:
        frames = [frame.rgb() for frame in reader.frames()]
        assert reader.problem is None
    assert len(frames) == 3
    assert np.abs(frames[2].astype(int) - portrait).mean() < 5


@pytest.mark.parametrize("name", list(ORIENTATIONS))
def test_all_eight_orientations_in_matroska(name, portrait, tmp_path):
    stored, matrix = ORIENTATIONS[name]
    path = tmp_path / "a.mp4"
    show_by(write_clip(path, [np.ascontiguousarray(stored(portrait))] * 3), *matrix)
    copy = tmp_path / "a.mkv"
    with av.open(str(path)) as source, av.open(str(copy), "w") as target:
        (track,) = source.streams.video
        stream = target.add_stream_from_template(track)
        for packet in source.demux(track):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    with VideoReader(copy) as reader:
        assert (reader.info.width, reader.info.height) == (480, 360)
        assert np.abs(next(reader.frames()).rgb().astype(int) - portrait).mean() < 5


def scene(astronaut, size, seed=0, *, other=False):
    face = head(astronaut, 240, (0.5, 0.9, 1.1) if other else (1, 1, 1))
    face = face[:, ::-1] if other else face
    return pasted(wall(*size, seed), (face, size[0] / 2, size[1] / 2))


@pytest.mark.parametrize("size", [(640, 480), (960, 720), (480, 640)])
def test_a_cut_to_somebody_else_whatever_its_size(size, astronaut, analyzer, tmp_path):
    path = tmp_path / "a.webm"
    write_turned(path, scene(astronaut, (640, 480)), scene(astronaut, size, 5, other=True), 8)
    result = analyzer.video(path, EVERY_FRAME).finish()
    assert [len(frame.faces) for frame in result.frames] == [1] * 16
    assert result.persons == (1, 2)


@pytest.mark.parametrize("size", [(960, 720), (320, 240)])
def test_a_picture_that_is_only_larger_is_not_reshaped(size, astronaut, analyzer, tmp_path):
    """Video calls change their resolution all the time."""
    path = tmp_path / "a.webm"
    picture = scene(astronaut, (640, 480))
    write_turned(path, picture, cv2.resize(picture, size), 8)
    with VideoReader(path) as reader:
        assert not any(frame.reshaped for frame in reader.frames())
    result = analyzer.video(path, EVERY_FRAME).finish()
    assert result.persons == (1,)
    first, last = (result.frames[i].faces[0].face.box for i in (0, -1))
    assert last.centre == pytest.approx(first.centre, abs=6)


def test_a_head_that_tilts_with_the_phone_is_the_same_person():
    appearance = np.eye(300, dtype=np.float32)[0]
    tilted = 0.69 * appearance + np.sqrt(1 - 0.69**2) * np.eye(300, dtype=np.float32)[1]
    box = Box(60, 60, 80, 80)
    face = Detection(box, ((100.0, 100.0),) * 5, 0.9, box)
    tracker = FaceTracker()
    assert tracker.update(0.0, [face], [appearance]) == [1]
    assert tracker.update(0.1, [face], [tilted.astype(np.float32)], reshaped=True) == [1]


@pytest.mark.parametrize("folder", ["a:b", "a'b", "a\\b", "a,b;[c]", "ä %d"])
def test_hdr_wherever_temporary_files_lie(folder, portrait, tmp_path, monkeypatch):
    path = write_hdr(tmp_path / "a.mp4", portrait, PQ)
    (tmp_path / folder).mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / folder))
    with VideoReader(path) as reader:
        assert next(reader.frames()).rgb().mean() == pytest.approx(portrait.mean(), abs=4)
    assert list((tmp_path / folder).iterdir()) == []


@pytest.mark.parametrize(("kind", "message"), [("AVIF", "a photo"), ("PNG", "a photo"),
                                            ("PDF", "a PDF document")])  # fmt: skip
def test_other_files_are_described(kind, message, portrait, tmp_path):
    content = io.BytesIO()
    Image.fromarray(portrait).save(content, kind)
    path = tmp_path / "a.mp4"
    path.write_bytes(content.getvalue())
    assert file_kind(content.getvalue()[:HEAD_BYTES]) != "video"
    with pytest.raises(
        UnsupportedMedia, match=rf"^a\.mp4: expected a video .*Received: {message}\.$"
    ):
        VideoReader(path)


def test_a_selection_of_streams_is_no_error(portrait, tmp_path, capsys):
    path = tracks(tmp_path / "a.mp4", ("mjpeg", [small(portrait)] * 3), ("libx264", [portrait] * 9))
    assert main(["video", str(path)]) == 0
    assert "2 picture tracks: the one of 480 x 360 is analysed" in capsys.readouterr().err
    assert main(["video", str(path), "--csv", "/dev/full"]) == 1
    stderr = capsys.readouterr().err
    assert "2 picture tracks: the one of 480 x 360 is analysed" in stderr
    assert "/dev/full cannot be written: No space left on device." in stderr


def test_transport_streams_keep_their_sound(portrait, analyzer, tmp_path):
    path = write_clip(tmp_path / "a.m2ts", [portrait] * 20, rate=10, sound=True)
    annotated = tmp_path / "annotated.mp4"
    with analyzer.video(path, VideoOptions(per_second=2), annotated) as analysis:
        assert analysis.finish().problem is None
        assert analysis.notes == []
    with av.open(str(annotated)) as output:
        (audio,) = output.streams.audio
        assert float(audio.duration * audio.time_base) == pytest.approx(2, abs=0.1)


def test_hdr_that_only_the_container_states(portrait, tmp_path):
    """A VP9 stream cannot state it."""
    pixels = np.rint(65535 * np.clip(hdr_codes(portrait, HLG), 0, 1)).astype(np.uint16)
    path = tmp_path / "a.webm"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libvpx-vp9", rate=10)
        stream.width, stream.height, stream.pix_fmt = 480, 360, "yuv420p"
        context = stream.codec_context
        context.color_trc, context.color_primaries, context.colorspace = HLG, 9, 9
        frame = av.VideoFrame.from_ndarray(pixels, format="rgb48le")
        for _ in range(3):
            container.mux(stream.encode(frame.reformat(format="yuv420p", dst_colorspace=9)))
        container.mux(stream.encode(None))
    with VideoReader(path) as reader:
        rgb = next(reader.frames()).rgb()
    assert rgb.mean() == pytest.approx(portrait.mean(), abs=4)
    assert rgb.std() == pytest.approx(portrait.std(), rel=0.06)
