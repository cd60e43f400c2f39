"""Timelines: the probabilities of each person of a video over time."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emosense.results import UNSURE, VERDICTS, Face, VideoResult


@dataclass(frozen=True)
class Timeline:
    """A person's probabilities over time.

    Attributes:
        person: number of the person, from 1.
        times: (n,) times in seconds of the analysed frames that show the person, rising.
        probabilities: (n, 7) probabilities in 0..1, in the order of
            :data:`~emosense.emotions.EMOTIONS`.
        sure: (n,) bool; False where the model abstains.
        seconds: (n,) durations of the frames: seconds until the next analysed frame.

    >>> timeline = Timeline(
    ...     person=1,
    ...     times=np.array([0.0, 0.5]),
    ...     probabilities=np.eye(7)[[3, 6]],
    ...     sure=np.array([True, True]),
    ...     seconds=np.array([0.5, 1.5]),
    ... )
    >>> timeline.dominant, timeline.time_share["neutral"]
    ('neutral', 0.75)
    """

    person: int
    times: npt.NDArray[np.float64]
    probabilities: npt.NDArray[np.float64]
    sure: npt.NDArray[np.bool_]
    seconds: npt.NDArray[np.float64]

    @property
    def visible_seconds(self) -> float:
        """Total duration in seconds of the frames that show the person."""
        return float(self.seconds.sum())

    @property
    def time_share(self) -> dict[str, float]:
        """Fraction of the visible time by verdict (the emotions and "unsure"), in 0..1."""
        verdicts = np.where(self.sure, self.probabilities.argmax(axis=1), VERDICTS.index(UNSURE))
        durations = np.bincount(verdicts, weights=self.seconds, minlength=len(VERDICTS))
        fractions = durations / max(self.visible_seconds, 1e-9)
        return dict(zip(VERDICTS, fractions.tolist(), strict=True))

    @property
    def dominant(self) -> str:
        """The verdict with the longest total duration."""
        return max(self.time_share, key=self.time_share.__getitem__)


def timelines(result: VideoResult) -> tuple[Timeline, ...]:
    """Return one timeline per person, in the order of the persons' numbers."""
    times = np.array([frame.time for frame in result.frames])
    intervals = np.diff(times)
    # The last frame counts for the median interval; a single one for the video, or one second.
    last = float(np.median(intervals)) if len(intervals) else result.info.duration or 1.0
    seconds = np.append(intervals, last)
    rows_by_person: dict[int, list[tuple[int, Face]]] = {}
    for index, frame in enumerate(result.frames):
        for tracked in frame.faces:
            rows_by_person.setdefault(tracked.person, []).append((index, tracked.face))
    per_person = []
    for person, rows in sorted(rows_by_person.items(), key=lambda item: item[0]):
        indices = [index for index, _ in rows]
        per_person.append(
            Timeline(
                person,
                times[indices],
                np.array([face.probabilities for _, face in rows]),
                np.array([face.sure for _, face in rows]),
                seconds[indices],
            )
        )
    return tuple(per_person)
