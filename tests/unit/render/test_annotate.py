"""Boxes and labels of annotated photos, checked in their pixels."""

import numpy as np
import pytest

from emosense.render import annotate as annotate_module
from emosense.render.annotate import annotate, draw_people
from emosense.render.colours import COLOURS
from emosense.results import Box, Face, PhotoResult, TrackedFace

HAPPY = np.array([int(COLOURS["happy"][i : i + 2], 16) for i in (1, 3, 5)])


def face(x, y, side, score=0.95):
    probabilities = (0.0, 0.0, 0.0, 0.99, 0.0, 0.0, 0.01)
    return Face(Box(x, y, side, side), ((x, y),) * 5, score, probabilities)


def drawn(faces, size=(600, 800)):
    image = np.full((*size, 3), 90, np.uint8)
    result = PhotoResult("a.png", size[1], size[0], tuple(faces), "cnn8", "YuNet")
    return annotate(image, result)


def coloured(picture):
    """Mask of the colour of happy: boxes, and the backgrounds of labels."""
    return (picture == HAPPY).all(axis=2)


def test_a_face_with_room_gets_a_label_beside_its_box():
    mask = coloured(drawn([face(300, 300, 100)]))
    rows = np.flatnonzero(mask.any(axis=1))
    assert rows[0] < 300 - 8  # the label, above
    assert rows[-1] <= 401
    assert not mask[310:390, 310:390].any()  # the face itself stays visible


def test_at_the_upper_edge_the_label_stands_below():
    mask = coloured(drawn([face(300, 2, 100)]))
    assert np.flatnonzero(mask.any(axis=1))[-1] > 103 + 8


@pytest.mark.parametrize("side", [24, 40])
def test_labels_of_a_crowd_cover_no_face(side):
    """Here not even half of the labels have room: faces stand wall to wall."""
    faces = [
        face(column * (side + 6) + 4, row * (side + 18) + 20, side)
        for row in range(8)
        for column in range(16)
    ]
    mask = coloured(drawn(faces))
    for drawn_face in faces:
        x, y = int(drawn_face.box.x), int(drawn_face.box.y)
        inner = mask[y + 4 : y + side - 4, x + 4 : x + side - 4]
        assert not inner.any()


def test_without_any_room_there_are_boxes_alone():
    faces = [face(column * 26 + 2, row * 26 + 2, 24) for row in range(20) for column in range(30)]
    mask = coloured(drawn(faces, size=(524, 784)))
    lines = 600 * 4 * 24 * 1
    assert mask.sum() < 2 * lines


def test_a_doubtful_face_has_a_dashed_box():
    solid, dashed = (
        coloured(drawn([face(300, 300, 100, score)]))[400, 300:400].mean() for score in (0.95, 0.75)
    )
    assert solid == 1.0
    assert 0.4 < dashed < 0.8


def test_drawing_in_place_draws_the_same():
    faces = [face(300, 300, 100), face(40, 500, 60, score=0.75), face(2, 2, 30)]
    result = PhotoResult("a.png", 800, 600, tuple(faces), "cnn8", "YuNet")
    image = np.full((600, 800, 3), 90, np.uint8)
    copy = annotate(image, result)
    assert (image == 90).all()
    assert annotate(image, result, in_place=True) is image
    assert np.array_equal(image, copy)


@pytest.mark.parametrize("fraction", [0.1, 0.3, 0.5, 0.7])
def test_narrow_doubtful_boxes_are_drawn(fraction):
    """A line of one pixel ended before it began, by the rounding of a fraction."""
    for step in range(200):
        drawn([face(fraction + step, 300.1 + fraction * step, 12.3, score=0.75)])


@pytest.mark.parametrize("size", [(10, 400_000), (400_000, 10), (1, 1), (65_500, 3), (3, 65_500)])
def test_extreme_shapes(size):
    height, width = size
    box = Box(0, 0, min(width, 5), min(height, 5))
    probabilities = (0.0, 0.0, 0.0, 0.99, 0.0, 0.0, 0.01)
    picture = drawn([Face(box, ((0, 0),) * 5, 0.95, probabilities)], size)
    assert picture.shape == (*size, 3)


def test_fonts_are_bounded_in_size_and_number():
    for side in (500, 5000, 50_000, 500_000):
        drawn([face(0, 0, 10)], (20, side))
    fonts = annotate_module._load_font.cache_info()
    assert fonts.currsize <= fonts.maxsize <= 32
    for side in range(11, 150):  # numbers alone have a size per face
        annotate_module._font(side, "1")
    assert annotate_module._load_font.cache_info().currsize == fonts.maxsize


def label(names, monkeypatch, fonts=None):
    if fonts is not None:
        monkeypatch.setattr(annotate_module, "_SYSTEM_FONTS", fonts)
    people = [TrackedFace(3, face(300, 300, 100))]
    drawn = draw_people(np.full((600, 800, 3), 90, np.uint8), people, names)
    return drawn[:290]  # above the box


@pytest.mark.parametrize("name", ["\u738b", "Zo\u00eb", "a\U0001f600"])
def test_a_name_that_no_font_can_write_stays_a_number(name, monkeypatch):
    number = label({}, monkeypatch, fonts=())
    assert coloured(number).any()
    np.testing.assert_array_equal(label({3: name}, monkeypatch, fonts=()), number)
    np.testing.assert_array_equal(label({3: name}, monkeypatch, ["none.ttf"]), number)


def test_a_name_is_shortened_to_twenty_characters(monkeypatch):
    short = label({3: "x" * 20}, monkeypatch)
    wide = np.flatnonzero(coloured(short).any(axis=0))
    assert len(wide) > len(np.flatnonzero(coloured(label({}, monkeypatch)).any(axis=0))) + 100
    one, other = label({3: "x" * 21}, monkeypatch), label({3: "x" * 80}, monkeypatch)
    np.testing.assert_array_equal(one, other)
    assert (one != short).any()
