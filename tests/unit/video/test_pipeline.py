"""The whole way of a video: frames, people, exports, faults."""

import csv
import gc
import io
import json
import threading
from dataclasses import replace

import av
import cv2
import numpy as np
import psutil
import pytest
from support.synthetic_video import head, pasted, wall, write_clip
from support.waiting import wait_until

from emosense.analyzer import Analyzer
from emosense.emotions import EMOTIONS
from emosense.errors import EmoSenseError, MediaError
from emosense.export import video as video_export
from emosense.export.webvtt import to_webvtt
from emosense.results import Box, Face, FrameResult, TrackedFace, VideoInfo, VideoResult
from emosense.video.face_search import FaceSearch
from emosense.video.key_moments import KeyMomentCollector
from emosense.video.options import VideoOptions
from emosense.video.pipeline import MAX_INTERPOLATION_SECONDS
from emosense.video.queues import Frame
from emosense.video.timeline import timelines

EVERY = VideoOptions(per_second=None)


@pytest.fixture(scope="module")
def analyzer():
    return Analyzer()


@pytest.fixture(scope="module")
def moving(astronaut, tmp_path_factory):
    """30 frames with a face that moves to the right, then 10 without."""
    face, background = head(astronaut), wall()
    frames = [pasted(background, (face, 120 + 8 * i, 180)) for i in range(30)] + [background] * 10
    return write_clip(tmp_path_factory.mktemp("clips") / "moving.mp4", frames, sound=True)


def test_no_thread_of_the_decoder_remains(analyzer, moving):
    """Garbage collection is off here: what remains would wait for it, with the decoder's memory."""

    def threads():
        return psutil.Process().num_threads()

    analyzer.video(moving, EVERY).finish()  # it starts threads of libraries, which stay
    gc.collect()
    gc.disable()
    try:
        before = threads()
        for _ in range(3):
            analyzer.video(moving, EVERY).finish()
        wait_until(lambda: threads() <= before, lambda: f"{before} became {threads()}")
    finally:
        gc.enable()


def test_every_frame(analyzer, moving, astronaut):
    analysis = analyzer.video(moving, EVERY)
    streamed = list(analysis)
    result = analysis.finish()
    assert tuple(streamed) == result.frames
    assert result.problem is None
    assert (result.frames_read, len(result.frames)) == (40, 40)
    assert [f.index for f in result.frames] == list(range(40))
    assert result.frames[25].time == pytest.approx(1.0, abs=0.002)
    assert [len(f.faces) for f in result.frames] == [1] * 30 + [0] * 10
    assert result.persons == (1,)
    for i in (0, 15, 29):
        (tracked,) = result.frames[i].faces
        assert tracked.face.box.centre[0] == pytest.approx(120 + 8 * i, abs=8)
        assert sum(tracked.face.probabilities) == pytest.approx(1, abs=1e-4)
    happy = sum(f.faces[0].face.emotion == "happy" for f in result.frames[:30])
    assert happy >= 25
    assert analysis.notes == []


def test_density_and_the_video_with_boxes(analyzer, moving, tmp_path):
    analysis = analyzer.video(moving, VideoOptions(per_second=5), tmp_path / "out.mp4")
    result = analysis.finish()
    assert [f.index for f in result.frames] == [0, 5, 10, 15, 20, 25, 30, 35]
    assert analysis.notes == []
    with av.open(str(tmp_path / "out.mp4")) as annotated:
        video, audio = annotated.streams.video[0], annotated.streams.audio[0]
        assert video.frames == 40
        assert float(audio.duration * audio.time_base) == pytest.approx(1.6, abs=0.1)
        pictures = [frame.to_ndarray(format="rgb24") for frame in annotated.decode(video)]
    plain = pasted(wall(), (np.zeros((1, 1, 3), np.uint8), 0, 0))
    drawn = [np.abs(p.astype(int) - plain).max(axis=2) > 60 for p in pictures]
    assert drawn[2].sum() > 2000  # the face and its box, also between analysed frames
    assert drawn[39].sum() < 50  # nothing is drawn where nobody is
    (moment,) = [m for m in analysis.key_moments if m.emotion == "happy"]
    assert moment.picture.startswith(b"\xff\xd8")
    assert moment.probability == max(
        f.faces[0].face.probability for f in result.frames if f.index == moment.index
    )


def test_detection_in_every_third_frame_interpolates_the_rest(analyzer, moving):
    result = analyzer.video(moving, VideoOptions(per_second=None, detect_every=3)).finish()
    assert [len(f.faces) for f in result.frames[:28]] == [1] * 28
    assert result.persons == (1,)
    for i in range(28):
        assert result.frames[i].faces[0].face.box.centre[0] == pytest.approx(120 + 8 * i, abs=8)
    assert all(not f.faces for f in result.frames[31:])


