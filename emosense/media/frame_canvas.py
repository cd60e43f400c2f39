"""The upright picture of a video, which every one of its frames is fitted into."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from emosense.media.images import RgbImage
from emosense.media.orientation import Orientation
from emosense.media.tone_mapping import FrameToneMapper, is_hdr

_STRETCH: Final = (0.25, 4.0)
"""Shapes of pixels that are believed: width by height."""


class FrameCanvas:
    """The upright picture of a video, of the first frame's shape.

    Args:
        first: the video's first frame.
        stream: its video stream.
        long_side: limit of the canvas' long side, in pixels.

    >>> import av
    >>> from emosense.media.sample_clip import write_sample_clip
    >>> from pathlib import Path
    >>> write_sample_clip(Path("clip.mp4"))
    >>> with av.open("clip.mp4") as container:
    ...     frame = next(container.decode(video=0))
    ...     FrameCanvas(frame, container.streams.video[0], 320).picture(frame, Orientation()).shape
    (240, 320, 3)
    """

    def __init__(self, first: Any, stream: Any, long_side: int) -> None:
        self._stream = stream
        self.orientation = Orientation.of_frame(first) or Orientation()
        self.shown = self.orientation.size(*_shown_size(first, stream))
        scale = min(1.0, long_side / max(self.shown))
        self._size = self.shown if scale == 1 else _scaled(self.shown, scale)
        self._mapper: FrameToneMapper | None = None

    def fitted(self, frame: Any, orientation: Orientation) -> tuple[int, int]:
        """Return (width, height) that an upright frame takes of the canvas, in its proportions."""
        shown = orientation.size(*_shown_size(frame, self._stream))
        if shown == self.shown:
            return self._size
        return _scaled(shown, min(self._size[0] / shown[0], self._size[1] / shown[1]))

    def picture(self, frame: Any, orientation: Orientation) -> RgbImage:
        """Return a frame as (h, w, 3) uint8 RGB of the canvas' size."""
        width, height = self._size
        fitted = self.fitted(frame, orientation)
        stored = orientation.size(*fitted)  # a quarter turn swaps the sides, either way
        image = orientation.upright(self._rgb(frame, *stored))
        if fitted == self._size:
            return np.ascontiguousarray(image)
        left, top = (width - fitted[0]) // 2, (height - fitted[1]) // 2
        canvas = np.zeros((height, width, 3), np.uint8)
        canvas[top : top + fitted[1], left : left + fitted[0]] = image
        return canvas

    def _rgb(self, frame: Any, width: int, height: int) -> RgbImage:
        if not is_hdr(frame.color_trc):
            array = frame.reformat(format="rgb24", width=width, height=height).to_ndarray()
            return np.asarray(array, np.uint8)
        target = (width, height, int(frame.color_trc), int(frame.color_primaries))
        if self._mapper is None or self._mapper.key != target:
            self._mapper = FrameToneMapper(*target)
        return self._mapper.rgb(frame)


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(2, round(size[0] * scale)), max(2, round(size[1] * scale))


def _shown_size(frame: Any, stream: Any) -> tuple[int, int]:
    """Return (width, height) as players show a frame: pixels need not be square.

    The side that is stretched grows, so that nothing is lost.
    """
    shape = float(stream.sample_aspect_ratio or 1)
    if not _STRETCH[0] <= shape <= _STRETCH[1]:
        shape = 1.0
    return round(frame.width * max(1.0, shape)), round(frame.height * max(1.0, 1 / shape))
