"""Annotated photos and video frames: boxes with numbers, emotions and probabilities.

A label is placed where it covers no other face and no other label. If too few labels fit, all
faces get their number or name alone. A face whose label does not fit gets a box without text.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from types import MappingProxyType
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageColor, ImageDraw, ImageFont

from emosense.formatting import probability_percent
from emosense.media.png import encode_png
from emosense.render.colours import COLOURS, UNSURE_COLOUR
from emosense.results import Box, Face, PhotoResult, TrackedFace

_MIN_FONT_SIZE: Final = 11
_MAX_LINE_WIDTH: Final = 32
"""Largest line width in pixels, that of a photo of 80 megapixels; the font is six times as large."""
_MAX_FONTS: Final = 32
_DASHES: Final = 7
_MIN_LABELLED_FRACTION: Final = 0.75
"""Minimum fraction of faces whose full label fits; below it, all get their number alone."""

_MAX_NAME: Final = 20
"""Largest number of characters of a name in a label."""
_DEFAULT_FONT: Final = ""
"""Pillow's own, which has ASCII characters alone."""
_SYSTEM_FONTS: Final = (
    "DejaVuSans.ttf",
    "NotoSans-Regular.ttf",
    "LiberationSans-Regular.ttf",
    "arial.ttf",
    "Arial.ttf",
    "Arial Unicode.ttf",
)
"""Fonts of Linux, Windows and macOS with more characters, for names; used where they are there."""
_MAX_GLYPHS: Final = 1024
_NO_CHARACTER: Final = "\uffff"
"""A code point that Unicode assigns to no character."""

_Font = ImageFont.FreeTypeFont | ImageFont.ImageFont

Rectangle = tuple[float, float, float, float]
"""(left, top, right, bottom), in pixels."""


def annotate(
    image: npt.NDArray[np.uint8], result: PhotoResult, *, in_place: bool = False
) -> npt.NDArray[np.uint8]:
    """Draw the box of every face, with number, verdict and probability where they fit.

    A dashed box marks a possible false positive; see :attr:`~emosense.results.Face.doubtful`.

    Args:
        image: (h, w, 3) uint8 RGB, the upright photo.
        result: result of the photo.
        in_place: whether to draw onto the image itself, which saves the memory of a copy.

    Returns:
        The annotated image, (h, w, 3) uint8 RGB: a copy unless ``in_place``.
    """
    canvas = image if in_place else image.copy()
    _draw(canvas, [(str(number), face) for number, face in enumerate(result.faces, start=1)])
    return canvas


def draw_people(
    image: npt.NDArray[np.uint8],
    faces: Sequence[TrackedFace],
    names: Mapping[int, str] = MappingProxyType({}),
) -> npt.NDArray[np.uint8]:
    """Draw the faces of a video frame with their persons; see :func:`annotate`.

    Args:
        image: (h, w, 3) uint8 RGB, the upright frame.
        faces: faces of the frame.
        names: names by the persons' numbers. One that no font of the machine can write stays a
            number; a long one is shortened.

    Returns:
        An annotated copy, (h, w, 3) uint8 RGB.
    """
    canvas = image.copy()
    _draw(canvas, [(_label_of(tracked.person, names), tracked.face) for tracked in faces])
    return canvas


def _label_of(person: int, names: Mapping[int, str]) -> str:
    name = names.get(person, "")
    if not name or _font(_MIN_FONT_SIZE, name) is None:
        return str(person)
    return name if len(name) <= _MAX_NAME else f"{name[:_MAX_NAME].rstrip()}..."


def annotated_png(image: npt.NDArray[np.uint8], result: PhotoResult) -> bytes:
    """Return the annotated photo as a PNG file."""
    return encode_png(annotate(image, result))


def _draw(canvas: npt.NDArray[np.uint8], labelled: Sequence[tuple[str, Face]]) -> None:
    """Draw onto an image; only the labels are drawn by Pillow, each on a copy of its surroundings."""
    height, width = canvas.shape[:2]
    line_width = min(_MAX_LINE_WIDTH, max(2, round(max(width, height) / 320)))
    for _, face in labelled:
        _draw_box(canvas, face, _box_line_width(face.box, line_width))
    labels = _place_labels((width, height), labelled, line_width, full=True)
    if len(labels) < _MIN_LABELLED_FRACTION * len(labelled):
        labels = _place_labels((width, height), labelled, line_width, full=False)
    for label in labels:
        label.draw(canvas)


