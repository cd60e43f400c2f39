"""Face detection by YuNet, with an image pyramid and optional rotations."""

from __future__ import annotations

import math
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
from emosense.faces.regions import FaceRegion, region_batch
from emosense.media.resize import fit_within
from emosense.results import Box, Detection, Point

_STRIDE: Final = 32
_PYRAMID_FACTOR: Final = 4
"""Factor of the long sides of two pyramid levels."""
_LARGE_FACE: Final = 384
"""Side in pixels from which the coarser pyramid level detects a face as well."""
_MAX_FACE: Final = 480
"""Side in pixels above which YuNet misses faces, whatever the size of the image."""
_MIN_CONTRAST: Final = 4.0
_CONTRAST_PIXELS: Final = 20_000
"""About the most pixels from which the contrast of a large face is computed."""
_MAX_BATCH_PIXELS: Final = 2**25
"""Largest number of pixels of a batch: 100 MB."""
_ROTATE_CODES: Final = (
    None,
    cv2.ROTATE_90_CLOCKWISE,
    cv2.ROTATE_180,
    cv2.ROTATE_90_COUNTERCLOCKWISE,
)


class FaceDetector:
    """Detects faces by YuNet on any of its backends.

    Not thread-safe: create one detector per thread.

    Args:
        backend: ``auto``, ``onnx``, ``opencv``, ``keras``, or an instance of a custom backend.

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
        """Name of the backend and device, e.g. ``YuNet (OpenCV, CPU)``."""
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
        """Detect the faces of every image.

        Args:
            images: (h, w, 3) uint8 RGB arrays; sizes may differ.
            options: Detector options; None uses the defaults for photos.

        Returns:
            One tuple of detections per image, sorted by falling score; boxes lie inside the image.

        Raises:
            DetectorError: an image has another shape or dtype.
        """
        options = options or DetectorOptions()
        for image in images:
            _check(image)
        inputs = [
            detector_input
            for index, image in enumerate(images)
            for detector_input in _image_pyramid(index, image, options)
        ]
        candidates: list[list[npt.NDArray[np.float32]]] = [[] for _ in images]
        for batch in _batches(inputs):
            pixels = np.stack([detector_input.prepared() for detector_input in batch])
            outputs = self.backend.detect(pixels, batch[0].threshold)
            for detector_input, rows in zip(batch, outputs, strict=True):
                candidates[detector_input.index].append(detector_input.to_image(rows))
        detections = [
            _detections(image, rows, options)
            for image, rows in zip(images, candidates, strict=True)
        ]
        return self._second_look(images, detections, options) if options.second_look else detections

    def detect_regions(
        self, faces: Sequence[tuple[npt.NDArray[np.uint8], Box]], options: DetectorOptions
    ) -> list[tuple[Detection, ...]]:
        """Detect the faces in a small square around each place where a face is expected.

        The regions of all images go through the network together, at the scale of the working
        size; larger faces are scaled down. A face that its region cuts off is not reported.

        Args:
            faces: (image, box of the expected face) pairs; images are (h, w, 3) uint8 RGB.
            options: detector options.

        Returns:
            One tuple of detections per pair, sorted by falling score, in pixels of its image. The
            regions of neighbours may show the same face.
        """
        if not faces:
            return []
        regions = [FaceRegion.around(image, box, options.long_side) for image, box in faces]
        outputs = self.backend.detect(region_batch(regions), options.threshold)
        return [
            _detections(region.image, [region.to_image(rows)], options)
            for region, rows in zip(regions, outputs, strict=True)
        ]

    def _second_look(
        self,
        images: Sequence[npt.NDArray[np.uint8]],
        detections: list[tuple[Detection, ...]],
        options: DetectorOptions,
    ) -> list[tuple[Detection, ...]]:
        """Detect again at twice the long side, strictly, in downscaled images without a face.

        Coarser levels are always part of the detection, since they cost little: see
        :func:`_image_pyramid`.
        """
        indices = [
            index
            for index, image in enumerate(images)
            if not detections[index] and max(image.shape[:2]) > options.long_side
        ]
        if indices:
            finer_options = replace(
                options,
                long_side=min(2 * options.long_side, MAX_LONG_SIDE),
                threshold=max(options.threshold, STRICT_THRESHOLD),
                second_look=False,
            )
            finer = self.detect([images[index] for index in indices], finer_options)
            for index, faces in zip(indices, finer, strict=True):
                detections[index] = faces
        return detections


@dataclass(frozen=True)
class _DetectorInput:
    """A scaled image that is to be rotated and padded, and the inverse transform of its detections.

    Attributes:
        index: index of the image.
        rotation: number of clockwise rotations by 90 degrees.
        scale: input pixels per image pixel.
        pixels: (h, w, 3) uint8 BGR before the rotation, without padding; the rotations share it.
        threshold: minimum score.
        min_size: minimum of a face's longer side on this pyramid level, in input pixels.
    """

    index: int
    rotation: int
    scale: float
    pixels: npt.NDArray[np.uint8]
    threshold: float
    min_size: float

    @property
    def shape(self) -> tuple[int, int]:
        """(height, width) after the rotation, with padding to multiples of 32."""
        height, width = self.pixels.shape[:2]
        if self.rotation % 2:
            height, width = width, height
        return height + -height % _STRIDE, width + -width % _STRIDE

    def prepared(self) -> npt.NDArray[np.uint8]:
        """Return the rotated and padded pixels, (h, w, 3) uint8 BGR of this shape."""
        return _rotate_and_pad(self.pixels, self.rotation)

    def to_image(self, rows: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Map (k, 15) rows of detections from input pixels to image pixels.

        Rows that are not finite are dropped, and faces that a finer level detects.
        """
        rows = rows[np.isfinite(rows).all(axis=1)]
        rows = rows[rows[:, 2:4].max(axis=1, initial=0) >= self.min_size]
        height, width = self.pixels.shape[:2]
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
        top_left, bottom_right = points[:, :2].min(axis=1), points[:, :2].max(axis=1)
        mapped = rows.copy()
        mapped[:, 0:2], mapped[:, 2:4] = top_left, bottom_right - top_left
        mapped[:, 4:14] = points[:, 2:].reshape(len(rows), 10)
        return mapped


