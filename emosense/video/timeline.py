"""Timelines: the probabilities of each person of a video over time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS
from emosense.results import UNSURE, VERDICTS, Face, VideoResult

_SAME_TIME: Final = 1e-6
"""Seconds between the end of a frame and the next one, below which there is no gap."""


@dataclass(frozen=True)
class Timeline:
    """A person's probabilities over time.

    Attributes:
        person: number of the person, from 1.
        times: (n,) times in seconds of the analysed frames that show the person, rising.
        probabilities: (n, 7) probabilities in 0..1, in the order of
            :data:`~emosense.emotions.EMOTIONS`.
        sure: (n,) bool; False where the model abstains.
        seconds: (n,) durations of the frames: seconds until the next analysed frame, or until an
            excluded stretch begins.
        name: name of the person, or ``person`` with the number.

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
    name: str = ""

    @property
    def label(self) -> str:
        """The name of the person, or ``person`` with the number."""
        return self.name or f"person {self.person}"

    @property
    def verdicts(self) -> npt.NDArray[np.intp]:
        """(n,) indices of the verdicts in :data:`~emosense.results.VERDICTS`."""
        verdicts = self.probabilities.argmax(axis=1)
        return np.where(self.sure, verdicts, VERDICTS.index(UNSURE))

    @property
    def mean(self) -> dict[str, float]:
        """Mean probability of each emotion over the visible time, in 0..1; zeros if there is none."""
        weights = self.seconds / max(self.visible_seconds, 1e-9)
        return dict(zip(EMOTIONS, (weights @ self.probabilities).tolist(), strict=True))

    @property
    def peak(self) -> dict[str, tuple[float, float]]:
        """Highest probability of each emotion and its time in seconds; empty without frames."""
        if not len(self.times):
            return {}
        rows = self.probabilities.argmax(axis=0)
        return {
            emotion: (float(self.probabilities[row, column]), float(self.times[row]))
            for column, (emotion, row) in enumerate(zip(EMOTIONS, rows, strict=True))
        }

    def between(self, start: float, end: float) -> Timeline:
        """Return the part of a stretch: the frames whose times are in start..end (without end)."""
        rows = (self.times >= start) & (self.times < end)
        return replace(
            self,
            times=self.times[rows],
            probabilities=self.probabilities[rows],
            sure=self.sure[rows],
            seconds=np.minimum(self.seconds[rows], end - self.times[rows]),
        )

    def runs(self) -> list[tuple[float, float, str]]:
        """Return the runs of one verdict without a gap: (start, end) in seconds, and the verdict."""
        return runs_of(self.times, self.seconds, [VERDICTS[index] for index in self.verdicts])

    @property
    def visible_seconds(self) -> float:
        """Total duration in seconds of the frames that show the person."""
        return float(self.seconds.sum())

    @property
    def time_share(self) -> dict[str, float]:
        """Fraction of the visible time by verdict (the emotions and "unsure"), in 0..1."""
        durations = np.bincount(self.verdicts, weights=self.seconds, minlength=len(VERDICTS))
        fractions = durations / max(self.visible_seconds, 1e-9)
        return dict(zip(VERDICTS, fractions.tolist(), strict=True))

    @property
    def dominant(self) -> str:
        """The verdict with the longest total duration."""
        return max(self.time_share, key=self.time_share.__getitem__)


def runs_of(
    times: npt.NDArray[np.float64], seconds: npt.NDArray[np.float64], texts: Sequence[str]
) -> list[tuple[float, float, str]]:
    """Join successive frames with the same text and without a gap.

    Args:
        times: (n,) times of the frames in seconds, rising.
        seconds: (n,) how long each counts.
        texts: n texts.

    Returns:
        (start, end) in seconds and the text of each run.

    >>> runs_of(np.array([0.0, 1.0, 5.0]), np.ones(3), ["happy", "happy", "happy"])
    [(0.0, 2.0, 'happy'), (5.0, 6.0, 'happy')]
    """
    runs: list[tuple[float, float, str]] = []
    for time, end, text in zip(times.tolist(), (times + seconds).tolist(), texts, strict=True):
        if runs and runs[-1][2] == text and time - runs[-1][1] < _SAME_TIME:
            runs[-1] = (runs[-1][0], end, text)
        else:
            runs.append((time, end, text))
    return runs


def frame_seconds(result: VideoResult) -> npt.NDArray[np.float64]:
    """Return how long each analysed frame counts.

    Args:
        result: result of a video.

    Returns:
        (n,) seconds until the next analysed frame, or until an excluded stretch begins. The last frame
        counts for the median interval; without any interval, for one second, or to the video's end.
    """
    times = np.array([frame.time for frame in result.frames])
    if not len(times):
        return times
    intervals = np.diff(times)
    interrupted = np.zeros(len(intervals), bool)
    for start, _ in result.excluded:
        interrupted |= (times[:-1] < start) & (start <= times[1:])
    whole = intervals[~interrupted]
    left = (result.info.duration or float("inf")) - times[-1]
    last = float(np.median(whole)) if len(whole) else min(1.0, left) if left > 0 else 1.0
    seconds = np.append(intervals, last)
    for start, _ in result.excluded:
        seconds = np.where(times < start, np.minimum(seconds, start - times), seconds)
    return seconds


def timelines(result: VideoResult) -> tuple[Timeline, ...]:
    """Return one timeline per person, in the order of the persons' numbers."""
    times = np.array([frame.time for frame in result.frames])
    seconds = frame_seconds(result)
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
                result.names.get(person, ""),
            )
        )
    return tuple(per_person)
