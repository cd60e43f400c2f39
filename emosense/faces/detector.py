"""The face detector: any images in, detections in their pixels out."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import cv2
import numpy as np
import numpy.typing as npt

from emosense.errors import DetectorError
from emosense.faces.backends.base import DetectorBackend
from emosense.faces.backends.factory import create_detector_backend
from emosense.faces.nms import non_max_suppression
from emosense.faces.options import MAX_LONG_SIDE, STRICT_THRESHOLD, DetectorOptions
from emosense.media.resize import fit_within
from emosense.results import Box, Detection, Point

_STRIDE: Final = 32
_COARSER: Final = 4
_LARGE: Final = 384
_LARGEST: Final = 480
"""YuNet's scores and boxes fall off above faces of this many pixels, whatever the canvas."""
_MIN_CONTRAST: Final = 4.0
_QUARTER_TURNS: Final = (
    None,
    cv2.ROTATE_90_CLOCKWISE,
    cv2.ROTATE_180,
    cv2.ROTATE_90_COUNTERCLOCKWISE,
)


class FaceDetector:
    """YuNet behind one interface, whatever engine runs it.

    Not thread-safe: one thread per detector.

    Args:
        backend: ``auto``, ``onnx``, ``opencv``, ``keras``, or an engine of your own.

    >>> from emosense.media.images import read_photo
    >>> from emosense.samples import sample_photo
    >>> (detections,) = FaceDetector("onnx").detect([read_photo(sample_photo())])
    >>> len(detections)
    1
    """

    def __init__(self, backend: str | DetectorBackend = "auto") -> None:
        self.backend = create_detector_backend(backend) if isinstance(backend, str) else backend

    @property
    def label(self) -> str:
        """Which engine runs on which device, for people."""
        return self.backend.label

    @property
    def on_gpu(self) -> bool:
        """Whether the backend runs on a GPU."""
        return self.backend.on_gpu

    def detect(
        self,
        images: Sequence[npt.NDArray[np.uint8]],
        options: DetectorOptions | None = None,
    ) -> list[tuple[Detection, ...]]:
        """Find the faces of every image.

        Args:
            images: (h, w, 3) uint8 RGB arrays, of any sizes.
            options: defaults for photos if None.

        Returns:
            For each image its detections, best score first; boxes lie inside the image.

        Raises:
            DetectorError: an image has another shape or type.
        """
        options = options or DetectorOptions()
        for image in images:
            _check(image)
        canvases = [
            canvas
            for index, image in enumerate(images)
            for canvas in _canvases(index, image, options)
        ]
        tables: list[list[npt.NDArray[np.float32]]] = [[] for _ in images]
        for group in _by_shape(canvases):
            stacked = np.stack([canvas.pixels for canvas in group])
            for canvas, rows in zip(
                group, self.backend.detect(stacked, group[0].threshold), strict=True
            ):
                tables[canvas.index].append(canvas.to_image(rows))
        found = [
            _detections(image, rows, options) for image, rows in zip(images, tables, strict=True)
        ]
        return self._second_look(images, found, options) if options.second_look else found

    def _second_look(
        self,
        images: Sequence[npt.NDArray[np.uint8]],
        found: list[tuple[Detection, ...]],
        options: DetectorOptions,
    ) -> list[tuple[Detection, ...]]:
        """Detect again, finer and strictly, where nothing was found in a downscaled image.

        Coarser levels are part of every search, since they cost little: see :func:`_canvases`.
        """
        again = [
            index
            for index, image in enumerate(images)
            if not found[index] and max(image.shape[:2]) > options.long_side
        ]
        if again:
            finer = replace(
                options,
                long_side=min(2 * options.long_side, MAX_LONG_SIDE),
                threshold=max(options.threshold, STRICT_THRESHOLD),
                second_look=False,
            )
            for index, faces in zip(
                again, self.detect([images[index] for index in again], finer), strict=True
            ):
                found[index] = faces
        return found


