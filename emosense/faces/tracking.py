"""Multi-face tracking by detection, with re-identification.

A constant-velocity motion model predicts the box of each track, and linear assignment
(Kuhn 1955, as in SORT by Bewley et al. 2016, arXiv:1602.00763) matches detections to tracks at
the smallest total cost of box overlap, landmark distance and appearance.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from emosense.results import Box, Detection

Appearance = npt.NDArray[np.float32]
"""Appearance descriptor of a face: (300,), see :func:`appearance_descriptor`."""

_MAX_COST: Final = 1e6
"""Cost of an assignment that is not allowed."""


@dataclass(frozen=True)
class TrackerConfig:
    """Thresholds of tracking and re-identification.

    Attributes:
        max_lost_seconds: maximum time in seconds without a detection after which a track is still
            continued by motion.
        max_reid_seconds: maximum time in seconds without a detection after which a track is still
            continued by re-identification: by appearance alone, anywhere in the frame.
        reid_threshold: minimum cosine similarity of the appearances for re-identification, in
            -1..1.
        rotated_threshold: minimum cosine similarity, in -1..1, for continuing a track by motion
            after frames changed their shape or orientation, where locations are unreliable. A head
            that tilts with the phone has .69, a face in the middle of another scene less than .3.
        max_distance: maximum distance of a detection from the predicted box, in units of the box
            size sqrt(width * height).
        max_size_ratio: maximum ratio of the box sizes of a track and a detection.

    >>> TrackerConfig(max_lost_seconds=2.0).max_reid_seconds
    5.0
    """

    max_lost_seconds: float = 1.0
    max_reid_seconds: float = 5.0
    reid_threshold: float = 0.8
    rotated_threshold: float = 0.4
    max_distance: float = 0.9
    max_size_ratio: float = 1.7


class FaceTracker:
    """Assigns person numbers to the faces of one video, frame after frame.

    Args:
        config: thresholds; None uses the defaults.

    >>> box = Box(10, 20, 30, 40)
    >>> face = Detection(box, ((18, 32), (32, 32), (25, 42), (19, 50), (31, 50)), 0.9, box)
    >>> appearance = np.full(300, 300**-0.5, np.float32)
    >>> tracker = FaceTracker()
    >>> tracker.update(0.0, [face], [appearance]), tracker.update(0.1, [face], [appearance])
    ([1], [1])
    """

    def __init__(self, config: TrackerConfig | None = None) -> None:
        self._config = config or TrackerConfig()
        self._tracks: list[_Track] = []
        self._count = 0

    def reset(self) -> None:
        """End all tracks, as after a hard cut: no later face continues one of them."""
        self._tracks.clear()

    def update(
        self,
        time: float,
        detections: Sequence[Detection],
        appearances: Sequence[Appearance],
        *,
        reshaped: bool = False,
    ) -> list[int]:
        """Assign person numbers to the faces of the next frame.

        Args:
            time: time of the frame, in seconds; rising from call to call.
            detections: faces of the frame.
            appearances: one descriptor per face, see :func:`appearance_descriptor`.
            reshaped: whether the frame has another aspect ratio or orientation than the one before.
                Then tracks are re-identified by appearance before they are continued by motion.

        Returns:
            One person number per face, from 1.
        """
        config = self._config
        max_age = max(config.max_lost_seconds, config.max_reid_seconds)
        self._tracks = [track for track in self._tracks if time - track.last_seen <= max_age]
        numbers: dict[int, int] = {}
        if reshaped:
            self._assign(
                self._tracks,
                time,
                detections,
                appearances,
                numbers,
                by_motion=False,
                min_similarity=config.reid_threshold,
            )
        recent = [
            track
            for track in self._tracks
            if time - track.last_seen <= config.max_lost_seconds
            and track.number not in numbers.values()
        ]
        min_similarity = config.rotated_threshold if reshaped else -math.inf
        self._assign(
            recent,
            time,
            detections,
            appearances,
            numbers,
            by_motion=True,
            min_similarity=min_similarity,
        )
        lost = [
            track
            for track in self._tracks
            if track.number not in numbers.values() and track.last_seen < time
        ]
        self._assign(
            lost,
            time,
            detections,
            appearances,
            numbers,
            by_motion=False,
            min_similarity=config.reid_threshold,
        )
        for index, detection in enumerate(detections):
            if index not in numbers:
                self._count += 1
                numbers[index] = self._count
                self._tracks.append(_Track(self._count, time, detection, appearances[index]))
        if reshaped:
            for track in self._tracks:
                track.velocity = np.zeros(2)  # the rotation of the frame moved the boxes
        return [numbers[index] for index in range(len(detections))]

    def _assign(
        self,
        tracks: list[_Track],
        time: float,
        detections: Sequence[Detection],
        appearances: Sequence[Appearance],
        numbers: dict[int, int],
        *,
        by_motion: bool,
        min_similarity: float,
    ) -> None:
        """Assign unmatched detections to tracks by motion, or else by appearance alone.

        Matched tracks are updated, and their numbers added to ``numbers``.
        """
        from scipy.optimize import linear_sum_assignment

        unmatched = [index for index in range(len(detections)) if index not in numbers]
        if not tracks or not unmatched:
            return
        costs = np.full((len(tracks), len(unmatched)), _MAX_COST)
        for row, track in enumerate(tracks):
            for column, index in enumerate(unmatched):
                similarity = cosine_similarity(track.appearance, appearances[index])
                if similarity >= min_similarity:
                    costs[row, column] = (
                        self._motion_cost(track, time, detections[index], similarity)
                        if by_motion
                        else 1 - similarity
                    )
        for row, column in zip(*linear_sum_assignment(costs), strict=True):
            if costs[row, column] < _MAX_COST:
                index = unmatched[column]
                occluded = any(
                    box_iou(detections[index].full_box, other.full_box) > 0.1
                    for other_index, other in enumerate(detections)
                    if other_index != index
                )
                tracks[row].update(time, detections[index], appearances[index], occluded=occluded)
                numbers[index] = tracks[row].number

    def _motion_cost(
        self, track: _Track, time: float, detection: Detection, similarity: float
    ) -> float:
        config, predicted, detected = self._config, track.predict(time), detection.full_box
        size = _size(predicted)
        if not 1 / config.max_size_ratio <= size / _size(detected) <= config.max_size_ratio:
            return _MAX_COST
        if math.dist(predicted.centre, detected.centre) / size > config.max_distance:
            return _MAX_COST
        previous = track.detection
        dx, dy = predicted.x - previous.full_box.x, predicted.y - previous.full_box.y
        distances = [
            math.dist((x + dx, y + dy), point)
            for (x, y), point in zip(previous.landmarks, detection.landmarks, strict=True)
        ]
        landmark_distance = sum(distances) / len(distances)
        return (
            (1 - box_iou(predicted, detected))
            + min(1.0, landmark_distance / size)
            + 0.5 * (1 - similarity)
        )


def appearance_descriptor(image: npt.NDArray[np.uint8], detection: Detection) -> Appearance:
    """Compute an appearance descriptor: the face and its surroundings as 10 x 10 colours.

    Args:
        image: (h, w, 3) uint8 RGB.
        detection: detection in this image.

    Returns:
        (300,) float32 with mean 0 and norm 1, so that a scalar product is a correlation; zeros if
        the face lies outside the image.
    """
    import cv2

    box = detection.full_box
    side = 1.4 * _size(box)
    left, top = int(box.centre[0] - side / 2), int(box.centre[1] - side / 2)
    right, bottom = int(left + side) + 1, int(top + side) + 1
    height, width = image.shape[:2]
    patch = image[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
    if patch.size == 0:
        return np.zeros(300, np.float32)
    step = max(1, int(side) // 40)  # at least four samples per cell and axis
    small = cv2.resize(patch[::step, ::step], (10, 10), interpolation=cv2.INTER_AREA)
    small = small.astype(np.float32)
    vector = small.ravel() - small.mean()
    descriptor: Appearance = vector / max(float(np.linalg.norm(vector)), 1e-6)
    return descriptor


def cosine_similarity(first: Appearance, second: Appearance) -> float:
    """Return the cosine similarity of two appearance descriptors, in -1..1."""
    return float(first @ second)


@dataclass
class _Track:
    """Track of a person: last detection, velocity in pixels per second, and appearance."""

    number: int
    last_seen: float
    detection: Detection
    appearance: Appearance
    velocity: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    def predict(self, time: float) -> Box:
        """Predict the box at ``time`` by constant velocity."""
        dx, dy = self.velocity * (time - self.last_seen)
        box = self.detection.full_box
        return Box(box.x + dx, box.y + dy, box.width, box.height)

    def update(
        self, time: float, detection: Detection, appearance: Appearance, *, occluded: bool
    ) -> None:
        """Update the track by a detection.

        Velocity and appearance are exponential moving averages; they stay as they were if the face
        overlaps another one.
        """
        elapsed = time - self.last_seen
        if elapsed > 0 and not occluded:
            previous, current = self.detection.full_box.centre, detection.full_box.centre
            velocity = np.subtract(current, previous) / elapsed
            self.velocity = 0.5 * self.velocity + 0.5 * np.asarray(velocity, float)
            average: Appearance = np.float32(0.8) * self.appearance + np.float32(0.2) * appearance
            self.appearance = average / np.float32(max(float(np.linalg.norm(average)), 1e-6))
        self.last_seen, self.detection = time, detection


def _size(box: Box) -> float:
    return math.sqrt(max(box.width * box.height, 1.0))


def box_iou(a: Box, b: Box) -> float:
    """Return the intersection over union of two boxes, in 0..1."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return 0.0
    intersection = width * height
    return intersection / (a.width * a.height + b.width * b.height - intersection)
