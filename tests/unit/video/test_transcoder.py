"""Videos that are encoded anew: previews for browsers, and results drawn afterwards."""

from dataclasses import replace
from fractions import Fraction

import av
import cv2
import numpy as np
import pytest
from support.counted_clips import FORMS, PREVIEWED, counted, write_counted
from support.synthetic_video import head, pasted, wall, write_clip, write_hdr

from emosense import Analyzer
from emosense.errors import MediaError
from emosense.media.cicp import PQ
from emosense.media.video_reader import VideoReader
from emosense.settings import VideoLimits
from emosense.video.edits import Edits, Stretch, apply_edits
from emosense.video.options import VideoOptions
from emosense.video.transcoder import VideoTranscoder

PREVIEW = VideoLimits(long_side=1280)


def transcode(path, target, limits=PREVIEW, result=None):
    with VideoTranscoder(path, target, limits, result) as transcoder:
        times = list(transcoder)
    return times, transcoder.notes


def read(path):
    with VideoReader(path) as reader:
        return reader.info, [(frame.time, frame.rgb()) for frame in reader.frames()]


@pytest.mark.parametrize("form", [*FORMS, *PREVIEWED])
def test_a_preview_has_the_times_and_the_upright_pictures_of_its_video(form, tmp_path):
    path = write_counted(tmp_path / "clip.mp4", form)
    times, notes = transcode(path, tmp_path / "preview.mp4")
    assert notes == []
    _, source = read(path)
    info, preview = read(tmp_path / "preview.mp4")
    assert (info.codec, info.rotation, info.mirrored) == ("h264", 0, False)
    assert [time for time, _ in preview] == pytest.approx(times, abs=1e-5)
    assert [time for time, _ in source] == pytest.approx(times, abs=1e-9)
    for (_, before), (_, after) in zip(source, preview, strict=True):
        assert np.abs(before.astype(int) - after).mean() < 5


def test_a_preview_is_small_and_browsers_play_it(astronaut, tmp_path):
    picture = cv2.resize(astronaut, (1600, 1198))
    path = write_clip(tmp_path / "clip.avi", [picture] * 3, codec="mpeg4")
    transcode(path, tmp_path / "preview.mp4")
    with VideoReader(tmp_path / "preview.mp4") as reader:
        assert (reader.form.container, reader.form.codec) == ("mp4", "h264")
        assert reader.form.pixel_format == "yuv420p"
        assert (reader.info.width, reader.info.height) == (1280, 958)
    data = (tmp_path / "preview.mp4").read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")  # faststart


def test_a_preview_has_the_sound_as_aac(tmp_path):
    path = tmp_path / "clip.mkv"
    with av.open(str(path), "w") as container:
        stream, sound = (
            container.add_stream("mjpeg", rate=10),
            container.add_stream("pcm_s16le", 44_100),
        )
        stream.width, stream.height, stream.pix_fmt = 320, 240, "yuvj420p"
        sound.layout = "mono"
        for number in range(10):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(counted(number))))
        tone = np.zeros((1, 44_100), np.int16)
        frame = av.AudioFrame.from_ndarray(tone, format="s16", layout="mono")
        frame.sample_rate = 44_100
        container.mux(sound.encode(frame))
        container.mux([*stream.encode(None), *sound.encode(None)])
    transcode(path, tmp_path / "preview.mp4")
    with av.open(str(tmp_path / "preview.mp4")) as container:
        (audio,) = container.streams.audio
        assert audio.codec_context.name == "aac"
        seconds = float(audio.duration * audio.time_base)
    assert seconds == pytest.approx(1.0, abs=0.1)


def test_a_preview_of_hdr_is_tone_mapped(astronaut, tmp_path):
    picture = np.ascontiguousarray(astronaut[:240, :320])
    transcode(write_hdr(tmp_path / "hdr.mp4", picture, PQ), tmp_path / "preview.mp4")
    _, frames = read(tmp_path / "preview.mp4")
    assert frames[0][1].mean() == pytest.approx(picture.mean(), abs=6)


@pytest.fixture(scope="module")
def analyzed(astronaut, tmp_path_factory):
    """A clip whose rate varies, the result of some of its frames, and its video with boxes."""
    folder = tmp_path_factory.mktemp("boxes")
    frames = [pasted(wall(), (head(astronaut), 150 + 4 * i, 180)) for i in range(30)]
    times = np.cumsum(np.random.default_rng(1).choice([0.02, 0.05, 0.09], 30)).tolist()
    path = write_clip(folder / "clip.mp4", frames, times=times, sound=True)
    options = VideoOptions(per_second=8)
    with Analyzer("cnn4").video(path, options, folder / "at once.mp4") as analysis:
        result = analysis.finish()
    assert 0 < len(result.frames) < 30
    return path, result, folder / "at once.mp4"


def test_boxes_drawn_afterwards_are_those_drawn_during_the_analysis(analyzed, tmp_path):
    path, result, at_once = analyzed
    _, notes = transcode(path, tmp_path / "boxes.mp4", VideoLimits(), result)
    assert notes == []
    (_, expected), (_, drawn) = read(at_once), read(tmp_path / "boxes.mp4")
    assert [time for time, _ in drawn] == [time for time, _ in expected]
    for (_, one), (_, other) in zip(drawn, expected, strict=True):
        np.testing.assert_array_equal(one, other)
    with av.open(str(tmp_path / "boxes.mp4")) as container:
        assert len(container.streams.audio) == 1