@dataclass(frozen=True)
class _Canvas:
    """One scaled, rotated and padded image, and the way back to its coordinates.

    Attributes:
        index: index of the image.
        rotation: number of clockwise quarter turns.
        scale: canvas pixels per image pixel.
        shape: (height, width) before the rotation, without padding.
        pixels: (h, w, 3) uint8 BGR.
        threshold: lowest score.
        min_size: longer side of a face from which this level counts, in canvas pixels.
    """

    index: int
    rotation: int
    scale: float
    shape: tuple[int, int]
    pixels: npt.NDArray[np.uint8]
    threshold: float
    min_size: float

    def to_image(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Map (k, 15) rows from canvas pixels to image pixels.

        Rows that overflowed are dropped, and faces that belong to a finer level.
        """
        rows = rows[np.isfinite(rows).all(axis=1)]
        rows = rows[rows[:, 2:4].max(axis=1, initial=0) >= self.min_size]
        height, width = self.shape
        corners = np.concatenate([rows[:, 0:2], rows[:, 0:2] + rows[:, 2:4]], 1)
        points = np.concatenate([corners, rows[:, 4:14]], 1).reshape(len(rows), 7, 2)
        x, y = points[..., 0].copy(), points[..., 1].copy()
        if self.rotation == 1:
            x, y = y, height - x
        elif self.rotation == 2:
            x, y = width - x, height - y
        elif self.rotation == 3:
            x, y = width - y, x
        points = np.stack([x, y], -1) / self.scale
        low, high = points[:, :2].min(axis=1), points[:, :2].max(axis=1)
        out = rows.copy()
        out[:, 0:2], out[:, 2:4] = low, high - low
        out[:, 4:14] = points[:, 2:].reshape(len(rows), 10)
        return out


def _check(image: npt.NDArray[np.uint8]) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise DetectorError(
            "Expected an RGB image of shape (height, width, 3) and type uint8. "
            f"Received: {image.shape}, {image.dtype}"
        )


def _canvases(
    index: int, image: npt.NDArray[np.uint8], options: DetectorOptions
) -> Iterator[_Canvas]:
    """Yield an image pyramid: the working size, and quarters of it for faces that fill the image.

    YuNet knows faces of about 10 to 480 pixels. On a coarser level only those count that are too
    large for the finer one, and only strictly; a level costs a sixteenth of the one before.
    """
    # BGR is the order that YuNet was trained with.
    pixels = np.asarray(
        cv2.cvtColor(fit_within(image, options.long_side), cv2.COLOR_RGB2BGR), np.uint8
    )
    threshold, min_size = options.threshold, 0.0
    while True:
        scale = max(pixels.shape[:2]) / max(image.shape[:2])
        for rotation in range(4) if options.turned else range(1):
            yield _Canvas(
                index,
                rotation,
                scale,
                pixels.shape[:2],
                _pad(pixels, rotation),
                threshold,
                min_size,
            )
        if max(pixels.shape[:2]) <= _LARGEST:
            return
        pixels = fit_within(pixels, max(pixels.shape[:2]) // _COARSER)
        threshold, min_size = max(threshold, STRICT_THRESHOLD), _LARGE / _COARSER


def _pad(image: npt.NDArray[np.uint8], rotation: int) -> npt.NDArray[np.uint8]:
    """Rotate by quarter turns and pad with black to multiples of 32 at the right and lower edge."""
    rotate_code = _QUARTER_TURNS[rotation]
    turned = image if rotate_code is None else cv2.rotate(image, rotate_code)
    height, width = turned.shape[:2]
    down, right = -height % _STRIDE, -width % _STRIDE
    if down or right:
        turned = cv2.copyMakeBorder(turned, 0, down, 0, right, cv2.BORDER_CONSTANT)
    return np.asarray(turned, np.uint8)


def _by_shape(canvases: list[_Canvas]) -> list[list[_Canvas]]:
    """Group the canvases that an engine takes at once: of one shape and threshold."""
    groups: dict[tuple[object, ...], list[_Canvas]] = {}
    for canvas in canvases:
        groups.setdefault((canvas.pixels.shape, canvas.threshold), []).append(canvas)
    return list(groups.values())


def _detections(
    image: npt.NDArray[np.uint8],
    tables: Sequence[npt.NDArray[np.float32]],
    options: DetectorOptions,
) -> tuple[Detection, ...]:
    rows = np.concatenate(tables)
    if len(tables) > 1:
        # A face that is detected in two rotations or on two levels is one face: the better score wins.
        rows = non_max_suppression(rows, options.threshold)
    found = []
    for row in rows[np.argsort(-rows[:, 14], kind="stable")].tolist():
        full = Box(row[0], row[1], row[2], row[3])
        box = full.clamped(image.shape[1], image.shape[0])
        if _plausible(image, box, full, options.min_face):
            found.append(Detection(box, _points(row[4:14]), row[14], full))
    return tuple(found)


def _plausible(image: npt.NDArray[np.uint8], box: Box, full: Box, min_face: int) -> bool:
    """Return whether a box can be a face: not too small, mostly inside, with some contrast."""
    if min(box.width, box.height) < min_face:
        return False
    if box.width * box.height < 0.4 * full.width * full.height:
        return False
    left, top = int(box.x), int(box.y)
    patch = image[top : top + max(1, int(box.height)), left : left + max(1, int(box.width))]
    return bool(patch[::2, ::2].std() >= _MIN_CONTRAST)


def _points(values: list[float]) -> tuple[Point, Point, Point, Point, Point]:
    a, b, c, d, e = zip(values[0::2], values[1::2], strict=True)
    return a, b, c, d, e
