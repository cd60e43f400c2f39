"""Only a stretch of a video is decoded, analysed and encoded."""

import av
import numpy as np
import pytest
from support.counted_clips import BITS, FORMS, HEIGHT, PREVIEWED, SIDE, counted, write_counted
from support.synthetic_video import head, pasted, wall, write_clip

from emosense import Analyzer
from emosense.errors import EmoSenseError
from emosense.media import entry_point
from emosense.media.video_reader import VideoReader
from emosense.settings import VideoLimits
from emosense.video.cost import estimate_seconds
from emosense.video.options import VideoOptions
from emosense.video.time_range import parse_time
from emosense.video.transcoder import VideoTranscoder


def number_of(image):
    blocks = (image[HEIGHT - SIDE // 2, bit * SIDE + SIDE // 2] for bit in range(BITS))
    return sum(1 << bit for bit, block in enumerate(blocks) if block.mean() > 128)


def frames_of(path, start=0.0, end=None):
    with VideoReader(path) as reader:
        frames = [(f.index, f.time, number_of(f.rgb())) for f in reader.frames(start, end)]
        return frames, reader.problem


@pytest.mark.parametrize("form", [*FORMS, *PREVIEWED])
def test_a_stretch_has_the_indices_and_times_of_the_whole(form, tmp_path, monkeypatch):
    path = write_counted(tmp_path / "clip.mp4", form, count=200)
    whole, _ = frames_of(path)
    first = 10 if form == "edit list" else 0
    assert [number for _, _, number in whole] == list(range(first, 200))
    entries = []
    find = entry_point.find_entry_point
    monkeypatch.setattr(
        "emosense.media.video_reader.find_entry_point",
        lambda *arguments: entries.append(find(*arguments)) or entries[-1],
    )
    last = whole[-1][1]
    for start, end in (
        (0.0, 0.3 * last),
        (0.5 * last, 0.6 * last),
        (whole[77][1], whole[90][1]),
        (0.93 * last, None),
        (last, None),
    ):
        part, problem = frames_of(path, start, end)
        assert problem is None
        within = (start - 1e-3, (last if end is None else end) + 1e-3)
        assert part == [frame for frame in whole if within[0] <= frame[1] <= within[1]]
    assert len(entries) == 4
    assert all(entry.packets > 0 for entry in entries)  # what is before was not decoded


def joined(path, starts, count=40, sound=False):
    """Write streams with clocks of their own, joined end to end; frames have numbers, 25 a second."""
    data = b""
    for part, start in enumerate(starts):
        frames = [counted(part * count + number) for number in range(count)]
        times = [start + number / 25 for number in range(count)]
        clip = path.with_name(f"part{part}.ts")
        # Its own clock begins with any time: MPEG-TS muxers begin with 1.4 s.
        write_clip(clip, frames, times=times, sound=sound)
        data += clip.read_bytes()
    path.write_bytes(data)
    return path


@pytest.mark.parametrize(
    "starts",
    [(0, 0, 0), (40, 0), (0, 5000), (0, 5000, 20), (90_000, 0, 90_000)],
    ids=["starts again", "falls", "leaps", "leaps and falls", "there and back"],
)
def test_times_go_on_where_the_clock_of_joined_recordings_does_not(starts, tmp_path):
    path = joined(tmp_path / "joined.mts", starts)
    with VideoReader(path) as reader:
        whole = [(f.index, f.time, number_of(f.rgb())) for f in reader.frames()]
        assert reader.problem is None
        (note,) = reader.notes
        assert "starts again or leaps after 1.6 s" in note
        assert (reader.info.frames, reader.info.duration) == (
            len(whole),
            pytest.approx(whole[-1][1] + 0.04),
        )
    count = 40 * len(starts)
    assert [number for _, _, number in whole] == list(range(count))
    assert [time for _, time, _ in whole] == pytest.approx([n / 25 for n in range(count)], abs=0.1)
    assert np.diff([time for _, time, _ in whole]).min() > 0.03
    for start, end in ((0.4, 1.0), (1.2, 2.4), (2.0, 2.8), (2.8, None)):
        part, problem = frames_of(path, start, end)
        assert problem is None
        within = (start - 1e-3, (end or 1e9) + 1e-3)
        assert part == [frame for frame in whole if within[0] <= frame[1] <= within[1]]


def test_a_pause_of_a_variable_rate_stays_one(tmp_path):
    times = [0.0, 0.04, 30.0, 30.04, 3600.0]
    path = write_clip(tmp_path / "clip.mp4", [counted(n) for n in range(5)], times=times)
    with VideoReader(path) as reader:
        assert [frame.time for frame in reader.frames()] == pytest.approx(times)
        assert reader.notes == []


def test_joined_recordings_are_analysed_to_their_end_and_keep_their_sound(tmp_path):
    path = joined(tmp_path / "joined.mts", (0, 0), sound=True)
    with Analyzer("cnn4").video(path, VideoOptions(per_second=5), tmp_path / "a.mp4") as analysis:
        result = analysis.finish()
    assert result.problem is None
    assert analysis.notes == list(analysis.choices)
    assert len(analysis.notes) == 1
    assert len(result.frames) == 16
    with av.open(str(tmp_path / "a.mp4")) as container:
        (video,), (audio,) = container.streams.video, container.streams.audio
        for stream in (video, audio):
            assert float(stream.duration * stream.time_base) == pytest.approx(3.2, abs=0.2)
        audio_times = [float(p.pts * p.time_base) for p in container.demux(audio) if p.pts]
    assert np.diff(audio_times).max() < 0.1


def test_a_stretch_beyond_the_end_has_no_frames_and_says_so(tmp_path):
    path = write_counted(tmp_path / "clip.mp4", "B-frames")
    assert frames_of(path, 60.0) == ([], "it ends at 1.6 s, before the stretch of it begins")


@pytest.fixture(scope="module")
def clip(astronaut, tmp_path_factory):
    frames = [pasted(wall(), (head(astronaut), 150 + 3 * i, 180)) for i in range(100)]
    return write_clip(tmp_path_factory.mktemp("stretch") / "clip.mp4", frames, sound=True)


def test_a_stretch_is_analysed_as_in_the_whole(clip, tmp_path):
    options = VideoOptions(per_second=5, start=1.0, end=2.0)
    with Analyzer("cnn4").video(clip, options, tmp_path / "boxes.mp4") as analysis:
        result = analysis.finish()
    assert result.problem is None
    assert [frame.index for frame in result.frames] == [25, 30, 35, 40, 45, 50]
    assert [frame.time for frame in result.frames] == pytest.approx([1.0, 1.2, 1.4, 1.6, 1.8, 2.0])
    assert result.frames_read == 26
    assert all(len(frame.faces) == 1 for frame in result.frames)
    limits = VideoLimits()
    with VideoTranscoder(clip, tmp_path / "later.mp4", limits, result, 1.0, 2.0) as transcoder:
        assert len(list(transcoder)) == 26
    pictures = []
    for name in ("boxes.mp4", "later.mp4"):  # both begin with the stretch, and their sound too
        with VideoReader(tmp_path / name) as reader:
            frames = list(reader.frames())
            pictures.append([frame.rgb() for frame in frames])
            assert frames[-1].time == pytest.approx(1.0)
        with av.open(str(tmp_path / name)) as container:
            (audio,) = container.streams.audio
            assert float(audio.duration * audio.time_base) == pytest.approx(1.5, abs=0.1)
    np.testing.assert_array_equal(*pictures)


def test_estimate_and_progress_are_of_the_stretch(clip):
    with VideoReader(clip) as reader:
        info = reader.info
    whole, half = VideoOptions(per_second=None), VideoOptions(per_second=None, start=1.0, end=3.0)
    estimates = [estimate_seconds(info, options, annotated=False) for options in (whole, half)]
    assert estimates[1] == pytest.approx(estimates[0] / 2)
    assert half.fraction(1.5, info.duration) == pytest.approx(0.25)
    assert half.fraction(9.0, info.duration) == 1.0
    assert whole.fraction(1.0, None) is None
    assert estimate_seconds(info, VideoOptions(start=60.0), annotated=False) == 0


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"start": -1.0}, "start: expected 0 s or more"),
        ({"start": float("nan")}, "start: expected 0 s or more"),
        ({"start": 2.0, "end": 2.0}, "end: expected more than the start, 2 s"),
        ({"end": float("nan")}, "end: expected more than the start"),
    ],
)
def test_stretches_that_are_none_are_refused(fields, expected):
    with pytest.raises(EmoSenseError, match=expected):
        VideoOptions(**fields)


@pytest.mark.parametrize("text", ["a", "-1", "1:2:3:4", "1:", ":5", "1e3", "nan", "٣", "1 2"])
def test_what_is_no_time(text):
    with pytest.raises(EmoSenseError, match="Expected seconds or m:ss"):
        parse_time(text)


def test_times():
    times = {"0": 0, "12.5": 12.5, "12,5": 12.5, "1:05": 65, "2:00:00": 7200, "": None, " 7 ": 7}
    assert {text: parse_time(text) for text in times} == times
