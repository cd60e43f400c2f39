"""Variants of videos by cameras, phones and editors: frames are decoded as players show them."""

import gc

import av
import cv2
import numpy as np
import psutil
import pytest
from support.synthetic_video import (
    ORIENTATIONS,
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


@pytest.mark.parametrize("name", ORIENTATIONS)
def test_all_eight_orientations(name, portrait, analyzer, tmp_path):
    stored, matrix = ORIENTATIONS[name]
    path = write_clip(tmp_path / "a.mp4", [np.ascontiguousarray(stored(portrait))] * 3)
    show_by(path, *matrix)
    with VideoReader(path) as reader:
        assert (reader.info.width, reader.info.height) == (480, 360)
        assert reader.info.mirrored == (matrix[0] * matrix[3] - matrix[1] * matrix[2] < 0)
        rgb = next(reader.frames()).rgb()
    assert np.abs(rgb.astype(int) - portrait).mean() < 4
    annotated = tmp_path / "annotated.mp4"
    with analyzer.video(path, EVERY_FRAME, annotated) as analysis:
        result = analysis.finish()
    assert {t.face.verdict for f in result.frames for t in f.faces} == {"happy"}
    box = result.frames[0].faces[0].face.box
    (expected,) = analyzer.photo(portrait).faces
    assert abs(box.centre[0] - expected.box.centre[0]) < 8
    with VideoReader(annotated) as reader:  # upright without a display matrix
        annotated_rgb = next(reader.frames()).rgb()
    difference = np.abs(annotated_rgb.astype(int) - portrait).mean(axis=2)
    assert np.median(difference) < 6


@pytest.mark.parametrize("suffix", ["mp4", "mkv"])
@pytest.mark.parametrize("first", [True, False])
def test_a_thumbnail_is_not_the_video(portrait, analyzer, tmp_path, suffix, first):
    streams = [("mjpeg", [small(portrait)] * 30), ("libx264", [portrait] * 12)]
    path = tracks(tmp_path / f"a.{suffix}", *(streams if first else streams[::-1]))
    with analyzer.video(path, EVERY_FRAME) as analysis:
        result = analysis.finish()
    assert (result.info.width, len(result.frames)) == (480, 12)
    assert analysis.notes == ["The file has 2 picture tracks: the one of 480 x 360 is analysed."]


def test_the_default_of_two_moving_streams(portrait, tmp_path):
    other = cv2.resize(portrait, (640, 480))
    path = tracks(
        tmp_path / "a.mkv", ("libx264", [other] * 9), ("libx264", [portrait] * 9), default=1
    )
    with VideoReader(path) as reader:
        assert reader.info.width == 480
        assert sum(1 for _ in reader.frames()) == 9


def test_a_single_stream_gives_no_note(portrait, tmp_path):
    with VideoReader(write_clip(tmp_path / "a.mp4", [portrait] * 2)) as reader:
        assert reader.notes == []


@pytest.mark.parametrize(("before", "after"), [((640, 480), (480, 640)), ((480, 640), (640, 360))])
def test_a_phone_that_is_rotated_while_it_records(astronaut, analyzer, tmp_path, before, after):
    path = tmp_path / "a.webm"
    face = cv2.resize(astronaut[:400, 60:460], (300, 300))
    pictures = [pasted(wall(*size), (face, size[0] / 2, size[1] / 2)) for size in (before, after)]
    write_turned(path, *pictures, 12)
    with VideoReader(path) as reader:
        frames = list(reader.frames())
        assert [frame.index for frame in frames if frame.reshaped] == [12]
        assert {frame.rgb().shape for frame in frames} == {(before[1], before[0], 3)}
        # Letterboxed: centred on black, with its own aspect ratio.
        picture = frames[-1].rgb()
        scale = min(before[0] / after[0], before[1] / after[1])
        filled = (picture.max(axis=2) > 16).mean()
        assert abs(filled - scale**2 * after[0] * after[1] / (before[0] * before[1])) < 0.03
    with analyzer.video(path, EVERY_FRAME) as analysis:
        result = analysis.finish()
    boxes = [frame.faces[0].face.box for frame in result.frames if frame.faces]
    assert len(boxes) == 24
    aspect_ratios = [box.width / box.height for box in (boxes[0], boxes[-1])]
    assert aspect_ratios[1] == pytest.approx(aspect_ratios[0], rel=0.1)
    assert result.persons == (1,)


@pytest.mark.parametrize("transfer", [HLG, PQ])
def test_hdr_is_tone_mapped(portrait, analyzer, tmp_path, transfer):
    path = write_hdr(tmp_path / "a.mp4", portrait, transfer)
    with VideoReader(path) as reader:
        rgb = next(reader.frames()).rgb()
    assert rgb.mean() == pytest.approx(portrait.mean(), abs=4)
    # Without tone mapping PQ is too dark and HLG has too little contrast.
    assert rgb.std() == pytest.approx(portrait.std(), rel=0.06)
    annotated = tmp_path / "annotated.mp4"
    with analyzer.video(path, EVERY_FRAME, annotated) as analysis:
        (face,) = analysis.finish().frames[0].faces
    assert face.face.verdict == "happy"
    with VideoReader(annotated) as reader:
        assert next(reader.frames()).rgb().mean() == pytest.approx(portrait.mean(), abs=8)


@pytest.mark.parametrize(
    ("suffix", "codec"),
    [
        ("mp4", "libx264"),
        ("mov", "libx264"),
        ("3gp", "libx264"),
        ("3g2", "libx264"),
        ("mkv", "libx264"),
        ("webm", "libvpx"),
        ("avi", "libx264"),
        ("ts", "libx264"),
        ("m2ts", "libx264"),
        ("mts", "libx264"),
    ],
)
def test_containers(portrait, tmp_path, suffix, codec):
    path = tmp_path / f"a.{suffix}"
    with av.open(str(path), "w", format="mpegts" if suffix == "mts" else None) as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt = 480, 360, "yuv420p"
        for _ in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(portrait, format="rgb24")))
        container.mux(stream.encode(None))
    assert file_kind(path.read_bytes()[:HEAD_BYTES]) == "video"
    renamed = path.rename(tmp_path / "a.bin")  # its content decides
    with VideoReader(renamed) as reader:
        frames = list(reader.frames())
        assert reader.problem is None
    assert len(frames) == 10
    assert np.abs(frames[0].rgb().astype(int) - portrait).mean() < 5


