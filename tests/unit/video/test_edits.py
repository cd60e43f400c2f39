"""Edits of a result by hand: people, names, segments, excluded stretches."""

import json
from dataclasses import replace

import numpy as np
import pytest
from support.faces import face_of, video_of

from emosense.errors import EmoSenseError
from emosense.results import FrameResult, TrackedFace
from emosense.video.edits import (
    MAX_ITEMS,
    Edits,
    Merge,
    Project,
    Segment,
    Split,
    apply_edits,
    pauses,
    read_edits,
    read_project,
)
from emosense.video.timeline import timelines


def result_of(*people_by_frame):
    """A result with a frame every tenth of a second, in which the given people are seen."""
    return video_of(*({p: face_of("happy") for p in people} for people in people_by_frame))


def people(result):
    return [tuple(face.person for face in frame.faces) for frame in result.frames]


ONE_THEN_TWO = result_of((1,), (1,), (), (2,), (2, 3), (2, 3))


def test_nothing_edited_is_the_result_itself():
    assert apply_edits(ONE_THEN_TWO, Edits()) is ONE_THEN_TWO


def test_merge_and_split_follow_each_other():
    merged = Edits(people=[Merge(person=2, into=1)])
    assert people(apply_edits(ONE_THEN_TWO, merged)) == [(1,), (1,), (), (1,), (1, 3), (1, 3)]
    split = Edits(people=[*merged.people, Split(person=1, time=0.4, new=4)])
    assert people(apply_edits(ONE_THEN_TWO, split)) == [(1,), (1,), (), (1,), (3, 4), (3, 4)]
    # Before the merge there is nothing of person 1 to split so late.
    other = Edits(people=[Split(person=1, time=0.4, new=4), *merged.people])
    assert people(apply_edits(ONE_THEN_TWO, other)) == [(1,), (1,), (), (1,), (1, 3), (1, 3)]


def test_two_faces_of_a_frame_never_become_one():
    edits = Edits(people=[Merge(person=3, into=2)])
    assert people(apply_edits(ONE_THEN_TWO, edits)) == [(1,), (1,), (), (2,), (2, 3), (2, 3)]
    swapped = Edits(people=[Merge(person=2, into=3), Split(person=3, time=0, new=2)])
    assert people(apply_edits(ONE_THEN_TWO, swapped))[4] == (2, 3)


def test_faces_keep_their_values_and_are_sorted_by_person():
    edits = Edits(people=[Split(person=2, time=0, new=9)])
    frame = apply_edits(ONE_THEN_TWO, edits).frames[4]
    assert [face.person for face in frame.faces] == [3, 9]
    assert frame.faces[1].face is ONE_THEN_TWO.frames[4].faces[0].face


def test_hidden_people_and_short_appearances_are_left_out():
    hidden = apply_edits(ONE_THEN_TWO, Edits(hidden=[2]))
    assert people(hidden) == [(1,), (1,), (), (), (3,), (3,)]
    # Person 1 and 3 are seen for .2 s, person 2 for .3 s.
    assert people(apply_edits(ONE_THEN_TWO, Edits(min_seconds=0.25))) == [
        (),
        (),
        (),
        (2,),
        (2,),
        (2,),
    ]
    assert apply_edits(ONE_THEN_TWO, Edits(min_seconds=0.2)).persons == (1, 2, 3)
    # Together they are seen for long enough.
    both = Edits(min_seconds=0.45, people=[Merge(person=2, into=1)])
    assert apply_edits(ONE_THEN_TWO, both).persons == (1,)


def test_excluded_stretches_take_no_time():
    edits = Edits(excluded=[{"start": 0.1, "end": 0.2}, {"start": 0.15, "end": 0.4}])
    edited = apply_edits(ONE_THEN_TWO, edits)
    assert [frame.index for frame in edited.frames] == [0, 4, 5]
    assert edited.excluded == ((0.1, 0.4),)
    seconds = {timeline.person: timeline.visible_seconds for timeline in timelines(edited)}
    assert seconds[1] == pytest.approx(0.1)
    assert seconds[2] == seconds[3]