def test_two_people_pass_each_other(analyzer, astronaut, tmp_path):
    face, mirrored = head(astronaut, 110), head(astronaut, 110, (0.55, 0.8, 1.0))[:, ::-1]
    frames = [
        pasted(wall(), (mirrored, 560 - 12 * i, 190), (face, 80 + 12 * i, 170)) for i in range(40)
    ]
    result = analyzer.video(write_clip(tmp_path / "a.mp4", frames), EVERY).finish()
    assert result.persons == (1, 2)

    def centres(frame):
        return {t.person: t.face.box.centre[0] for t in frame.faces}

    first, last = centres(result.frames[0]), centres(result.frames[39])
    assert abs(first[1] - last[1]) > 300
    assert abs(first[2] - last[2]) > 300
    for person in (1, 2):
        steps = np.diff([centres(f)[person] for f in result.frames if person in centres(f)])
        assert (steps > 0).all() or (steps < 0).all()  # nobody turns round on the way


def test_a_hard_cut_begins_new_people(analyzer, astronaut, tmp_path):
    face = head(astronaut)
    scene = [pasted(wall(seed=1), (face, 200, 180))] * 10
    next_scene = [pasted(wall(seed=5), (face, 230, 180))] * 10
    result = analyzer.video(write_clip(tmp_path / "a.mp4", scene + next_scene), EVERY).finish()
    assert [f.faces[0].person for f in result.frames] == [1] * 10 + [2] * 10


def test_large_frames_give_boxes_in_their_own_pixels(analyzer, astronaut, tmp_path):
    frames = [pasted(wall(2880, 1620), (head(astronaut, 600), 1500, 800))] * 3
    result = analyzer.video(write_clip(tmp_path / "a.mp4", frames), EVERY).finish()
    assert result.info.width == 2880
    assert result.frames[0].faces[0].face.box.centre[0] == pytest.approx(1500, abs=40)


@pytest.mark.parametrize("density", [1, 3, 10, None])
def test_a_face_that_fills_the_frames_at_every_density(density, analyzer, astronaut, tmp_path):
    large = cv2.resize(astronaut[58:184, 172:272], (960, 1200), interpolation=cv2.INTER_CUBIC)
    frames = [np.roll(large, 2 * i, axis=1) for i in range(11)]
    clip = write_clip(tmp_path / "a.mp4", frames, rate=5)
    result = analyzer.video(clip, VideoOptions(per_second=density)).finish()
    assert [len(frame.faces) for frame in result.frames] == [1] * len(result.frames)
    assert result.persons == (1,)
    assert all(frame.faces[0].face.box.height > 800 for frame in result.frames)


def test_cancel_keeps_what_is_done(analyzer, moving, tmp_path):
    analysis = analyzer.video(moving, EVERY, tmp_path / "out.mp4")
    for count, _ in enumerate(analysis, start=1):
        if count == 9:
            analysis.cancel()
    result = analysis.finish()
    assert result.problem == "it was cancelled"
    assert 9 <= len(result.frames) < 40
    with av.open(str(tmp_path / "out.mp4")) as annotated:
        assert annotated.streams.video[0].frames > 0


def test_leaving_the_loop_ends_the_threads(analyzer, moving):
    import threading

    before = threading.active_count()
    with analyzer.video(moving, EVERY) as analysis:
        for _ in analysis:
            break
    assert threading.active_count() == before
    assert analysis.finish().problem == "it was cancelled"
    assert 1 <= len(analysis.finish().frames) < 40
    with analyzer.video(moving, EVERY):
        pass  # never read
    assert threading.active_count() == before


def test_results_up_to_the_fault_are_kept(analyzer, astronaut, tmp_path):
    frames = [pasted(wall(), (head(astronaut), 200, 180))] * 40
    path = write_clip(tmp_path / "a.avi", frames, codec="mjpeg")
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 2 // 3])
    result = analyzer.video(path, EVERY).finish()
    assert result.problem is not None
    assert 5 < len(result.frames) < 35
    assert result.persons == (1,)


def test_to_cancel_what_has_ended_changes_nothing(analyzer, moving):
    with analyzer.video(moving, VideoOptions(per_second=2)) as analysis:
        assert analysis.finish().problem is None
    analysis.cancel()
    assert analysis.finish().problem is None