def test_reidentification_by_appearance_after_a_rotation():
    appearance, other = (np.eye(300, dtype=np.float32)[i] for i in (0, 1))

    def face(x):
        box = Box(x - 40, 60, 80, 80)
        return Detection(box, ((x, 100.0),) * 5, 0.9, box)

    for reshaped, expected in ((True, [2]), (False, [1])):
        tracker = FaceTracker()
        for step in range(3):
            assert tracker.update(step / 10, [face(100), face(300)], [appearance, other]) == [1, 2]
        # The narrower frame shows the second person only, where the first one was.
        assert tracker.update(0.3, [face(104)], [other], reshaped=reshaped) == expected
        assert tracker.update(0.4, [face(104)], [other]) == expected


def test_no_interpolation_across_a_rotation(astronaut, analyzer, tmp_path):
    path = tmp_path / "rotated.webm"
    face = cv2.resize(astronaut[20:260, 110:350], (240, 240))
    wide, tall = (pasted(wall(*size), (face, 130, 150)) for size in ((640, 480), (480, 640)))
    write_turned(path, wide, tall, 10)
    options = VideoOptions(per_second=None, detect_every=4)
    all_frames = analyzer.video(path, EVERY_FRAME).finish()
    every_fourth = analyzer.video(path, options).finish()
    assert all_frames.persons == every_fourth.persons == (1,)
    for result in (all_frames, every_fourth):
        widths = [face.face.box.width for frame in result.frames for face in frame.faces]
        assert all(min(abs(w - widths[0]), abs(w - widths[-1])) < 8 for w in widths)


def test_no_frame_or_thread_of_a_video_remains(portrait, tmp_path):
    """A remaining frame keeps two threads of the decoder alive; garbage collection is off here."""
    path = write_clip(tmp_path / "a.mp4", [portrait] * 25)
    gc.collect()
    gc.disable()
    try:
        before = psutil.Process().num_threads()
        for _ in range(3):
            with VideoReader(path) as reader:
                for frame in reader.frames():
                    frame.rgb()
                del frame
        del reader
        assert psutil.Process().num_threads() <= before
    finally:
        gc.enable()