def test_names_are_those_of_charts_and_files():
    edited = apply_edits(ONE_THEN_TWO, Edits(names={1: "  Ann \n Lee ", 2: " "}))
    assert edited.names == {1: "Ann Lee"}
    assert [timeline.label for timeline in timelines(edited)] == ["Ann Lee", "person 2", "person 3"]
    assert (edited.name_of(1), edited.name_of(2)) == ("Ann Lee", "person 2")


@pytest.mark.parametrize(
    "edits",
    [
        {"names": {"0": "nobody"}},
        {"names": {"1": "x" * 81}},
        {"segments": [{"name": "a", "start": 2, "end": 2}]},
        {"excluded": [{"start": -1, "end": 2}]},
        {"people": [{"kind": "melt", "person": 1, "into": 2}]},
        {"people": [{"kind": "merge", "person": 1}]},
        {"people": [{"kind": "merge", "person": 1, "into": 2}] * 1001},
        {"min_seconds": float("inf")},
        {"unknown": 1},
        [],
    ],
)
def test_other_edits_are_refused_in_words(edits):
    with pytest.raises(EmoSenseError, match=r"^Expected edits of a clip\. Received: "):
        read_edits(json.dumps(edits).encode())


def test_a_project_is_for_its_clip():
    edits = Edits(names={1: "Ann"}, segments=[Segment(name="a", start=0, end=1)], hidden=[2])
    project = Project(source="a.mp4", frames_read=6, model="cnn8", edits=edits)
    content = project.model_dump_json().encode()
    assert read_project(content, ONE_THEN_TWO) == edits
    with pytest.raises(EmoSenseError, match=r"a clip with 7 frames.*a\.mp4, with 6 frames"):
        read_project(content, replace(ONE_THEN_TWO, frames_read=7))
    for broken in (b"", b"PK", content.replace(b'"version":1', b'"version":2')):
        with pytest.raises(EmoSenseError, match="Expected a project file"):
            read_project(broken, ONE_THEN_TWO)


def recorded(*times):
    face = TrackedFace(1, face_of("happy"))
    sad = TrackedFace(1, face_of("sad"))
    frames = tuple(
        FrameResult(i, time, (sad if time == 10 else face,)) for i, time in enumerate(times)
    )
    return replace(ONE_THEN_TWO, frames=frames, frames_read=len(frames))


def test_pauses_of_a_recording_are_no_time_of_the_answer_before_them():
    before, after = np.arange(0, 10.01, 0.1), np.arange(70, 80, 0.1)
    result = recorded(*before.tolist(), *after.tolist())
    (pause,) = pauses(result)
    assert (pause.start, pause.end) == (pytest.approx(10.1), 70)
    edited = apply_edits(result, Edits(excluded=[pause]))
    assert len(edited.frames) == len(result.frames)
    (line,) = timelines(edited)
    assert line.visible_seconds == pytest.approx(20.1)
    assert line.time_share["sad"] == pytest.approx(0.1 / 20.1)
    assert timelines(result)[0].time_share["sad"] > 0.7


@pytest.mark.parametrize(
    "times", [(), (1.0,), (0, 0.9), (0, 2, 4), (0, 0.3, 1.2, 1.5, 1.8), (0, 2, 2.1, 4, 6, 8)]
)
def test_what_is_no_pause(times):
    assert pauses(recorded(*times)) == ()


def test_the_longest_pauses_count():
    times = np.cumsum([0.0] + [0.1, 0.1, 2.0] * 600 + [0.1, 0.1, 3.0] * 600)
    found = pauses(recorded(*times.tolist()))
    assert len(found) == MAX_ITEMS
    assert sum(one.end - one.start > 2.5 for one in found) == 600
    assert list(found) == sorted(found, key=lambda one: one.start)
    Edits(excluded=found)
