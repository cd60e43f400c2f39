"""Faces searched in regions between whole frames, against the search of every whole frame."""

import numpy as np
import pytest
from support.synthetic_video import head, pasted, wall, write_clip

from emosense.analyzer import Analyzer
from emosense.faces.options import DetectorOptions
from emosense.faces.tracking import box_iou
from emosense.video.face_search import FaceSearch
from emosense.video.options import VideoOptions
from emosense.video.queues import Frame

EVERY = VideoOptions(per_second=None)
WHOLE = VideoOptions(per_second=None, whole_frames=True)


class CountingAnalyzer(Analyzer):
    """Counts the whole frames and the regions that are searched."""

    whole = regions = 0

    def detect_faces(self, images, options=None):
        self.whole += len(images)
        return super().detect_faces(images, options)

    def detect_in_regions(self, faces, options):
        self.regions += len(faces)
        return super().detect_in_regions(faces, options)


@pytest.fixture(scope="module")
def analyzer():
    return CountingAnalyzer("emosense-s")


def searched(analyzer, clip):
    """The results of both searches; the counts are those of the one in regions."""
    whole = analyzer.video(clip, WHOLE).finish()
    analyzer.whole = analyzer.regions = 0
    return whole, analyzer.video(clip, EVERY).finish()


def assert_same_faces(whole, result):
    for expected, frame in zip(whole.frames, result.frames, strict=True):
        assert [t.person for t in frame.faces] == [t.person for t in expected.faces], frame.index
        for a, b in zip(expected.faces, frame.faces, strict=True):
            assert box_iou(a.face.box, b.face.box) > 0.7


def test_few_frames_are_searched_whole(analyzer, astronaut, tmp_path):
    frames = [pasted(wall(), (head(astronaut), 200 + 3 * i, 180)) for i in range(48)]
    whole, result = searched(analyzer, write_clip(tmp_path / "a.mp4", frames))
    assert_same_faces(whole, result)
    assert [len(frame.faces) for frame in result.frames] == [1] * 48
    assert analyzer.whole <= 8
    assert analyzer.regions >= 40


@pytest.mark.parametrize("first", [1, 4, 6, 7, 8])
def test_who_comes_and_goes_within_a_batch(first, analyzer, astronaut, tmp_path):
    face, background = head(astronaut), wall()
    shown = range(first, first + 12)
    frames = [pasted(background, (face, 300, 180)) if i in shown else background for i in range(30)]
    whole, result = searched(analyzer, write_clip(tmp_path / "a.mp4", frames))
    assert [len(frame.faces) for frame in whole.frames] == [i in shown for i in range(30)]
    assert_same_faces(whole, result)


def test_who_is_seen_only_between_two_whole_frames(analyzer, astronaut, tmp_path):
    background = wall()
    shown = pasted(background, (head(astronaut), 300, 180))
    frames = [shown if i in (10, 11, 12) else background for i in range(24)]
    whole, result = searched(analyzer, write_clip(tmp_path / "a.mp4", frames))
    assert sum(len(frame.faces) for frame in whole.frames) == 3
    assert_same_faces(whole, result)


def test_who_walks_in_is_found_as_early(analyzer, astronaut, tmp_path):
    frames = [pasted(wall(), (head(astronaut), -70 + 6 * i, 180)) for i in range(60)]
    whole, result = searched(analyzer, write_clip(tmp_path / "a.mp4", frames))
    assert 5 < next(frame.index for frame in whole.frames if frame.faces) < 30
    assert_same_faces(whole, result)


def test_a_cut_within_a_batch(analyzer, astronaut, tmp_path):
    face = head(astronaut)
    frames = [pasted(wall(seed=1), (face, 150, 180))] * 11
    frames += [pasted(wall(seed=5), (face, 400, 150))] * 10
    whole, result = searched(analyzer, write_clip(tmp_path / "a.mp4", frames))
    assert [[t.person for t in frame.faces] for frame in result.frames] == [[1]] * 11 + [[2]] * 10
    assert_same_faces(whole, result)