@pytest.mark.parametrize("frames", [3, 40])  # fails at closing, and at writing
def test_a_full_disk_does_not_end_the_analysis(frames, analyzer, astronaut, tmp_path):
    picture = pasted(wall(), (head(astronaut), 200, 180))
    clip = write_clip(tmp_path / "clip.mp4", [picture] * frames)
    (tmp_path / "full.mp4").symlink_to("/dev/full")
    analysis = analyzer.video(clip, EVERY, tmp_path / "full.mp4")
    result = analysis.finish()
    assert result.problem is None
    assert len(result.frames) == frames
    (note,) = analysis.notes
    assert "cannot be written" in note


def test_the_video_itself_is_never_written_over(analyzer, moving, tmp_path):
    (tmp_path / "same.mp4").symlink_to(moving)
    before = moving.read_bytes()
    with pytest.raises(MediaError, match="expected another file for the video with boxes"):
        analyzer.video(moving, EVERY, tmp_path / "same.mp4")
    assert moving.read_bytes() == before


@pytest.mark.parametrize(
    "options",
    [
        VideoOptions(per_second=0.25),
        VideoOptions(per_second=1, detect_every=5),
        VideoOptions(per_second=None, detect_every=30),
    ],
)
def test_few_pictures_are_in_memory_at_once(options, analyzer, astronaut, tmp_path, monkeypatch):
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
    frames = [pasted(wall(320, 180), (head(astronaut, 100), 100 + i % 50, 90)) for i in range(300)]
    clip = write_clip(tmp_path / "clip.mp4", frames)
    analysis = analyzer.video(clip, options, tmp_path / "out.mp4")
    assert len(analysis.finish().frames) == len(analyzer.video(clip, options).finish().frames)
    assert 8 < peak < 90
    with av.open(str(tmp_path / "out.mp4")) as annotated:
        assert annotated.streams.video[0].frames == 300


def test_interpolated_faces_are_the_same_with_and_without_boxes(analyzer, moving, tmp_path):
    options = VideoOptions(per_second=5, detect_every=4)
    plain = analyzer.video(moving, options).finish()
    assert analyzer.video(moving, options, tmp_path / "out.mp4").finish().frames == plain.frames
    # Detected at 0, .4 (.6 would be more than half a second), .8 and 1.2; the face is gone after 1.16.
    assert [len(frame.faces) for frame in plain.frames] == [1] * 5 + [0] * 3


@pytest.mark.parametrize(
    ("per_second", "detect_every", "gap"),
    [(2, 2, 0.5), (2.5, 3, 0.4), (5, 4, 0.4), (10, 10, 0.5), (25, 5, 0.2), (25, 30, 0.48)],
)
def test_no_face_is_interpolated_over_more_than_half_a_second(
    analyzer, moving, monkeypatch, per_second, detect_every, gap
):
    searched = []
    search = FaceSearch.search
    monkeypatch.setattr(
        FaceSearch,
        "search",
        lambda self, frames: (searched.extend(f.time for f in frames), search(self, frames)),
    )
    options = VideoOptions(per_second=per_second, detect_every=detect_every)
    analyzer.video(moving, options).finish()
    gaps = np.diff(searched)
    # Samples are the frames nearest to their times, of 25 a second.
    assert gaps.max() == pytest.approx(gap, abs=0.045)
    assert gaps.max() <= MAX_INTERPOLATION_SECONDS + 1 / 25 + 1e-3


@pytest.mark.parametrize("started", [0, 1, 2])
def test_without_memory_for_a_thread_nothing_is_left_running(
    analyzer, moving, tmp_path, monkeypatch, started
):
    """A limit of the process's memory lets no more threads start, as it has no room for a stack."""
    analysis = analyzer.video(moving, EVERY, tmp_path / "out.mp4")
    start, begun = threading.Thread.start, []

    def limited(thread):
        if len(begun) == started:
            raise RuntimeError("can't start new thread")
        begun.append(thread)
        start(thread)

    monkeypatch.setattr(threading.Thread, "start", limited)
    with pytest.raises(RuntimeError, match="new thread"):
        analysis.finish()
    assert len(begun) == started
    assert not any(thread.is_alive() for thread in begun)
    assert list(analysis) == []


def test_an_error_of_the_network_is_the_problem(analyzer, moving, monkeypatch):
    def fail(faces, scores):
        raise EmoSenseError("the network failed")

    analysis = analyzer.video(moving, EVERY)
    monkeypatch.setattr(analyzer, "classify", fail)
    assert analysis.finish().problem == "the network failed"


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"per_second": 0}, "per_second: expected more than 0"),
        ({"detect_every": 0}, "detect_every: expected 1 to 30"),
        ({"long_side": 5}, "long_side: expected 64"),
    ],
)
def test_options_are_checked(wrong, message):
    with pytest.raises(EmoSenseError, match=message):
        VideoOptions(**wrong)


