import random

from emosense.faces.reading_order import reading_order
from emosense.results import Box, Detection


def face(x, y, side=40.0):
    box = Box(x, y, side, side)
    return Detection(box, ((0, 0),) * 5, 0.9, box)


def test_rows_from_above_each_from_left_to_right():
    """As people stand for a photo: no row is level, and faces differ in size."""
    first = [face(20, 58), face(90, 50, 48), face(160, 62), face(230, 55, 36)]
    second = [face(55, 140, 52), face(130, 150), face(200, 138)]
    expected = [*first, *second]
    shuffled = expected[:]
    random.Random(3).shuffle(shuffled)
    assert reading_order(shuffled) == expected


def test_a_slanted_row_is_one_row():
    row = [face(60.0 * n, 100 + 8.0 * n) for n in range(5)]
    assert reading_order(row[::-1]) == row


def test_one_face_and_no_face():
    assert reading_order([]) == []
    assert reading_order([face(0, 0)]) == [face(0, 0)]