def test_those_who_cross_remain_who_they_are(analyzer, astronaut, tmp_path):
    face, mirrored = head(astronaut, 110), head(astronaut, 110, (0.55, 0.8, 1.0))[:, ::-1]
    frames = [
        pasted(wall(), (mirrored, 560 - 10 * i, 190), (face, 80 + 10 * i, 170)) for i in range(48)
    ]
    whole, result = searched(analyzer, write_clip(tmp_path / "a.mp4", frames))
    assert result.persons == whole.persons == (1, 2)
    for expected, frame in zip(whole.frames, result.frames, strict=True):
        places = {t.person: t.face.box for t in frame.faces}
        for tracked in expected.faces:
            assert box_iou(places[tracked.person], tracked.face.box) > 0.7


def test_the_same_file_gives_the_same_result(analyzer, astronaut, tmp_path):
    frames = [pasted(wall(), (head(astronaut), -70 + 8 * i, 180)) for i in range(40)]
    clip = write_clip(tmp_path / "a.mp4", frames)
    assert (
        analyzer.video(clip, EVERY).finish().frames == analyzer.video(clip, EVERY).finish().frames
    )


@pytest.mark.parametrize("per_second", [10, 4, 1])
def test_the_same_faces_with_and_without_boxes(per_second, analyzer, astronaut, tmp_path):
    frames = [pasted(wall(), (head(astronaut), -70 + 7 * i, 180)) for i in range(100)]
    clip, options = write_clip(tmp_path / "a.mp4", frames), VideoOptions(per_second)
    drawn = analyzer.video(clip, options, tmp_path / "boxes.mp4").finish()
    assert drawn.frames == analyzer.video(clip, options).finish().frames


def test_every_frame_is_searched_whole_on_a_gpu(analyzer, astronaut, monkeypatch):
    monkeypatch.setattr(type(analyzer), "on_gpu", True)
    analyzer.whole = analyzer.regions = 0
    picture = pasted(wall(), (head(astronaut), 200, 180))
    frames = [Frame(i, i / 25, picture, sampled=True) for i in range(8)]
    FaceSearch(analyzer, DetectorOptions()).search(frames)
    assert (analyzer.whole, analyzer.regions) == (8, 0)
    assert all(len(frame.detections) == 1 for frame in frames)


def test_a_face_that_a_region_does_not_show_is_searched_in_the_whole(analyzer, astronaut):
    """In the middle frame the face stands elsewhere than between its places before and after."""
    analyzer.whole = 0
    places = [200, 200, 520, 200, 200]
    pictures = [pasted(wall(), (head(astronaut), x, 180)) for x in places]
    frames = [Frame(i, i / 25, picture, sampled=True) for i, picture in enumerate(pictures)]
    FaceSearch(analyzer, DetectorOptions(long_side=480)).search(frames)
    found = [[face.box.centre[0] for face in frame.detections] for frame in frames]
    assert found == [[pytest.approx(x, abs=20)] for x in places]
    assert analyzer.whole == 3


def test_nobody_is_reported_where_only_the_expectation_is(analyzer, astronaut):
    shown, empty = pasted(wall(), (head(astronaut), 200, 180)), wall()
    pictures = [shown, shown, empty, shown, shown]
    frames = [Frame(i, i / 25, picture, sampled=True) for i, picture in enumerate(pictures)]
    FaceSearch(analyzer, DetectorOptions(long_side=480)).search(frames)
    assert [len(frame.detections) for frame in frames] == [1, 1, 0, 1, 1]


def test_a_batch_of_no_frames(analyzer):
    FaceSearch(analyzer, DetectorOptions()).search([])
    frame = Frame(0, 0.0, np.zeros((36, 64, 3), np.uint8), sampled=True)
    FaceSearch(analyzer, DetectorOptions()).search([frame])
    assert frame.detections == ()
