"""Persons keep their numbers: crossing, occlusion, re-identification, cuts."""

import numpy as np
import pytest

from emosense.faces.tracking import FaceTracker, appearance_descriptor, cosine_similarity
from emosense.results import Box, Detection

RED, BLUE = (np.eye(300, dtype=np.float32)[i] for i in (0, 1))


def face(x, y=100.0, size=80.0):
    """A detection whose box has its centre at (x, y)."""
    box = Box(x - size / 2, y - size / 2, size, size)
    landmarks = tuple(
        (box.x + u * size, box.y + v * size)
        for u, v in ((0.3, 0.4), (0.7, 0.4), (0.5, 0.6), (0.35, 0.8), (0.65, 0.8))
    )
    return Detection(box, landmarks, 0.9, box)


def run(frames, tracker=None, step=0.1):
    tracker = tracker or FaceTracker()
    return [
        tracker.update(
            i * step,
            [face(*location) for location, _ in faces],
            [appearance for _, appearance in faces],
        )
        for i, faces in enumerate(frames)
    ]


def test_moving_faces_keep_their_numbers():
    numbers = run([[((100 + 10 * i,), RED), ((500 - 10 * i, 250), BLUE)] for i in range(15)])
    assert numbers == [[1, 2]] * 15


def test_the_order_of_detections_does_not_matter():
    frames = [[((100,), RED), ((400,), BLUE)], [((402,), BLUE), ((101,), RED)]]
    assert run(frames) == [[1, 2], [2, 1]]


@pytest.mark.parametrize("appearances", [(RED, BLUE), (RED, RED)])
def test_crossing_does_not_swap(appearances):
    """Two faces pass each other; while they overlap, the one behind is occluded."""
    frames = []
    for i in range(31):
        left, right = 100 + 12 * i, 460 - 12 * i
        faces = [((left,), appearances[0])]
        if abs(left - right) > 50:
            faces.append(((right, 105), appearances[1]))
        frames.append(faces)
    numbers = run(frames)
    assert numbers[0] == [1, 2]
    assert numbers[-1] == [1, 2]
    assert {n for frame in numbers for n in frame} == {1, 2}
    assert all(frame[0] == 1 for frame in numbers)


def test_a_gap_is_bridged_by_location_alone():
    other = np.eye(300, dtype=np.float32)[7]  # the appearance changed, the location did not
    frames = [[((200,), RED)]] * 3 + [[]] * 8 + [[((204,), other)]]
    assert run(frames)[-1] == [1]


def test_who_comes_back_elsewhere_is_reidentified_by_appearance():
    frames = [[((100,), RED)]] * 3 + [[]] * 20 + [[((500,), RED)]]
    assert run(frames)[-1] == [1]
    frames = [[((100,), RED)]] * 3 + [[]] * 20 + [[((500,), BLUE)]]
    assert run(frames)[-1] == [2]


def test_who_was_away_too_long_is_new():
    frames = [[((100,), RED)]] * 3 + [[]] * 60 + [[((500,), RED)]]
    assert run(frames)[-1] == [2]


def test_a_cut_ends_all_tracks():
    tracker = FaceTracker()
    assert run([[((100,), RED)]], tracker) == [[1]]
    tracker.reset()
    assert tracker.update(0.1, [face(100)], [RED]) == [2]


def test_a_jump_without_similarity_is_another_person():
    assert run([[((100,), RED)], [((400,), BLUE)]]) == [[1], [2]]


def test_appearance_descriptor_recognises_a_face(astronaut):
    descriptor = appearance_descriptor(astronaut, face(225, 115, 120))
    brighter = np.clip(astronaut * 1.15, 0, 255).astype(np.uint8)
    assert np.linalg.norm(descriptor) == pytest.approx(1, abs=1e-5)
    same = appearance_descriptor(brighter, face(227, 116, 122))
    assert cosine_similarity(descriptor, same) > 0.9
    other = appearance_descriptor(astronaut, face(400, 300, 120))
    assert cosine_similarity(descriptor, other) < 0.6
    assert appearance_descriptor(astronaut, face(-900, 115, 120)).tolist() == [0] * 300
