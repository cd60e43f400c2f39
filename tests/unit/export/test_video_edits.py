"""Exports of an edited result: ELAN's text, statistics of segments, names in captions and tables."""

import csv
import io
from dataclasses import replace
from itertools import pairwise

import pytest
from support.faces import face_of, video_of

from emosense.export.elan import to_elan
from emosense.export.segments import segments_csv
from emosense.export.video import to_csv, to_json
from emosense.export.webvtt import to_webvtt
from emosense.video.edits import Edits, Segment, apply_edits
from emosense.video.timeline import timelines

HAPPY, SAD = face_of("happy"), face_of("sad", 0.5)
UNSURE = face_of("sad", 0.3, sure=False)
RESULT = video_of({1: HAPPY}, {1: HAPPY, 2: SAD}, {1: UNSURE, 2: SAD}, {2: SAD}, {1: HAPPY})


def elan_rows(result, segments=()):
    lines = to_elan(result, segments).splitlines()
    assert lines[0].split("\t")[0] == "Tier"
    return [tuple(line.split("\t")) for line in lines[1:]]


def test_elan_has_a_tier_per_person_and_one_of_segments():
    segments = [Segment(name="a\tb", start=0.05, end=0.4)]
    edited = apply_edits(RESULT, Edits(names={1: "=Ann"}))
    assert elan_rows(edited, segments) == [
        ("'=Ann", "0", "200", "200", "happy"),
        ("'=Ann", "200", "300", "100", "unsure"),
        ("'=Ann", "400", "500", "100", "happy"),
        ("person 2", "100", "400", "300", "sad"),
        ("segments", "50", "400", "350", "a b"),
    ]


def test_no_tier_of_elan_has_overlapping_annotations():
    names = {1: "segments", 2: "segments "}
    edited = apply_edits(RESULT, Edits(names=names))
    stretches = ((0.0, 0.2), (0.1, 0.3), (0.2, 0.4), (0.15, 0.5))
    segments = [Segment(name=f"{i}", start=a, end=b) for i, (a, b) in enumerate(stretches)]
    rows = elan_rows(edited, segments)
    tiers = {row[0]: [(int(r[1]), int(r[2])) for r in rows if r[0] == row[0]] for row in rows}
    assert list(tiers) == [
        *("segments", "segments (2)"),  # the people
        *("segments (3)", "segments (4)", "segments (5)"),
    ]
    for stretches in tiers.values():
        assert all(a[1] <= b[0] for a, b in pairwise(stretches))
    assert sorted(row[4] for row in rows if row[4].isdigit()) == ["0", "1", "2", "3"]


def test_elan_has_nothing_of_an_excluded_stretch():
    edited = apply_edits(RESULT, Edits(excluded=[{"start": 0.15, "end": 0.35}]))
    assert elan_rows(edited) == [
        ("person 1", "0", "150", "150", "happy"),
        ("person 1", "400", "500", "100", "happy"),
        ("person 2", "100", "150", "50", "sad"),
    ]


def test_segments_have_statistics_per_person():
    segments = [Segment(name="start", start=0, end=0.25), Segment(name="later", start=9, end=10)]
    edited = apply_edits(RESULT, Edits(names={2: "Bo"}))
    rows = list(csv.DictReader(io.StringIO(segments_csv(edited, segments))))
    assert [(row["segment"], row["person"], row["name"]) for row in rows] == [
        ("start", "1", ""),
        ("start", "2", "Bo"),
        ("later", "0", ""),
    ]
    first = {name: float(value) for name, value in rows[0].items() if name[-1] not in "te"}
    assert float(rows[0]["seconds"]) == pytest.approx(0.25)
    assert float(rows[0]["share_happy"]) == pytest.approx(0.2 / 0.25)
    assert float(rows[0]["share_unsure"]) == pytest.approx(0.05 / 0.25)
    assert first["mean_happy"] == pytest.approx((0.2 * 0.8 + 0.05 * 0.7 / 6) / 0.25, abs=1e-6)
    assert (float(rows[0]["peak_sad"]), float(rows[0]["peak_time_sad"])) == (0.3, 0.2)
    assert rows[2]["seconds"] == rows[2]["mean_happy"] == ""


def test_runs_of_a_timeline_end_at_gaps():
    first, _ = timelines(RESULT)
    assert [(round(s, 3), round(e, 3), v) for s, e, v in first.runs()] == [
        (0, 0.2, "happy"),
        (0.2, 0.3, "unsure"),
        (0.4, 0.5, "happy"),
    ]
    part = first.between(0.1, 0.25)
    assert part.seconds.tolist() == pytest.approx([0.1, 0.05])
    assert first.between(5, 6).peak == {}


def test_names_are_in_tables_and_captions():
    edited = apply_edits(RESULT, Edits(names={1: "Ann <3", 2: "Bo"}))
    rows = list(csv.DictReader(io.StringIO(to_csv(edited))))
    assert [row["name"] for row in rows[:3]] == ["Ann <3", "Ann <3", "Bo"]
    assert '"names": {"1": "Ann <3", "2": "Bo"}' in to_json(edited)
    captions = to_webvtt(edited)
    assert "00:00:00.000 --> 00:00:00.100\nAnn &lt;3 happy\n" in captions
    assert "Ann &lt;3 happy, Bo sad" in captions


def test_captions_end_where_a_stretch_is_excluded():
    edited = apply_edits(RESULT, Edits(excluded=[{"start": 0.15, "end": 0.35}]))
    assert "00:00:00.100 --> 00:00:00.150\n1 happy, 2 sad\n" in to_webvtt(edited)


@pytest.mark.parametrize("excluded", [(1.0, 2.0), (0.05, 5.75), (0.05, 0.1), (5.75, 9.0)])
def test_captions_go_on_after_an_excluded_stretch_as_elan_has_them(excluded):
    frames = tuple(
        replace(RESULT.frames[0], index=i, time=i / 10, faces=RESULT.frames[0].faces[:1])
        for i in range(60)
    )
    edits = Edits(excluded=[{"start": excluded[0], "end": excluded[1]}])
    edited = apply_edits(replace(RESULT, frames=frames), edits)
    runs = [row.split("\t")[1:3] for row in to_elan(edited).splitlines()[1:]]
    cues = [line.split(" --> ") for line in to_webvtt(edited).splitlines() if "-->" in line]
    milliseconds = [[str(round(1000 * float(time[-6:]))) for time in cue] for cue in cues]
    assert milliseconds == runs
    within = [int(start) < 1000 * excluded[0] for start, _ in runs]
    assert within == ([True, False] if excluded[1] < 5.9 else [True])
    assert int(runs[-1][1]) == (6000 if excluded[1] < 5.9 else 5750)
