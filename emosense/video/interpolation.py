"""Linear interpolation of detections between two detection frames, and rescaling."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from emosense.results import Box, Detection, Point, TrackedFace
from emosense.video.queues import Frame


def interpolate_detections(
    time: float,
    before: Frame,
    persons_before: Sequence[int],
    after: Frame,
    persons_after: Sequence[int],
) -> tuple[tuple[Detection, ...], list[int]]:
    """Interpolate the faces that are seen before and after linearly.

    Args:
        time: time of the interpolated frame, in seconds.
        before: the searched frame before it.
        persons_before: person numbers of its detections.
        after: the searched frame after it.
        persons_after: person numbers of its detections.

    Returns:
        (detections, their people).
    """
    fraction = (time - before.time) / max(after.time - before.time, 1e-9)
    known = dict(zip(persons_after, after.detections, strict=True))
    placed, people = [], []
    for number, first in zip(persons_before, before.detections, strict=True):
        if number in known:
            second = known[number]
            placed.append(
                Detection(
                    box=_mixed_box(first.box, second.box, fraction),
                    landmarks=tuple(  # type: ignore[arg-type]  # five in, five out
                        _mixed(a, b, fraction)
                        for a, b in zip(first.landmarks, second.landmarks, strict=True)
                    ),
                    score=min(first.score, second.score),
                    full_box=_mixed_box(first.full_box, second.full_box, fraction),
                )
            )
            people.append(number)
    return tuple(placed), people


def scaled(tracked: TrackedFace, factor: float) -> TrackedFace:
    """Return a face with its coordinates multiplied."""
    face = tracked.face
    return replace(
        tracked,
        face=replace(
            face,
            box=face.box.scaled(factor),
            full_box=None if face.full_box is None else face.full_box.scaled(factor),
            landmarks=tuple((x * factor, y * factor) for x, y in face.landmarks),  # type: ignore[arg-type]
        ),
    )


def _mixed(a: Point, b: Point, fraction: float) -> Point:
    return a[0] + fraction * (b[0] - a[0]), a[1] + fraction * (b[1] - a[1])


def _mixed_box(a: Box, b: Box, fraction: float) -> Box:
    (x, y), (width, height) = (
        _mixed((a.x, a.y), (b.x, b.y), fraction),
        _mixed((a.width, a.height), (b.width, b.height), fraction),
    )
    return Box(x, y, width, height)
