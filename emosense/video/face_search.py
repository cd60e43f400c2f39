"""Search for faces in a batch of frames: whole frames at its ends, small regions in between.

Whoever is seen in two whole frames is looked for in a small region around the place between; every
face is found by the detector in its own frame. Where that does not do, as for somebody who comes or
goes, whole frames in between are searched until it does: a bisection, forwards and backwards.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Final

import cv2
import numpy as np

from emosense.faces.backends.base import NMS_IOU
from emosense.faces.options import DetectorOptions
from emosense.faces.regions import REGION_SIDE
from emosense.faces.tracking import box_iou
from emosense.results import Box, Detection
from emosense.video.frame_analyzer import FrameAnalyzer
from emosense.video.interpolation import interpolate_box
from emosense.video.options import MAX_GAP_SECONDS
from emosense.video.queues import Frame

_SCORE_MARGIN: Final = 0.25
"""How far below the minimum score a face may be to be looked for in the frames beside it."""
_MIN_CORRELATION: Final = 0.5
"""Correlation of two thumbnails below which too little of the picture is the same."""
_MAX_CHANGE: Final = 16.0
"""Grey values by which a part of a thumbnail may leave what the frames before and after show."""
_NEIGHBOURS: Final = np.ones((3, 3), np.uint8)
_MAX_DISTANCE: Final = 3.0
"""Most that a face moves between two whole frames, in units of its size."""
_MAX_SIZE_RATIO: Final = 1.4
_MIN_IOU: Final = 0.3
"""Overlap with the expected box from which a face is the expected one."""
_MAX_REGION_SHARE: Final = 0.6
"""Pixels of a frame's regions, as a part of those of the whole, above which the whole is searched."""


@dataclass(frozen=True)
class _Expected:
    """A face that is expected in a frame; ``certain`` if one of its neighbours surely shows it."""

    frame: Frame
    box: Box
    certain: bool


class FaceSearch:
    """Finds the faces of the frames of one video, batch after batch.

    Args:
        analyzer: detects faces.
        options: options of the detector.
        regions: whether to search regions between whole frames; else every frame is searched whole.
            On a GPU every frame is.

    >>> from emosense.analyzer import Analyzer
    >>> frame = Frame(0, 0.0, np.zeros((360, 640, 3), np.uint8), sampled=True)
    >>> FaceSearch(Analyzer(), DetectorOptions()).search([frame])
    >>> frame.detections
    ()
    """

    def __init__(
        self, analyzer: FrameAnalyzer, options: DetectorOptions, *, regions: bool = True
    ) -> None:
        self._analyzer, self._options = analyzer, options
        self._whole_only = not regions or analyzer.on_gpu
        lower = max(0.3, options.threshold - _SCORE_MARGIN)
        self._low = replace(options, threshold=min(lower, options.threshold))
        self._last: Frame | None = None  # the last frame of the batch before, without its image
        self._candidates: dict[int, tuple[Detection, ...]] = {}  # by the index of a whole frame

    def search(self, frames: Sequence[Frame]) -> None:
        """Set the detections of a batch's frames, sorted by falling score.

        Args:
            frames: all frames of the batch in which faces are searched, in order.
        """
        if self._whole_only:
            found = self._analyzer.detect_faces([frame.image for frame in frames], self._options)
            for frame, detections in zip(frames, found, strict=True):
                frame.detections = detections
        elif frames:
            self._search(frames)

    def _search(self, frames: Sequence[Frame]) -> None:
        row = [*([] if self._last is None else [self._last]), *frames]
        new_scene = [index for index, frame in enumerate(row) if frame.scene_cut or frame.reshaped]
        new_scene = [index for index in new_scene if row[index] is not self._last]
        ends = sorted({0, len(row) - 1, *new_scene, *(max(0, index - 1) for index in new_scene)})
        self._whole([row[index] for index in ends if row[index] is not self._last])
        expected: list[_Expected] = []
        for first, last in pairwise(ends):
            self._bisect(row[first : last + 1], expected)
        self._confirm(expected)
        keep = frames[-1]
        self._last = replace(keep, image=keep.image[:0], faces=())
        self._candidates = {keep.index: self._candidates[keep.index]}

    def _whole(self, frames: Sequence[Frame]) -> None:
        """Search whole frames; also note the faces that are not quite sure."""
        found = self._analyzer.detect_faces([frame.image for frame in frames], self._low)
        for frame, candidates in zip(frames, found, strict=True):
            self._candidates[frame.index] = candidates
            frame.detections = self._sure(candidates)

    def _bisect(self, row: Sequence[Frame], expected: list[_Expected]) -> None:
        """Collect the faces that are expected between two whole frames, the ends of the row.

        Frames in the middle are searched whole until their ends agree.
        """
        between = row[1:-1]
        if not between:
            return
        pairs = self._pairs(row[0], row[-1])
        if pairs is None:
            middle = len(row) // 2
            self._whole([row[middle]])
            self._bisect(row[: middle + 1], expected)
            self._bisect(row[middle:], expected)
            return
        certain = [max(a.score, b.score) >= self._options.threshold for a, b in pairs]
        for frame in between:
            fraction = (frame.time - row[0].time) / max(row[-1].time - row[0].time, 1e-9)
            boxes = [interpolate_box(a.full_box, b.full_box, fraction) for a, b in pairs]
            if _is_changed(frame, row[0], row[-1], boxes):
                self._whole([frame])
            else:
                expected += map(_Expected, [frame] * len(boxes), boxes, certain)

    def _pairs(self, first: Frame, last: Frame) -> list[tuple[Detection, Detection]] | None:
        """Return the faces that both frames show; None if that does not explain the frames between."""
        if last.time - first.time > MAX_GAP_SECONDS:
            return None
        if _correlation(first, last) < _MIN_CORRELATION:
            return None
        before, after = self._candidates[first.index], self._candidates[last.index]
        pairs = _matched(before, after)
        matched = {id(face) for pair in pairs for face in pair}
        if any(id(face) not in matched for face in (*first.detections, *last.detections)):
            return None
        height, width = last.image.shape[:2]
        scale = min(1.0, self._options.long_side / max(height, width))
        if len(pairs) * REGION_SIDE**2 > _MAX_REGION_SHARE * width * height * scale**2:
            return None
        return pairs

    def _confirm(self, expected: Sequence[_Expected]) -> None:
        """Find expected faces in regions, and search frames whole where that fails."""
        found = self._analyzer.detect_in_regions(
            [(face.frame.image, face.box) for face in expected], self._low
        )
        of_frame: dict[int, list[tuple[_Expected, tuple[Detection, ...]]]] = {}
        for face, detections in zip(expected, found, strict=True):
            of_frame.setdefault(face.frame.index, []).append((face, detections))
        missing: list[Frame] = []
        for faces in of_frame.values():
            frame = faces[0][0].frame
            candidates = _distinct([face for _, detections in faces for face in detections])
            frame.detections = self._sure(candidates)
            if any(face.certain and not _shows(frame.detections, face.box) for face, _ in faces):
                missing.append(frame)
        self._whole(missing)

    def _sure(self, candidates: Sequence[Detection]) -> tuple[Detection, ...]:
        return tuple(face for face in candidates if face.score >= self._options.threshold)