def _check(image: npt.NDArray[np.uint8]) -> None:
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise DetectorError(
            "Expected an RGB image of shape (height, width, 3) and type uint8. "
            f"Received: {image.shape}, {image.dtype}"
        )


def _image_pyramid(
    index: int, image: npt.NDArray[np.uint8], options: DetectorOptions
) -> Iterator[_DetectorInput]:
    """Yield an image pyramid: the working size, and quarters of it for faces that fill the image.

    YuNet detects faces of about 10 to 480 pixels. A coarser level detects only faces that are too
    large for the finer one, with the strict threshold, at a sixteenth of its cost.
    """
    # YuNet was trained on BGR images.
    pixels = np.asarray(
        cv2.cvtColor(fit_within(image, options.long_side), cv2.COLOR_RGB2BGR), np.uint8
    )
    threshold, min_size = options.threshold, 0.0
    while True:
        scale = max(pixels.shape[:2]) / max(image.shape[:2])
        for rotation in range(4) if options.turned else range(1):
            yield _DetectorInput(index, rotation, scale, pixels, threshold, min_size)
        if max(pixels.shape[:2]) <= _MAX_FACE:
            return
        pixels = fit_within(pixels, max(pixels.shape[:2]) // _PYRAMID_FACTOR)
        threshold, min_size = max(threshold, STRICT_THRESHOLD), _LARGE_FACE / _PYRAMID_FACTOR


def _rotate_and_pad(image: npt.NDArray[np.uint8], rotation: int) -> npt.NDArray[np.uint8]:
    """Rotate by multiples of 90 degrees; pad right and bottom to multiples of 32, with black."""
    rotate_code = _ROTATE_CODES[rotation]
    padded = image if rotate_code is None else cv2.rotate(image, rotate_code)
    height, width = padded.shape[:2]
    bottom, right = -height % _STRIDE, -width % _STRIDE
    if bottom or right:
        padded = cv2.copyMakeBorder(padded, 0, bottom, 0, right, cv2.BORDER_CONSTANT)
    return np.asarray(padded, np.uint8)


def _batches(inputs: list[_DetectorInput]) -> list[list[_DetectorInput]]:
    """Group inputs into batches of the same shape and threshold, of a bounded number of pixels."""
    groups: dict[tuple[object, ...], list[_DetectorInput]] = {}
    for detector_input in inputs:
        key = (detector_input.shape, detector_input.threshold)
        groups.setdefault(key, []).append(detector_input)
    batches = []
    for (height, width), group in ((items[0].shape, items) for items in groups.values()):
        size = max(1, _MAX_BATCH_PIXELS // (height * width))
        batches += [group[start : start + size] for start in range(0, len(group), size)]
    return batches


def _detections(
    image: npt.NDArray[np.uint8],
    candidates: Sequence[npt.NDArray[np.float32]],
    options: DetectorOptions,
) -> tuple[Detection, ...]:
    rows = np.concatenate(candidates)
    if len(candidates) > 1:
        # The same face may be detected in two rotations or on two pyramid levels.
        rows = non_max_suppression(rows, options.threshold)
    detections = []
    for row in rows[np.argsort(-rows[:, 14], kind="stable")].tolist():
        full_box = Box(row[0], row[1], row[2], row[3])
        box = full_box.clamped(image.shape[1], image.shape[0])
        if _is_plausible(image, box, full_box, options.min_face):
            detections.append(Detection(box, _landmarks(row[4:14]), row[14], full_box))
    return tuple(detections)


def _is_plausible(image: npt.NDArray[np.uint8], box: Box, full_box: Box, min_face: int) -> bool:
    """Return whether a box is large enough, mostly inside the image, and has enough contrast."""
    if min(box.width, box.height) < min_face:
        return False
    if box.width * box.height < 0.4 * full_box.width * full_box.height:
        return False
    left, top = int(box.x), int(box.y)
    patch = image[top : top + max(1, int(box.height)), left : left + max(1, int(box.width))]
    step = max(2, math.isqrt(patch.shape[0] * patch.shape[1] // _CONTRAST_PIXELS))
    means, stds = cv2.meanStdDev(patch[::step, ::step])
    return math.hypot(float(np.sqrt(np.mean(stds**2))), float(means.std())) >= _MIN_CONTRAST


def _landmarks(values: list[float]) -> tuple[Point, Point, Point, Point, Point]:
    a, b, c, d, e = zip(values[0::2], values[1::2], strict=True)
    return a, b, c, d, e
