"""Timelines: a video's frames, per person."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.results import UNSURE, VERDICTS, Face, VideoResult


@dataclass(frozen=True)
class Timeline:
    """A person's probabilities over time.

    Attributes:
        person: number.
        times: (n,) seconds of the analysed frames that show the person, rising.
        probabilities: (n, 7) in FER2013's order.
        sure: (n,) bool, whether the top one is probable enough.
        seconds: (n,) for how long each frame stands: until the next analysed one.

    >>> timeline = Timeline(
    ...     person=1,
    ...     times=np.array([0.0, 0.1]),
    ...     probabilities=np.eye(7)[[3, 6]],
    ...     sure=np.array([True, True]),
    ...     seconds=np.array([0.1, 0.3]),
    ... )
    >>> timeline.dominant
    'neutral'
    """

    person: int
    times: npt.NDArray[np.float64]
    probabilities: npt.NDArray[np.float64]
    sure: npt.NDArray[np.bool_]
    seconds: npt.NDArray[np.float64]

    @property
    def visible_seconds(self) -> float:
        """Seconds for which the person is seen."""
        return float(self.seconds.sum())

    @property
    def time_share(self) -> dict[str, float]:
        """Fraction of the visible time of each verdict (the emotions and "unsure"), in 0..1."""
        top = np.where(self.sure, self.probabilities.argmax(axis=1), VERDICTS.index(UNSURE))
        time = np.bincount(top, weights=self.seconds, minlength=len(VERDICTS))
        return dict(zip(VERDICTS, (time / max(self.visible_seconds, 1e-9)).tolist(), strict=True))

    @property
    def dominant(self) -> str:
        """The verdict that stands for the longest time."""
        return max(self.time_share, key=self.time_share.__getitem__)

    def moving_average(self, window: float) -> npt.NDArray[np.float64]:
        """Return (n, 7) means over ``window`` seconds around each moment; raw for 0."""
        if window <= 0:
            return self.probabilities
        first = np.searchsorted(self.times, self.times - window / 2 - 1e-9)
        last = np.searchsorted(self.times, self.times + window / 2 + 1e-9)
        sums = np.vstack([np.zeros(len(EMOTIONS)), self.probabilities.cumsum(axis=0)])
        return np.asarray((sums[last] - sums[first]) / (last - first)[:, np.newaxis])


def timelines(result: VideoResult) -> tuple[Timeline, ...]:
    """Return one timeline per person, in the order of their numbers."""
    times = np.array([frame.time for frame in result.frames])
    steps = np.diff(times)
    # A single frame stands for the whole video, or for a second.
    typical = float(np.median(steps)) if len(steps) else result.info.duration or 1.0
    seconds = np.append(steps, typical)
    rows: dict[int, list[tuple[int, Face]]] = {}
    for place, frame in enumerate(result.frames):
        for tracked in frame.faces:
            rows.setdefault(tracked.person, []).append((place, tracked.face))
    lines = []
    for person in sorted(rows):
        places = [place for place, _ in rows[person]]
        lines.append(
            Timeline(
                person,
                times[places],
                np.array([face.probabilities for _, face in rows[person]]),
                np.array([face.sure for _, face in rows[person]]),
                seconds[places],
            )
        )
    return tuple(lines)
