"""Draws numbered boxes with emotions onto photos."""

from __future__ import annotations

import io
from collections.abc import Sequence
from functools import cache

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from emosense.charts.colours import COLOURS, UNSURE_COLOUR
from emosense.results import Face, PhotoResult, TrackedFace


def annotate(image: npt.NDArray[np.uint8], result: PhotoResult) -> npt.NDArray[np.uint8]:
    """Draw every face's box and number, and emotion and probability or "unsure".

    Args:
        image: (h, w, 3) uint8 RGB, the upright photo.
        result: what was found in it.

    Returns:
        A new (h, w, 3) uint8 RGB image.
    """
    return _drawn(image, list(enumerate(result.faces, start=1)))


def draw_people(
    image: npt.NDArray[np.uint8], faces: Sequence[TrackedFace]
) -> npt.NDArray[np.uint8]:
    """Draw the faces of a video frame under their people's numbers; see :func:`annotate`."""
    return _drawn(image, [(tracked.person, tracked.face) for tracked in faces])


def annotated_png(image: npt.NDArray[np.uint8], result: PhotoResult) -> bytes:
    """Return the annotated photo as a PNG file."""
    return encode_png(annotate(image, result))


def encode_png(image: npt.NDArray[np.uint8]) -> bytes:
    """Encode an (h, w, 3) RGB or (h, w) grey uint8 image as a PNG file."""
    buffer = io.BytesIO()
    # Level 1: a photo hardly shrinks at the default 6, which takes three times as long.
    Image.fromarray(image).save(buffer, "PNG", compress_level=1)
    return buffer.getvalue()


def _drawn(
    image: npt.NDArray[np.uint8], numbered: Sequence[tuple[int, Face]]
) -> npt.NDArray[np.uint8]:
    canvas = Image.fromarray(image)
    draw = ImageDraw.Draw(canvas)
    unit = max(2, round(max(canvas.size) / 320))
    font = _font(max(11, 6 * unit))
    for number, face in numbered:
        _draw_face(draw, canvas.size, face, number, unit, font)
    return np.asarray(canvas)


@cache
def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size=size)


def _draw_face(
    draw: ImageDraw.ImageDraw,
    size: tuple[int, int],
    face: Face,
    number: int,
    unit: int,
    font: ImageFont.FreeTypeFont | ImageFont.ImageFont,
) -> None:
    colour = COLOURS[face.emotion] if face.sure else UNSURE_COLOUR
    box = face.box
    corners = (box.x, box.y, box.x + box.width, box.y + box.height)
    # A dark line around the coloured one keeps the box visible on any background.
    draw.rectangle(
        [c + d for c, d in zip(corners, (-1, -1, 1, 1), strict=True)],
        outline="black",
        width=unit + 2,
    )
    draw.rectangle(corners, outline=colour, width=unit)
    text = f"{number} {face.verdict}"
    if face.sure:
        text += f" {face.probability:.0%}"
    left, top, right, bottom = draw.textbbox((0, 0), text, font=font)
    width, height = right - left + 2 * unit, bottom - top + 2 * unit
    x = min(max(0.0, box.x), max(0.0, size[0] - width))
    y = box.y - height if box.y >= height else min(box.y + box.height, size[1] - height)
    draw.rectangle((x, y, x + width, y + height), fill=colour)
    draw.text((x + unit - left, y + unit - top), text, fill="black", font=font)