def test_fewer_frames_are_detected_at_a_larger_size():
    sizes = [VideoOptions(per_second=n).working_size() for n in (None, 10, 2)]
    assert sizes == [480, 640, 960]
    assert VideoOptions(per_second=None).working_size(gpu=True) == 960
    assert VideoOptions(long_side=320).working_size() == 320


def example_result():
    def face(emotion, probability):
        rest = (1 - probability) / 6
        values = tuple(probability if name == emotion else rest for name in EMOTIONS)
        landmarks = ((1.0, 1.0),) * 5
        return Face(Box(1, 2, 30, 40), landmarks, 0.9, values, sure=probability >= 0.5)

    frames = (
        FrameResult(0, 0.0, (TrackedFace(1, face("happy", 0.7)),)),
        FrameResult(5, 0.5, (TrackedFace(1, face("happy", 0.9)), TrackedFace(2, face("sad", 0.4)))),
        FrameResult(10, 1.5, ()),
        FrameResult(15, 2.0, (TrackedFace(1, face("neutral", 0.5)),)),
    )
    info = VideoInfo(640, 360, 2.5, 20, 8.0, "h264", 0, False)
    return VideoResult("=clip.mp4", info, frames, 20, "cnn8", "YuNet")


def test_csv_has_a_row_for_every_analysed_frame():
    rows = list(csv.DictReader(io.StringIO(video_export.to_csv(example_result()))))
    assert [(r["frame"], r["time"], r["person"]) for r in rows] == [
        ("0", "0.000", "1"),
        ("5", "0.500", "1"),
        ("5", "0.500", "2"),
        ("10", "1.500", "0"),
        ("15", "2.000", "1"),
    ]
    assert rows[0]["source"] == "'=clip.mp4"
    assert (rows[1]["emotion"], rows[1]["probability"]) == ("happy", "0.900000")
    assert rows[3]["emotion"] == rows[3]["x"] == ""
    assert [row["sure"] for row in rows] == ["1", "1", "0", "", "1"]
    assert rows[2]["emotion"] == "sad"


def test_json_holds_everything():
    text = video_export.to_json(example_result())
    assert text == json.dumps(example_result().as_dict(), ensure_ascii=False)
    data = json.loads(text)
    assert data["video"]["codec"] == "h264"
    assert data["frames"][1]["faces"][1]["person"] == 2
    assert data["frames"][2] == {"frame": 10, "time": 1.5, "scene_cut": False, "faces": []}


def test_captions():
    assert to_webvtt(example_result()) == (
        "WEBVTT\n\n"
        "00:00:00.000 --> 00:00:00.500\nhappy\n\n"
        "00:00:00.500 --> 00:00:01.500\n1 happy, 2 unsure\n\n"
        "00:00:02.000 --> 00:00:02.500\nneutral\n"
    )


def test_timelines_by_hand():
    first, second = timelines(example_result())
    assert first.times.tolist() == [0, 0.5, 2.0]
    assert first.seconds.tolist() == [0.5, 1.0, 0.5]
    assert first.visible_seconds == 2.0
    assert first.time_share["happy"] == 0.75
    assert first.time_share["neutral"] == 0.25
    assert first.dominant == "happy"
    assert second.dominant == "unsure"
    assert second.time_share == {**dict.fromkeys(EMOTIONS, 0.0), "unsure": 1.0}
    assert timelines(VideoResult("a", example_result().info, (), 0, "cnn8", "")) == ()


@pytest.mark.parametrize(
    ("time", "duration", "seconds"),
    [(0, 0.3, 0.3), (0, 7200, 1), (10, 7200, 1), (9.5, 10, 0.5), (10, 10, 1), (0, None, 1)],
)
def test_a_single_analysed_frame_counts_for_a_second_at_most(time, duration, seconds):
    result = example_result()
    single = replace(
        result,
        frames=(replace(result.frames[0], time=time),),
        info=replace(result.info, duration=duration),
    )
    (line,) = timelines(single)
    assert line.visible_seconds == pytest.approx(seconds)
    assert (line.dominant, line.time_share["happy"]) == ("happy", 1.0)
    assert f" --> 00:00:{time + seconds:06.3f}\n" in to_webvtt(single)


def test_faces_on_which_the_model_abstains_are_no_key_moments(astronaut):
    collector = KeyMomentCollector()
    for frame in example_result().frames:
        collector.update(astronaut, frame.faces, frame)
    assert [(m.person, m.emotion, m.index) for m in collector.key_moments] == [
        (1, "happy", 5),
        (1, "neutral", 15),
    ]
