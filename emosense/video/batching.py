"""When a batch of frames goes through detector and network, and how many may wait for others."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from emosense.video.options import BATCH_SIZE
from emosense.video.queues import Frame

MAX_BATCH_FRAMES: Final = 16
"""Maximum number of the video's frames that a batch spans."""

MAX_BATCH_BYTES: Final = 60 * 10**6
"""Bytes of the images of all frames that a batch spans, above which a smaller one goes through: nine of
1920 x 1080 fit. Three batches are in memory at once."""

MAX_BATCH_SECONDS: Final = 2.0
"""Seconds of video that a batch spans at most, so that sparse frames are not late."""

MAX_DELAYED_BYTES: Final = 120 * 10**6
"""Most bytes of images that wait until faces can be interpolated between detection frames: 19 of
1920 x 1080. Above, faces are detected instead, as in a film of a thousand frames a second."""


def is_full(batch: Sequence[Frame], following: Frame | None = None) -> bool:
    """Return whether a batch goes on: it is full, or the next frame lies too far from its first.

    Of the video's frames that it spans those count, too, that are not in it. So a batch ends with the
    same sampled frame whether or not the others are drawn on: the faces found depend on where it ends.

    Args:
        batch: frames in order.
        following: the frame after them.
    """
    sampled = [frame for frame in batch if frame.sampled]
    if len(sampled) >= BATCH_SIZE:
        return True
    if following is None or not batch:
        return False
    first = (sampled or batch)[0]
    span = following.index - first.index
    return (
        span >= MAX_BATCH_FRAMES
        or span * first.nbytes >= MAX_BATCH_BYTES
        or following.time - first.time >= MAX_BATCH_SECONDS
    )


def frame_index(frame: Frame, batch: list[Frame]) -> int:
    """Return the index of ``frame`` itself in ``batch``; 0 if it is not there."""
    return next((index for index, other in enumerate(batch) if other is frame), 0)