def test_boxes_lie_on_the_faces_of_smaller_frames(analyzed, tmp_path):
    path, result, _ = analyzed
    transcode(path, tmp_path / "plain.mp4", VideoLimits(long_side=320))
    transcode(path, tmp_path / "boxes.mp4", VideoLimits(long_side=320), result)
    (_, plain), (_, boxes) = read(tmp_path / "plain.mp4"), read(tmp_path / "boxes.mp4")
    changed = np.abs(plain[0][1].astype(int) - boxes[0][1]).max(axis=2) > 60
    rows, columns = np.nonzero(changed)
    box = result.frames[0].faces[0].face.box
    assert columns.min() == pytest.approx(box.x / 2, abs=4)
    assert rows.max() == pytest.approx((box.y + box.height) / 2, abs=4)


def differences(path, edits, result, folder):
    """Largest differences of each frame from the same without boxes, by its time."""
    edited = apply_edits(result, edits)
    transcode(path, folder / "plain.mp4", VideoLimits())
    transcode(path, folder / "boxes.mp4", VideoLimits(), edited)
    (_, plain), (_, boxes) = read(folder / "plain.mp4"), read(folder / "boxes.mp4")
    pairs = zip(plain, boxes, strict=True)
    return {time: np.abs(one.astype(int) - other).max(axis=2) for (time, one), (_, other) in pairs}


def test_excluded_stretches_and_hidden_people_have_no_boxes(analyzed, tmp_path):
    path, result, _ = analyzed
    times = [frame.time for frame in result.frames]
    # From between two analysed frames, so that a box from before would stay.
    excluded = Stretch(start=times[1] + 0.001, end=times[3])
    changed = differences(path, Edits(excluded=[excluded]), result, tmp_path)
    boxed = {time for time, difference in changed.items() if (difference > 90).sum() > 200}
    assert boxed == {time for time in changed if not excluded.contains(time)}
    hidden = differences(path, Edits(hidden={1}), result, tmp_path)
    assert not any((difference > 90).sum() > 200 for difference in hidden.values())


def test_a_name_is_drawn_in_place_of_the_number(analyzed, tmp_path):
    path, result, _ = analyzed
    transcode(path, tmp_path / "number.mp4", VideoLimits(), result)
    named = apply_edits(result, Edits(names={1: "Wilhelmina"}))
    transcode(path, tmp_path / "name.mp4", VideoLimits(), named)
    (_, number), (_, name) = read(tmp_path / "number.mp4"), read(tmp_path / "name.mp4")
    box = result.frames[0].faces[0].face.box
    changed = np.abs(number[0][1].astype(int) - name[0][1]).max(axis=2) > 90
    rows = np.flatnonzero(changed.any(axis=1))
    assert changed.sum() > 200 and rows.max() < box.y + 4  # in the label above the box alone


def test_a_result_that_ended_early_is_drawn_to_its_end(analyzed, tmp_path):
    path, result, _ = analyzed
    part = replace(result, frames=result.frames[:3], problem="it was cancelled")
    times, _ = transcode(path, tmp_path / "boxes.mp4", VideoLimits(), part)
    assert times[-1] == part.frames[-1].time


def test_a_video_that_is_cancelled_plays_to_there(analyzed, tmp_path):
    path, result, _ = analyzed
    with VideoTranscoder(path, tmp_path / "boxes.mp4", VideoLimits(), result) as transcoder:
        times = iter(transcoder)
        for _ in range(10):
            last = next(times)
        transcoder.cancel()
        assert len(list(times)) <= 1
    _, frames = read(tmp_path / "boxes.mp4")
    assert 0 < len(frames) <= 11
    assert frames[-1][0] <= last + 0.1


def test_a_video_that_is_left_has_no_open_threads_or_files(analyzed, tmp_path):
    with VideoTranscoder(analyzed[0], tmp_path / "a.mp4", PREVIEW) as transcoder:
        next(iter(transcoder))
    (tmp_path / "a.mp4").unlink(missing_ok=True)
    transcode(analyzed[0], tmp_path / "a.mp4")
    assert (tmp_path / "a.mp4").is_file()


def test_limits_of_time_and_size_end_it_with_a_note(analyzed, tmp_path):
    target = tmp_path / "a.mp4"
    _, notes = transcode(analyzed[0], target, replace(PREVIEW, max_annotated_bytes=1))
    assert any("the preview ends at" in note for note in notes)
    times, notes = transcode(analyzed[0], target, replace(PREVIEW, max_seconds=1e-9))
    assert len(times) <= 1
    assert "The preview ends early" in notes[-1]


def test_what_cannot_be_written_or_read_is_told(analyzed, tmp_path):
    with pytest.raises(MediaError, match="there is no such folder"):
        transcode(analyzed[0], tmp_path / "none" / "a.mp4")
    (tmp_path / "a.avi").write_bytes(b"no video")
    with pytest.raises(MediaError, match="expected a video"):
        transcode(tmp_path / "a.avi", tmp_path / "b.mp4")


def test_odd_sizes_and_rates(tmp_path):
    path = write_clip(
        tmp_path / "a.mkv",
        [np.zeros((101, 75, 3), np.uint8)] * 4,
        codec="ffv1",
        rate=Fraction(7, 3),
    )
    times, _ = transcode(path, tmp_path / "b.mp4")
    info, frames = read(tmp_path / "b.mp4")
    assert (info.width, info.height) == (74, 100)
    assert [time for time, _ in frames] == pytest.approx(times, abs=1e-5)