def _place_labels(
    size: tuple[int, int], labelled: Sequence[tuple[str, Face]], line_width: int, *, full: bool
) -> list[_Label]:
    """Return the labels that fit: person, verdict and probability, or the person alone."""
    boxes = np.array([_corners(face.box) for _, face in labelled], np.float64).reshape(-1, 4)
    # Rectangles that a label may not cover: the other faces, then the labels placed before.
    obstacles = np.concatenate([boxes, np.empty_like(boxes)])
    labels: list[_Label] = []
    for index, (person, face) in enumerate(labelled):
        others = np.delete(obstacles[: len(boxes) + len(labels)], index, axis=0)
        if full:
            text = f"{person} {face.verdict}"
            if face.sure:
                text += f" {probability_percent(face.probability)}"
            font_size = max(_MIN_FONT_SIZE, 6 * line_width)
        else:
            text = person
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
        font = _font(font_size, text)
        assert font is not None  # names that no font can write are not in labels
        self._font, self._font_size = font, font_size
        left, top, right, bottom = self._font.getbbox(text)
        self._offset = padding - left, padding - top
        self.width, self.height = right - left + 2 * padding, bottom - top + 2 * padding
        self.rectangle: Rectangle = (0.0, 0.0, 0.0, 0.0)

    def move(self, x: float, y: float) -> None:
        self.rectangle = (x, y, x + self.width, y + self.height)

    def draw(self, canvas: npt.NDArray[np.uint8]) -> None:
        left, top, right, bottom = self.rectangle
        # Glyphs may reach beyond their origin; whole pixels, so that the text is hinted alike.
        x, y = max(0, int(left) - self._font_size), max(0, int(top) - self._font_size)
        patch = canvas[y : int(bottom) + 1, x : int(right) + 1]
        drawn = Image.fromarray(patch)
        draw = ImageDraw.Draw(drawn)
        draw.rectangle((left - x, top - y, right - x, bottom - y), fill=self._fill)
        position = (left - x + self._offset[0], top - y + self._offset[1])
        draw.text(position, self._text, fill="black", font=self._font)
        patch[...] = np.asarray(drawn)


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


def _font(size: int, text: str) -> _Font | None:
    """Return the first font that has all characters of a text; None if there is none."""
    for name in (_DEFAULT_FONT, *_SYSTEM_FONTS):
        font = _load_font(name, size)
        if font is not None and all(_has_glyph(name, character) for character in text):
            return font
    return None


@lru_cache(maxsize=_MAX_FONTS)
def _load_font(name: str, size: int) -> _Font | None:
    if name == _DEFAULT_FONT:
        return ImageFont.load_default(size=size)
    try:
        return ImageFont.truetype(name, size)
    except OSError:
        return None  # not on this machine


@lru_cache(maxsize=_MAX_GLYPHS)
def _has_glyph(name: str, character: str) -> bool:
    """Return whether a font has a glyph for a character, other than the one for missing glyphs."""
    font = _load_font(name, _MIN_FONT_SIZE)
    assert font is not None
    return character.isspace() or _bitmap(font, character) != _bitmap(font, _NO_CHARACTER)


def _bitmap(font: _Font, character: str) -> tuple[tuple[int, int], bytes]:
    mask = font.getmask(character)
    return mask.size, bytes(mask)


def _colour(face: Face) -> str:
    return COLOURS[face.emotion] if face.sure else UNSURE_COLOUR


def _draw_box(canvas: npt.NDArray[np.uint8], face: Face, width: int) -> None:
    left, top, right, bottom = _corners(face.box)
    # A black outline around the coloured one keeps the box visible on any background.
    outline = (left - 1, top - 1, max(left, right + 1), max(top, bottom + 1))
    _draw_outline(canvas, outline, "black", width + 2)
    if not face.doubtful:
        _draw_outline(canvas, (left, top, right, bottom), _colour(face), width)
        return
    for dash in range(0, _DASHES, 2):
        x = [left + (right - left) * (dash + end) / _DASHES for end in (0, 1)]
        y = [top + (bottom - top) * (dash + end) / _DASHES for end in (0, 1)]
        for edge in (top, bottom - width + 1):
            _fill(canvas, (x[0], edge, x[1], edge + width - 1), _colour(face))
        for edge in (left, right - width + 1):
            _fill(canvas, (edge, y[0], edge + width - 1, y[1]), _colour(face))


def _draw_outline(
    canvas: npt.NDArray[np.uint8], rectangle: Rectangle, colour: str, width: int
) -> None:
    """Draw the outline of a rectangle inside of it, as :class:`PIL.ImageDraw.ImageDraw` does."""
    left, top, right, bottom = (int(value) for value in rectangle)
    _fill(canvas, (left, top, right, min(bottom, top + width - 1)), colour)
    _fill(canvas, (left, max(top, bottom - width + 1), right, bottom), colour)
    _fill(canvas, (left, top, min(right, left + width - 1), bottom), colour)
    _fill(canvas, (max(left, right - width + 1), top, right, bottom), colour)


def _fill(canvas: npt.NDArray[np.uint8], rectangle: Rectangle, colour: str) -> None:
    """Fill a rectangle that includes its right and bottom edges, where it lies on the image."""
    left, top, right, bottom = (int(value) for value in rectangle)
    rows = slice(max(0, top), max(0, bottom + 1))
    canvas[rows, max(0, left) : max(0, right + 1)] = ImageColor.getrgb(colour)
