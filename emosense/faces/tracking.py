"""Multi-face tracking: the same person keeps the same number from frame to frame.

Tracking by detection: each known person's face is moved on at its last speed, and faces are
assigned to people so that the sum of costs (overlap, landmarks, appearance) is smallest
(Kuhn 1955, as Bewley et al. 2016, arXiv:1602.00763, use it in SORT).
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

_IMPOSSIBLE: Final = 1e6


@dataclass(frozen=True)
class TrackerConfig:
    """Thresholds of tracking and re-identification.

    Attributes:
        max_lost_seconds: seconds for which a person may be unseen (hidden, turned away) and still be
            recognised by place and speed.
        max_reid_seconds: seconds for which a person who left may come back anywhere and be recognised
            by appearance alone.
        reid_threshold: cosine similarity of appearances in -1..1 from which a person who comes back
            is the same.
        rotated_threshold: cosine similarity from which a face in the same place is the same person's although the
            picture has another shape now: places tell little then. A head that tilts with the
            phone keeps .69, another scene with a face in the middle has less than .3.
        max_distance: how far a face may lie from where it is expected, in units of its size.
        max_size_ratio: factor by which its size may change.

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
        config: when a face is the same person's.

    >>> box = Box(10, 20, 30, 40)
    >>> face = Detection(box, ((18, 32), (32, 32), (25, 42), (19, 50), (31, 50)), 0.9, box)
    >>> appearance = np.full(300, 300**-0.5, np.float32)
    >>> tracker = FaceTracker()
    >>> tracker.update(0.0, [face], [appearance]), tracker.update(0.1, [face], [appearance])
    ([1], [1])
    """

    def __init__(self, config: TrackerConfig | None = None) -> None:
        self._config = config or TrackerConfig()
        self._known: list[_Person] = []
        self._count = 0

    def reset(self) -> None:
        """End all tracks: after a hard cut nobody is taken for somebody from before."""
        self._known.clear()

    def update(
        self,
        time: float,
        detections: Sequence[Detection],
        appearances: Sequence[Appearance],
        *,
        reshaped: bool = False,
    ) -> list[int]:
        """Number the faces of the next frame.

        Args:
            time: time of the frame, in seconds; rising from call to call.
            detections: faces of the frame.
            appearances: one vector per face, see :func:`appearance_descriptor`.
            reshaped: whether the picture has another shape or orientation than the one before, so
                that looks tell more than places.

        Returns:
            One number per face, from 1.
        """
        config = self._config
        self._known = [
            p
            for p in self._known
            if time - p.seen <= max(config.max_lost_seconds, config.max_reid_seconds)
        ]
        numbers: dict[int, int] = {}
        if reshaped:
            self._assign(
                self._known,
                time,
                detections,
                appearances,
                numbers,
                by_place=False,
                min_similarity=config.reid_threshold,
            )
        near = [
            p
            for p in self._known
            if time - p.seen <= config.max_lost_seconds and p.number not in numbers.values()
        ]
        min_similarity = config.rotated_threshold if reshaped else -math.inf
        self._assign(
            near,
            time,
            detections,
            appearances,
            numbers,
            by_place=True,
            min_similarity=min_similarity,
        )
        far = [p for p in self._known if p.number not in numbers.values() and p.seen < time]
        self._assign(
            far,
            time,
            detections,
            appearances,
            numbers,
            by_place=False,
            min_similarity=config.reid_threshold,
        )
        for index, detection in enumerate(detections):
            if index not in numbers:
                self._count += 1
                numbers[index] = self._count
                self._known.append(_Person(self._count, time, detection, appearances[index]))
        if reshaped:
            for person in self._known:
                person.speed = np.zeros(2)  # they were moved by the picture
        return [numbers[index] for index in range(len(detections))]

    def _assign(
        self,
        people: list[_Person],
        time: float,
        detections: Sequence[Detection],
        appearances: Sequence[Appearance],
        numbers: dict[int, int],
        *,
        by_place: bool,
        min_similarity: float,
    ) -> None:
        from scipy.optimize import linear_sum_assignment

        free = [index for index in range(len(detections)) if index not in numbers]
        if not people or not free:
            return
        costs = np.full((len(people), len(free)), _IMPOSSIBLE)
        for row, person in enumerate(people):
            for column, index in enumerate(free):
                similarity = cosine_similarity(person.appearance, appearances[index])
                if similarity >= min_similarity:
                    costs[row, column] = (
                        self._cost_by_place(person, time, detections[index], similarity)
                        if by_place
                        else 1 - similarity
                    )
        for row, column in zip(*linear_sum_assignment(costs), strict=True):
            if costs[row, column] < _IMPOSSIBLE:
                index = free[column]
                crowded = any(
                    box_iou(detections[index].full_box, other.full_box) > 0.1
                    for place, other in enumerate(detections)
                    if place != index
                )
                people[row].move(time, detections[index], appearances[index], crowded)
                numbers[index] = people[row].number

    def _cost_by_place(
        self, person: _Person, time: float, detection: Detection, similarity: float
    ) -> float:
        config, expected, found = self._config, person.expected(time), detection.full_box
        size, other = _size(expected), _size(found)
        if not 1 / config.max_size_ratio <= size / other <= config.max_size_ratio:
            return _IMPOSSIBLE
        away = math.dist(expected.centre, found.centre) / size
        if away > config.max_distance:
            return _IMPOSSIBLE
        moved = (expected.x - person.last.full_box.x, expected.y - person.last.full_box.y)
        landmarks = float(
            np.mean(
                [
                    math.dist((ax + moved[0], ay + moved[1]), b)
                    for (ax, ay), b in zip(person.last.landmarks, detection.landmarks, strict=True)
                ]
            )
        )
        return (1 - box_iou(expected, found)) + min(1.0, landmarks / size) + 0.5 * (1 - similarity)


def appearance_descriptor(image: npt.NDArray[np.uint8], detection: Detection) -> Appearance:
    """Return an appearance descriptor: the face's surroundings as a small colour picture.

    Args:
        image: (h, w, 3) uint8 RGB.
        detection: a face of it.

    Returns:
        (300,) float32 with mean 0 and length 1, so that a product is a correlation.
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
    step = max(1, int(side) // 40)  # four samples a cell and direction are enough
    small = cv2.resize(patch[::step, ::step], (10, 10), interpolation=cv2.INTER_AREA)
    small = small.astype(np.float32)
    vector = small.ravel() - small.mean()
    describe_value: Appearance = vector / max(float(np.linalg.norm(vector)), 1e-6)
    return describe_value


def cosine_similarity(first: Appearance, second: Appearance) -> float:
    """Return the correlation of two appearances, in -1..1."""
    return float(first @ second)


@dataclass
class _Person:
    """A track: last detection, velocity in pixels a second, and appearance."""

    number: int
    seen: float
    last: Detection
    appearance: Appearance
    speed: npt.NDArray[np.float64] = field(default_factory=lambda: np.zeros(2))

    def expected(self, time: float) -> Box:
        """Return the box that constant velocity predicts for ``time``."""
        dx, dy = self.speed * (time - self.seen)
        box = self.last.full_box
        return Box(box.x + dx, box.y + dy, box.width, box.height)

    def move(self, time: float, detection: Detection, looks: Appearance, crowded: bool) -> None:
        """Update the track; among overlapping faces velocity and appearance stay as they were."""
        step = time - self.seen
        if step > 0 and not crowded:
            ahead = np.subtract(detection.full_box.centre, self.last.full_box.centre) / step
            self.speed = 0.5 * self.speed + 0.5 * np.asarray(ahead, float)
            mixed: Appearance = np.float32(0.8) * self.appearance + np.float32(0.2) * looks
            self.appearance = mixed / np.float32(max(float(np.linalg.norm(mixed)), 1e-6))
        self.seen, self.last = time, detection


def _size(box: Box) -> float:
    return math.sqrt(max(box.width * box.height, 1.0))


def box_iou(a: Box, b: Box) -> float:
    """Return intersection over union, in 0..1."""
    width = min(a.x + a.width, b.x + b.width) - max(a.x, b.x)
    height = min(a.y + a.height, b.y + b.height) - max(a.y, b.y)
    if width <= 0 or height <= 0:
        return 0.0
    inside = width * height
    return inside / (a.width * a.height + b.width * b.height - inside)
