"""What the player draws, as compact JSON."""

from __future__ import annotations

import base64
import json
from collections.abc import Sequence
from typing import Any, Final

from emosense.emotions import EMOTIONS
from emosense.results import FrameResult, KeyMoment, TrackedFace

FACE_FIELDS: Final = ("frame", "person", "x", "y", "width", "height", "sure", "poor", *EMOTIONS)
"""Values of a face in the order in which they are sent: ``frame`` is the index of its analysed frame,
boxes are in pixels, ``sure`` is 0 or 1, ``poor`` too (whether its picture is poor, which its flags name),
probabilities are in thousandths."""

MAX_FRAMES: Final = 2000
"""Analysed frames of one part: a second of the server's time for pages would be too much."""


def frames_json(frames: Sequence[FrameResult], first: int, *, is_done: bool) -> bytes:
    """Return a part of a video's analysed frames.

    Args:
        frames: all analysed frames so far.
        first: index of the first frame of the part.
        is_done: whether the analysis is over.

    Returns:
        JSON with ``first``, ``next`` (the index that the next part begins with), ``complete`` (whether
        nothing follows), ``indices`` and ``times`` (in seconds) of the frames, ``cuts`` (the times of
        those that begin a scene), and ``faces``, each with :data:`FACE_FIELDS`.

    >>> json.loads(frames_json([FrameResult(3, 0.1, ())], 0, is_done=True))["complete"]
    True
    """
    part = frames[first : first + MAX_FRAMES]
    end = first + len(part)
    content = {
        "first": first,
        "next": end,
        "complete": is_done and end >= len(frames),
        "indices": [frame.index for frame in part],
        "times": [round(frame.time, 6) for frame in part],
        "cuts": [round(frame.time, 6) for frame in part if frame.scene_cut],
        "faces": [
            [number, *face_values(tracked)]
            for number, frame in enumerate(part, start=first)
            for tracked in frame.faces
        ],
    }
    return json.dumps(content, separators=(",", ":")).encode()


def key_moments_json(moments: Sequence[KeyMoment]) -> bytes:
    """Return key moments as a JSON list: person, emotion, probability, time, and a picture's data URL.

    >>> key_moments_json([KeyMoment(1, "happy", 0.9, index=50, time=2.0, picture=b"?")])
    b'[[1,"happy",0.9,2.0,"data:image/jpeg;base64,Pw=="]]'
    """
    content = [
        [
            moment.person,
            moment.emotion,
            round(moment.probability, 3),
            moment.time,
            f"data:image/jpeg;base64,{base64.b64encode(moment.picture).decode()}",
        ]
        for moment in moments
    ]
    return json.dumps(content, separators=(",", ":")).encode()


def face_values(tracked: TrackedFace) -> list[Any]:
    """Return the values of a face, :data:`FACE_FIELDS` without the frame."""
    face, box = tracked.face, tracked.face.box
    return [
        tracked.person,
        *(round(value, 1) for value in (box.x, box.y, box.width, box.height)),
        int(face.sure),
        int(bool(face.flags)),
        *(round(1000 * probability) for probability in face.probabilities),
    ]
