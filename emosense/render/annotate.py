"""Annotated photos and video frames: boxes with numbers, emotions and probabilities.

A label is placed where it covers no other face and no other label. If too few labels fit, all
faces get their number alone. A face whose label does not fit gets a box without text.
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

_MIN_FONT_SIZE: Final = 11
_DASHES: Final = 7
_MIN_LABELLED_FRACTION: Final = 0.75
"""Minimum fraction of faces whose full label fits; below it, all get their number alone."""

Rectangle = tuple[float, float, float, float]
"""(left, top, right, bottom), in pixels."""


def annotate(image: npt.NDArray[np.uint8], result: PhotoResult) -> npt.NDArray[np.uint8]:
    """Draw the box of every face, with number, verdict and probability where they fit.

    A dashed box marks a possible false positive; see :attr:`~emosense.results.Face.doubtful`.

    Args:
        image: (h, w, 3) uint8 RGB, the upright photo.
        result: result of the photo.

    Returns:
        An annotated copy, (h, w, 3) uint8 RGB.
    """
    return _draw(image, list(enumerate(result.faces, start=1)))


def draw_people(
    image: npt.NDArray[np.uint8], faces: Sequence[TrackedFace]
) -> npt.NDArray[np.uint8]:
    """Draw the faces of a video frame with the numbers of their persons; see :func:`annotate`.

    Args:
        image: (h, w, 3) uint8 RGB, the upright frame.
        faces: faces of the frame.

    Returns:
        An annotated copy, (h, w, 3) uint8 RGB.
    """
    return _draw(image, [(tracked.person, tracked.face) for tracked in faces])


def annotated_png(image: npt.NDArray[np.uint8], result: PhotoResult) -> bytes:
    """Return the annotated photo as a PNG file."""
    return encode_png(annotate(image, result))


def encode_png(image: npt.NDArray[np.uint8]) -> bytes:
    """Encode an (h, w, 3) RGB or (h, w) grey uint8 image as a PNG file."""
    buffer = io.BytesIO()
    # Level 1: the default, 6, makes photos hardly smaller and takes three times as long.
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _draw(
    image: npt.NDArray[np.uint8], numbered: Sequence[tuple[int, Face]]
) -> npt.NDArray[np.uint8]:
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    line_width = max(2, round(max(canvas.size) / 320))
    for _, face in numbered:
        _draw_box(draw, face, _box_line_width(face.box, line_width))
    labels = _place_labels(canvas.size, numbered, line_width, full=True)
    if len(labels) < _MIN_LABELLED_FRACTION * len(numbered):
        labels = _place_labels(canvas.size, numbered, line_width, full=False)
    for label in labels:
        label.draw(draw)
    return np.asarray(canvas)


def _place_labels(
    size: tuple[int, int], numbered: Sequence[tuple[int, Face]], line_width: int, *, full: bool
) -> list[_Label]:
    """Return the labels that fit: number, verdict and probability, or the number alone."""
    boxes = np.array([_corners(face.box) for _, face in numbered], np.float64).reshape(-1, 4)
    # Rectangles that a label may not cover: the other faces, then the labels placed before.
    obstacles = np.concatenate([boxes, np.empty_like(boxes)])
    labels: list[_Label] = []
    for index, (number, face) in enumerate(numbered):
        others = np.delete(obstacles[: len(boxes) + len(labels)], index, axis=0)
        if full:
            text = f"{number} {face.verdict}"
            if face.sure:
                text += f" {probability_percent(face.probability)}"
            font_size = max(_MIN_FONT_SIZE, 6 * line_width)
        else:
            text = str(number)
            font_size = int(np.clip(face.box.height / 3, _MIN_FONT_SIZE, 6 * line_width))
        label = _Label(text, face, font_size, max(1, font_size // 6))
        for x, y in _label_positions(size, face.box, label):
            label.move(x, y)
            if not _overlaps(label.rectangle, others):
                obstacles[len(boxes) + len(labels)] = label.rectangle
                labels.append(label)
                break
    return labels


class _Label:
    """A text on a background of the face's colour."""

    def __init__(self, text: str, face: Face, font_size: int, padding: int) -> None:
        self._text, self._fill = text, _colour(face)
        self._font = _font(font_size)
        left, top, right, bottom = self._font.getbbox(text)
        self._offset = padding - left, padding - top
        self.width, self.height = right - left + 2 * padding, bottom - top + 2 * padding
        self.rectangle: Rectangle = (0.0, 0.0, 0.0, 0.0)

    def move(self, x: float, y: float) -> None:
        self.rectangle = (x, y, x + self.width, y + self.height)

    def draw(self, draw: ImageDraw.ImageDraw) -> None:
        x, y = self.rectangle[:2]
        draw.rectangle(self.rectangle, fill=self._fill)
        position = (x + self._offset[0], y + self._offset[1])
        draw.text(position, self._text, fill="black", font=self._font)


def _label_positions(
    size: tuple[int, int], box: Box, label: _Label
) -> Iterator[tuple[float, float]]:
    """Yield possible upper left corners of a label inside the image: above the box, below it."""
    width, height = size
    x = min(max(0.0, box.x), max(0.0, width - label.width))
    above, below = box.y - label.height, box.y + box.height
    if above >= 0:
        yield x, above
    if below + label.height <= height:
        yield x, below
    if above < 0 and below + label.height > height:  # the face fills the image
        yield x, max(0.0, height - label.height)


def _overlaps(label: Rectangle, others: npt.NDArray[np.float64]) -> bool:
    """Return whether a label overlaps any of (n, 4) rectangles."""
    left, top, right, bottom = label
    x = (left < others[:, 2]) & (others[:, 0] < right)
    y = (top < others[:, 3]) & (others[:, 1] < bottom)
    return bool((x & y).any())


def _corners(box: Box) -> Rectangle:
    return (box.x, box.y, box.x + box.width, box.y + box.height)


def _box_line_width(box: Box, line_width: int) -> int:
    """Return a line width that leaves most of a small face visible."""
    return max(1, min(line_width, round(min(box.width, box.height) / 16)))


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def _colour(face: Face) -> str:
    return COLOURS[face.emotion] if face.sure else UNSURE_COLOUR


def _draw_box(draw: ImageDraw.ImageDraw, face: Face, width: int) -> None:
    left, top, right, bottom = _corners(face.box)
    # A black outline around the coloured one keeps the box visible on any background.
    outline = (left - 1, top - 1, max(left, right + 1), max(top, bottom + 1))
    draw.rectangle(outline, outline="black", width=width + 2)
    if not face.doubtful:
        draw.rectangle((left, top, right, bottom), outline=_colour(face), width=width)
        return
    for dash in range(0, _DASHES, 2):
        x = [left + (right - left) * (dash + end) / _DASHES for end in (0, 1)]
        y = [top + (bottom - top) * (dash + end) / _DASHES for end in (0, 1)]
        for edge in (top, bottom - width + 1):
            draw.rectangle((x[0], edge, x[1], edge + width - 1), fill=_colour(face))
        for edge in (left, right - width + 1):
            draw.rectangle((edge, y[0], edge + width - 1, y[1]), fill=_colour(face))
