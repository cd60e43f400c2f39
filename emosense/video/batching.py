"""When a batch of frames goes through detector and network, and how many may wait for others."""

from __future__ import annotations

from typing import Final

from emosense.video.queues import Frame

BATCH_SIZE: Final = 8
"""Maximum number of sampled frames that go through detector and network together."""

MAX_BATCH_BYTES: Final = 60 * 10**6
"""Bytes of images, above which a smaller batch goes through: ten of 1920 x 1080 fit. Three batches are
in memory at once."""

MAX_BATCH_SECONDS: Final = 2.0
"""Seconds of video after which a smaller batch goes through, so that sparse frames are not late."""

MAX_DELAYED_BYTES: Final = 120 * 10**6
"""Most bytes of images that wait until faces can be interpolated between detection frames: 19 of
1920 x 1080. Above, faces are detected instead, as in a film of a thousand frames a second."""


def is_full(batch: list[Frame]) -> bool:
    """Return whether a batch is full, by its sampled frames, all frames, bytes or duration."""
    sampled = sum(frame.sampled for frame in batch)
    return (
        sampled >= BATCH_SIZE
        or len(batch) >= 2 * BATCH_SIZE
        or sum(frame.nbytes for frame in batch) >= MAX_BATCH_BYTES
        or batch[-1].time - batch[0].time >= MAX_BATCH_SECONDS
    )


def frame_index(frame: Frame, batch: list[Frame]) -> int:
    """Return the index of ``frame`` itself in ``batch``; 0 if it is not there."""
    return next((index for index, other in enumerate(batch) if other is frame), 0)
