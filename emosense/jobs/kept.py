"""How much memory results take, about; for the limits of what pages keep."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from emosense.results import FrameResult, KeyMoment, PhotoFailure, PhotoResult

FACE_BYTES: Final = 2400
"""A face with its numbers; 1,850 measured, and 300 for its frame."""
_RESULT_BYTES: Final = 1000
_CHARACTER_BYTES: Final = 4
"""The most that Python takes for a character: names of files are foreign text."""


def photo_bytes(
    result: PhotoResult | PhotoFailure, preview: bytes = b"", crops: Iterable[bytes] = ()
) -> int:
    """Return the bytes that a photo's result takes with its pictures.

    >>> photo_bytes(PhotoFailure("a.jpg", "It is damaged."), b"12345")
    1081
    """
    texts, faces = len(result.source), 0
    if isinstance(result, PhotoFailure):
        texts += len(result.message)
    else:
        faces = len(result.faces)
    pictures = len(preview) + sum(map(len, crops))
    return _RESULT_BYTES + _CHARACTER_BYTES * texts + FACE_BYTES * faces + pictures


def frames_bytes(frames: Iterable[FrameResult]) -> int:
    """Return the bytes that frames of a video take with their faces.

    >>> frames_bytes([FrameResult(0, 0.0, ()), FrameResult(1, 0.1, ())])
    2000
    """
    return sum(_RESULT_BYTES + FACE_BYTES * len(frame.faces) for frame in frames)


def key_moments_bytes(key_moments: Iterable[KeyMoment]) -> int:
    """Return the bytes that key moments take with their pictures.

    >>> key_moments_bytes([KeyMoment(1, "happy", 0.9, index=50, time=2.0, picture=b"12345")])
    1005
    """
    return sum(_RESULT_BYTES + len(moment.picture) for moment in key_moments)
