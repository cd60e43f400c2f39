"""Draws numbered boxes with emotions onto photos.

A label stands where it covers no other face and no other label. Where many faces stand close
together there is no such place: those get their number alone, or a box without any text.
"""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence
from functools import cache
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from emosense.formatting import probability_percent
from emosense.render.colours import COLOURS, UNSURE_COLOUR
from emosense.results import Box, Face, PhotoResult, TrackedFace

_SMALLEST_FONT: Final = 11
_DASHES: Final = 7
_MIN_LABELLED_FRACTION: Final = 0.75
"""Share of the faces that must have room for a whole label; with less, all get numbers alone."""

Rectangle = tuple[float, float, float, float]
"""Left, top, right, bottom, in pixels."""


def annotate(image: npt.NDArray[np.uint8], result: PhotoResult) -> npt.NDArray[np.uint8]:
    """Draw every face's box, and where there is room its number and what is said of it.

    A dashed box is perhaps no face; see :attr:`~emosense.results.Face.doubtful`.

    Args:
        image: (h, w, 3) uint8 RGB, the upright photo.
        result: what was found in it.

    Returns:
        A new (h, w, 3) uint8 RGB image.
    """
    return _draw(image, list(enumerate(result.faces, start=1)))


def draw_people(
    image: npt.NDArray[np.uint8], faces: Sequence[TrackedFace]
) -> npt.NDArray[np.uint8]:
    """Draw the faces of a video frame under their people's numbers; see :func:`annotate`."""
    return _draw(image, [(tracked.person, tracked.face) for tracked in faces])


def annotated_png(image: npt.NDArray[np.uint8], result: PhotoResult) -> bytes:
    """Return the annotated photo as a PNG file."""
    return encode_png(annotate(image, result))


def encode_png(image: npt.NDArray[np.uint8]) -> bytes:
    """Encode an (h, w, 3) RGB or (h, w) grey uint8 image as a PNG file."""
    buffer = io.BytesIO()
    # Level 1: a photo hardly shrinks at the default 6, which takes three times as long.
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _draw(
    image: npt.NDArray[np.uint8], numbered: Sequence[tuple[int, Face]]
) -> npt.NDArray[np.uint8]:
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    unit = max(2, round(max(canvas.size) / 320))
    for _, face in numbered:
        _draw_box(draw, face, _line_width(face.box, unit))
    labels = _labels(canvas.size, numbered, unit, whole=True)
    if len(labels) < _MIN_LABELLED_FRACTION * len(numbered):
        labels = _labels(canvas.size, numbered, unit, whole=False)
    for label in labels:
        label.draw(draw)
    return np.asarray(canvas)


def _labels(
    size: tuple[int, int], numbered: Sequence[tuple[int, Face]], unit: int, *, whole: bool
) -> list[_Label]:
    """Return the labels that have room: all that is said of a face, or its number alone."""
    boxes = np.array([_corners(face.box) for _, face in numbered], np.float64).reshape(-1, 4)
    # What a label may not cover: the other faces, then the labels before it.
    covered = np.concatenate([boxes, np.empty_like(boxes)])
    labels: list[_Label] = []
    for index, (number, face) in enumerate(numbered):
        taken = covered[: len(boxes) + len(labels)]
        others = np.delete(taken, index, axis=0)
        if whole:
            text = f"{number} {face.verdict}"
            if face.sure:
                text += f" {probability_percent(face.probability)}"
            font_size = max(_SMALLEST_FONT, 6 * unit)
        else:
            text = str(number)
            font_size = int(np.clip(face.box.height / 3, _SMALLEST_FONT, 6 * unit))
        label = _Label(text, face, font_size, max(1, font_size // 6))
        for x, y in _places(size, face.box, label):
            label.move(x, y)
            if not _covers(label.rectangle, others):
                covered[len(boxes) + len(labels)] = label.rectangle
                labels.append(label)
                break
    return labels


class _Label:
    """A text on a ground of the face's colour."""

    def __init__(self, text: str, face: Face, size: int, unit: int) -> None:
        self._text, self._fill, self._unit = text, _colour(face), unit
        self._font = _font(size)
        left, top, right, bottom = self._font.getbbox(text)
        self._offset = unit - left, unit - top
        self.width, self.height = right - left + 2 * unit, bottom - top + 2 * unit
        self.rectangle: Rectangle = (0.0, 0.0, 0.0, 0.0)

    def move(self, x: float, y: float) -> None:
        self.rectangle = (x, y, x + self.width, y + self.height)

    def draw(self, draw: ImageDraw.ImageDraw) -> None:
        x, y = self.rectangle[:2]
        draw.rectangle(self.rectangle, fill=self._fill)
        place = (x + self._offset[0], y + self._offset[1])
        draw.text(place, self._text, fill="black", font=self._font)


def _places(size: tuple[int, int], box: Box, label: _Label) -> Iterator[tuple[float, float]]:
    """Yield left upper corners of a label: above the box, below it, where the picture has room."""
    width, height = size
    x = min(max(0.0, box.x), max(0.0, width - label.width))
    above, below = box.y - label.height, box.y + box.height
    if above >= 0:
        yield x, above
    if below + label.height <= height:
        yield x, below
    if above < 0 and below + label.height > height:  # the face fills the picture
        yield x, max(0.0, height - label.height)


def _covers(label: Rectangle, others: npt.NDArray[np.float64]) -> bool:
    """Return whether a label covers any of (n, 4) rectangles."""
    left, top, right, bottom = label
    x = (left < others[:, 2]) & (others[:, 0] < right)
    y = (top < others[:, 3]) & (others[:, 1] < bottom)
    return bool((x & y).any())


def _corners(box: Box) -> Rectangle:
    return (box.x, box.y, box.x + box.width, box.y + box.height)


def _line_width(box: Box, unit: int) -> int:
    """Return a line that leaves most of a small face visible."""
    return max(1, min(unit, round(min(box.width, box.height) / 16)))


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def _colour(face: Face) -> str:
    return COLOURS[face.emotion] if face.sure else UNSURE_COLOUR


def _draw_box(draw: ImageDraw.ImageDraw, face: Face, width: int) -> None:
    left, top, right, bottom = _corners(face.box)
    # A dark line around the coloured one keeps the box visible on any background.
    around = (left - 1, top - 1, max(left, right + 1), max(top, bottom + 1))
    draw.rectangle(around, outline="black", width=width + 2)
    if not face.doubtful:
        draw.rectangle((left, top, right, bottom), outline=_colour(face), width=width)
        return
    for step in range(0, _DASHES, 2):
        x = [left + (right - left) * (step + end) / _DASHES for end in (0, 1)]
        y = [top + (bottom - top) * (step + end) / _DASHES for end in (0, 1)]
        for edge in (top, bottom - width + 1):
            draw.rectangle((x[0], edge, x[1], edge + width - 1), fill=_colour(face))
        for edge in (left, right - width + 1):
            draw.rectangle((edge, y[0], edge + width - 1, y[1]), fill=_colour(face))
