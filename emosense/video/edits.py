"""Edits of a video's result by hand: people, segments and excluded stretches.

Tracking by detection numbers a person anew after a cut or a long absence, and now and then confuses
two. Whoever watches the clip merges and splits people, names and hides them, marks segments and
excludes stretches. The result itself stays as it is: edits are applied to it when it is shown or
exported.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Annotated, Final, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator

from emosense.errors import EmoSenseError
from emosense.results import FrameResult, TrackedFace, VideoResult
from emosense.video.timeline import timelines

PROJECT_VERSION: Final = 1
"""Version of the project file; rises when older files can no longer be read."""

MAX_ITEMS: Final = 1000
"""Number of operations, names, segments or excluded stretches of one clip."""

_MAX_PERSON = 10**6
_MIN_PAUSE_SECONDS: Final = 1.0

Person = Annotated[int, Field(ge=1, le=_MAX_PERSON)]
Seconds = Annotated[float, Field(ge=0, le=10**7, allow_inf_nan=False)]
Name = Annotated[str, Field(min_length=1, max_length=80)]


class _Edit(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Merge(_Edit):
    """Two people are one: faces of ``person`` belong to ``into``.

    Where both are in the same frame they cannot be one, and keep their numbers.

    >>> Merge(person=3, into=1).kind
    'merge'
    """

    kind: Literal["merge"] = "merge"
    person: Person
    into: Person


class Split(_Edit):
    """A person is two: faces from a time on belong to ``new``.

    Attributes:
        time: time in seconds of the first face of the new person.

    >>> Split(person=1, time=2.0, new=7).kind
    'split'
    """

    kind: Literal["split"] = "split"
    person: Person
    time: Seconds
    new: Person


class Stretch(_Edit):
    """A part of a clip, in seconds from its first frame on; ``end`` does not belong to it.

    >>> Stretch(start=1.0, end=2.5).contains(2.5)
    False
    """

    start: Seconds
    end: Seconds

    @model_validator(mode="after")
    def _check_order(self) -> Stretch:
        if not self.start < self.end:
            raise ValueError(f"expected start < end, received {self.start:g} and {self.end:g}")
        return self

    def contains(self, time: float) -> bool:
        """Return whether a time in seconds lies in the stretch."""
        return self.start <= time < self.end


class Segment(Stretch):
    """A stretch with a name, whose statistics are asked for.

    >>> Segment(name="question 1", start=0.0, end=4.0).name
    'question 1'
    """

    name: Name


class Edits(_Edit):
    """All edits of a clip.

    Attributes:
        people: merges and splits, applied in their order, so that each refers to the people that
            the ones before it have made.
        names: names by person.
        hidden: people who are left out.
        min_seconds: people who are seen for less are left out as well.
        segments: named stretches.
        excluded: stretches that are left out.

    >>> edits = Edits(people=[Merge(person=2, into=1), Split(person=1, time=5.0, new=3)])
    >>> edits.person_at(2, 1.0), edits.person_at(2, 6.0)
    (1, 3)
    """

    people: Annotated[
        tuple[Annotated[Merge | Split, Field(discriminator="kind")], ...],
        Field(max_length=MAX_ITEMS),
    ] = ()
    names: Annotated[dict[Person, Name], Field(max_length=MAX_ITEMS)] = {}
    hidden: Annotated[frozenset[Person], Field(max_length=MAX_ITEMS)] = frozenset()
    min_seconds: Annotated[float, Field(ge=0, le=60)] = 0.0
    segments: Annotated[tuple[Segment, ...], Field(max_length=MAX_ITEMS)] = ()
    excluded: Annotated[tuple[Stretch, ...], Field(max_length=MAX_ITEMS)] = ()

    @field_validator("names")
    @classmethod
    def _strip_names(cls, names: dict[int, str]) -> dict[int, str]:
        stripped = {person: " ".join(name.split()) for person, name in names.items()}
        return {person: name for person, name in stripped.items() if name}

    def person_at(self, person: int, time: float) -> int:
        """Return who a face belongs to.

        Args:
            person: person that tracking has assigned.
            time: time of the face, in seconds.
        """
        for edit in self.people:
            if edit.person == person:
                if isinstance(edit, Merge):
                    person = edit.into
                elif time >= edit.time:
                    person = edit.new
        return person

    def is_excluded(self, time: float) -> bool:
        """Return whether a time in seconds lies in an excluded stretch."""
        return any(stretch.contains(time) for stretch in self.excluded)


class Project(_Edit):
    """A file that holds the edits of a clip, to be loaded again with the same clip.

    Attributes:
        version: :data:`PROJECT_VERSION`.
        source: file name of the clip.
        frames_read: number of its frames, by which another clip is noticed.
        model: registry name of the network that classified it.
        edits: the edits.

    >>> Project(source="a.mp4", frames_read=200, model="cnn8").edits.people
    ()
    """

    version: Literal[1] = 1
    source: Annotated[str, Field(max_length=1000)]
    frames_read: Annotated[int, Field(ge=0)]
    model: Annotated[str, Field(max_length=200)]
    edits: Edits = Edits()


def read_edits(content: bytes) -> Edits:
    """Read edits from JSON.

    Raises:
        EmoSenseError: the content is something else.
    """
    try:
        return Edits.model_validate_json(content)
    except ValidationError as error:
        raise EmoSenseError(f"Expected edits of a clip. Received: {_first(error)}") from None


def read_project(content: bytes, result: VideoResult) -> Edits:
    """Read the edits of a project file for the result of its clip.

    Raises:
        EmoSenseError: the content is no project, or that of another clip.
    """
    try:
        project = Project.model_validate_json(content)
    except ValidationError as error:
        raise EmoSenseError(
            f"Expected a project file of this page. Received: {_first(error)}"
        ) from None
    if project.frames_read != result.frames_read:
        raise EmoSenseError(
            f"Expected the project of a clip with {result.frames_read} frames. Received: that of "
            f"{project.source}, with {project.frames_read} frames."
        )
    return project.edits


def _first(error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    where = ".".join(map(str, first["loc"]))
    return f"{where}: {first['msg']}" if where else str(first["msg"])


def pauses(result: VideoResult) -> tuple[Stretch, ...]:
    """Return the stretches of a live recording without frames: it was paused, or the page hidden.

    Excluded, they are not counted as time of the answer before them.

    Args:
        result: result of a recording.

    Returns:
        Each gap that is longer than a second and five usual intervals, from one usual interval after
        the frame before it to the next frame; the longest :data:`MAX_ITEMS`, in their order.
    """
    times = np.array([frame.time for frame in result.frames])
    if len(times) < 2:
        return ()
    intervals = np.diff(times)
    usual = float(np.median(intervals))
    gaps = np.flatnonzero(intervals > max(_MIN_PAUSE_SECONDS, 5 * usual))
    longest = sorted(np.argsort(-intervals[gaps], kind="stable")[:MAX_ITEMS])
    return tuple(
        Stretch(start=float(times[gap]) + usual, end=float(times[gap + 1]))
        for gap in gaps[longest].tolist()
    )


def apply_edits(result: VideoResult, edits: Edits) -> VideoResult:
    """Return the result as the edits have it.

    Args:
        result: a result of :class:`emosense.video.pipeline.VideoAnalysis`.
        edits: its edits; those of people whom it does not have change nothing.
    """
    if edits == Edits():
        return result
    frames = tuple(
        replace(frame, faces=_assigned(frame, edits))
        for frame in result.frames
        if not edits.is_excluded(frame.time)
    )
    edited = replace(
        result,
        frames=frames,
        names=dict(edits.names),
        excluded=tuple((stretch.start, stretch.end) for stretch in _merged(edits.excluded)),
    )
    hidden = set(edits.hidden)
    if edits.min_seconds:
        hidden |= {
            timeline.person
            for timeline in timelines(edited)
            if timeline.visible_seconds < edits.min_seconds - 1e-9
        }
    if not hidden:
        return edited
    return replace(
        edited,
        frames=tuple(
            replace(frame, faces=tuple(f for f in frame.faces if f.person not in hidden))
            for frame in frames
        ),
    )


def _assigned(frame: FrameResult, edits: Edits) -> tuple[TrackedFace, ...]:
    """Return the faces of a frame with their people; two faces never share one."""
    people = [edits.person_at(tracked.person, frame.time) for tracked in frame.faces]
    if len(set(people)) < len(people):
        counts = np.unique(people, return_counts=True)
        shared = set(counts[0][counts[1] > 1].tolist())
        people = [
            tracked.person if person in shared else person
            for tracked, person in zip(frame.faces, people, strict=True)
        ]
        if len(set(people)) < len(people):  # numbers of splits: leave this frame as it is
            people = [tracked.person for tracked in frame.faces]
    faces = [replace(f, person=p) for f, p in zip(frame.faces, people, strict=True)]
    return tuple(sorted(faces, key=lambda face: face.person))


def _merged(stretches: Sequence[Stretch]) -> list[Stretch]:
    """Return the stretches in their order, overlapping ones joined."""
    merged: list[Stretch] = []
    for stretch in sorted(stretches, key=lambda stretch: stretch.start):
        if merged and stretch.start <= merged[-1].end:
            end = max(merged[-1].end, stretch.end)
            merged[-1] = Stretch(start=merged[-1].start, end=end)
        else:
            merged.append(stretch)
    return merged
