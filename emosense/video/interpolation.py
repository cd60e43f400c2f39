"""Linear interpolation of detections between two detection frames, and their rescaling."""

from __future__ import annotations

from collections.abc import Sequence

from emosense.results import Box, Detection, Point
from emosense.video.queues import Frame


def interpolate_detections(
    time: float,
    before: Frame,
    persons_before: Sequence[int],
    after: Frame,
    persons_after: Sequence[int],
) -> tuple[tuple[Detection, ...], list[int]]:
    """Interpolate linearly the detections of persons that both detection frames show.

    Args:
        time: time of the interpolated frame, in seconds.
        before: last detection frame before ``time``.
        persons_before: person numbers of the detections of ``before``, in their order.
        after: first detection frame after ``time``.
        persons_after: person numbers of the detections of ``after``, in their order.

    Returns:
        (interpolated detections, their person numbers); the score of a detection is the lower
        of its two.
    """
    fraction = (time - before.time) / max(after.time - before.time, 1e-9)
    detections_after = dict(zip(persons_after, after.detections, strict=True))
    interpolated, persons = [], []
    for person, start in zip(persons_before, before.detections, strict=True):
        if person in detections_after:
            end = detections_after[person]
            interpolated.append(
                Detection(
                    box=interpolate_box(start.box, end.box, fraction),
                    landmarks=tuple(  # type: ignore[arg-type]  # five in, five out
                        _interpolate_point(a, b, fraction)
                        for a, b in zip(start.landmarks, end.landmarks, strict=True)
                    ),
                    score=min(start.score, end.score),
                    full_box=interpolate_box(start.full_box, end.full_box, fraction),
                )
            )
            persons.append(person)
    return tuple(interpolated), persons


def _interpolate_point(a: Point, b: Point, fraction: float) -> Point:
    return a[0] + fraction * (b[0] - a[0]), a[1] + fraction * (b[1] - a[1])


def interpolate_box(a: Box, b: Box, fraction: float) -> Box:
    """Interpolate between two boxes: 0 gives the first, 1 the second."""
    x, y = _interpolate_point((a.x, a.y), (b.x, b.y), fraction)
    width, height = _interpolate_point((a.width, a.height), (b.width, b.height), fraction)
    return Box(x, y, width, height)