def _is_changed(frame: Frame, first: Frame, last: Frame, faces: Sequence[Box]) -> bool:
    """Return whether a part of a frame looks like neither of two frames around it.

    Known faces, and as much around them again, are left out: those move.
    """
    # A pixel of the thumbnail may also look like its neighbours: the camera pans.
    low = cv2.erode(cv2.min(first.thumbnail, last.thumbnail), _NEIGHBOURS)
    high = cv2.dilate(cv2.max(first.thumbnail, last.thumbnail), _NEIGHBOURS)
    outside = cv2.max(cv2.subtract(frame.thumbnail, high), cv2.subtract(low, frame.thumbnail))
    if outside.max() <= _MAX_CHANGE:
        return False
    height, width = outside.shape
    scale = np.array([width, height]) / np.array(frame.image.shape[1::-1])
    for face in faces:
        centre = np.array(face.centre) * scale
        half = np.array([face.width, face.height]) * scale
        left, top = np.maximum(np.floor(centre - half), 0).astype(int)
        right, bottom = np.maximum(np.ceil(centre + half), 0).astype(int)
        outside[top:bottom, left:right] = 0
    return bool(cv2.blur(outside, (3, 3)).max() > _MAX_CHANGE)


def _correlation(first: Frame, last: Frame) -> float:
    a, b = (frame.thumbnail.astype(np.float32) for frame in (first, last))
    a, b = a - a.mean(), b - b.mean()
    norm = math.sqrt(float((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / norm if norm > 1e-6 else 1.0


def _matched(
    before: Sequence[Detection], after: Sequence[Detection]
) -> list[tuple[Detection, Detection]]:
    """Pair the faces of two frames, nearest ones first."""
    costs = []
    for i, a in enumerate(before):
        for j, b in enumerate(after):
            size = math.sqrt(max(a.full_box.width * a.full_box.height, 1.0))
            other = math.sqrt(max(b.full_box.width * b.full_box.height, 1.0))
            distance = math.dist(a.full_box.centre, b.full_box.centre) / min(size, other)
            if distance <= _MAX_DISTANCE and max(size, other) <= _MAX_SIZE_RATIO * min(size, other):
                costs.append((distance, i, j))
    pairs: dict[int, int] = {}
    for _, i, j in sorted(costs):
        if i not in pairs and j not in pairs.values():
            pairs[i] = j
    return [(before[i], after[j]) for i, j in pairs.items()]


def _distinct(candidates: list[Detection]) -> list[Detection]:
    """Drop the second sight of faces that several regions show; sort by falling score."""
    kept: list[Detection] = []
    for face in sorted(candidates, key=lambda face: -face.score):
        if all(box_iou(face.full_box, other.full_box) <= NMS_IOU for other in kept):
            kept.append(face)
    return kept


def _shows(candidates: Sequence[Detection], box: Box) -> bool:
    return any(box_iou(face.full_box, box) >= _MIN_IOU for face in candidates)
