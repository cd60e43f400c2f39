"""Letterboxing of video frames: all frames of a video get the size of the first one."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from emosense.media.images import RgbImage
from emosense.media.orientation import Orientation
from emosense.media.tone_mapping import FrameToneMapper, is_hdr

_ASPECT_RATIOS: Final = (0.25, 4.0)
"""Minimum and maximum of plausible sample aspect ratios (pixel width / height)."""


class FrameCanvas:
    """A canvas of the upright first frame's size, into which all frames of a video are letterboxed.

    Args:
        first_frame: first decoded frame of the video (PyAV).
        stream: video stream of the frames (PyAV).
        long_side: maximum of the canvas' long side, in pixels.

    Attributes:
        orientation: orientation of the first frame.
        display_size: (width, height) in pixels of the upright first frame as players show it,
            before it is scaled down to ``long_side``.

    >>> import av
    >>> from emosense.media.sample_clip import write_sample_clip
    >>> from pathlib import Path
    >>> write_sample_clip(Path("clip.mp4"))
    >>> with av.open("clip.mp4") as container:
    ...     frame = next(container.decode(video=0))
    ...     FrameCanvas(frame, container.streams.video[0], 320).picture(frame, Orientation()).shape
    (240, 320, 3)
    """

    def __init__(self, first_frame: Any, stream: Any, long_side: int) -> None:
        self._stream = stream
        self.orientation = Orientation.of_frame(first_frame) or Orientation()
        self.display_size = self.orientation.size(*_display_size(first_frame, stream))
        scale = min(1.0, long_side / max(self.display_size))
        self._size = self.display_size if scale == 1 else _scaled(self.display_size, scale)
        self._tone_mapper: FrameToneMapper | None = None

    def follow(self, stream: Any) -> None:
        """Take the frames of a stream that was opened again."""
        self._stream = stream

    def fitted_size(self, frame: Any, orientation: Orientation) -> tuple[int, int]:
        """Return the largest (width, height) of an upright frame that fits into the canvas.

        Args:
            frame: decoded frame (PyAV).
            orientation: orientation of the frame.
        """
        size = orientation.size(*_display_size(frame, self._stream))
        if size == self.display_size:
            return self._size
        return _scaled(size, min(self._size[0] / size[0], self._size[1] / size[1]))

    def picture(self, frame: Any, orientation: Orientation) -> RgbImage:
        """Convert a frame to an upright, letterboxed RGB image of the canvas' size.

        Args:
            frame: decoded frame (PyAV).
            orientation: orientation of the frame.

        Returns:
            (h, w, 3) uint8 RGB; HDR is tone-mapped.
        """
        canvas_width, canvas_height = self._size
        width, height = self.fitted_size(frame, orientation)
        stored_size = orientation.size(width, height)  # swaps the sides back
        image = orientation.upright(self._rgb(frame, *stored_size))
        if (width, height) == self._size:
            return np.ascontiguousarray(image)
        left, top = (canvas_width - width) // 2, (canvas_height - height) // 2
        canvas = np.zeros((canvas_height, canvas_width, 3), np.uint8)
        canvas[top : top + height, left : left + width] = image
        return canvas

    def _rgb(self, frame: Any, width: int, height: int) -> RgbImage:
        if not is_hdr(frame.color_trc):
            # By default FFmpeg starts a thread per processor for each frame, which takes three
            # times as long as the conversion itself (PyAV, issue 2200).
            rgb = frame.reformat(format="rgb24", width=width, height=height, threads=1)
            return np.asarray(rgb.to_ndarray(), np.uint8)
        key = (width, height, int(frame.color_trc), int(frame.color_primaries))
        if self._tone_mapper is None or self._tone_mapper.key != key:
            self._tone_mapper = FrameToneMapper(*key)
        return self._tone_mapper.rgb(frame)


def _scaled(size: tuple[int, int], scale: float) -> tuple[int, int]:
    return max(2, round(size[0] * scale)), max(2, round(size[1] * scale))


def _display_size(frame: Any, stream: Any) -> tuple[int, int]:
    """Return (width, height) in square pixels, by the sample aspect ratio.

    One side is enlarged and none reduced, so that no detail is lost.
    """
    aspect = float(stream.sample_aspect_ratio or 1)
    if not _ASPECT_RATIOS[0] <= aspect <= _ASPECT_RATIOS[1]:
        aspect = 1.0
    return round(frame.width * max(1.0, aspect)), round(frame.height * max(1.0, 1 / aspect))
