"""CSV that is safe to open in a spreadsheet."""

import csv
import io
import json
from pathlib import Path

import numpy as np
import pytest

from emosense.export.photo import to_csv, to_json
from emosense.export.spreadsheet import csv_file, spreadsheet_csv
from emosense.results import Box, Face, PhotoFailure, PhotoResult


@pytest.mark.parametrize(
    "text",
    [
        "=1+1",
        "+1+1",
        "-1-1",
        "@SUM(A1)",
        " =1",
        "\t=1",
        "\u3000=1",
        "\u200b=1",
        "\ufeff=1",
        "\uff1d1",
        "\uff0b1+1",
        "\uff0d1+1",
        "\uff20x",
        "\ufe62x",
        "\n=1",
        "\r\n=1",
        "\x00=1",
        '"=1',
        "'=1",
        " \"\t'+1+1",
        "\u201c=1",
        "\u00ab@x",
        "\u22121+1",
        "\uff02\uff1d1",
        "\x85=1",
        "=1\n+1",
    ],
)
def test_no_cell_is_a_formula(text):
    (row,) = csv.DictReader(io.StringIO(spreadsheet_csv(["a"], [{"a": text}])))
    assert row["a"].startswith("'")
    assert not set(row["a"]) & set("\r\n\t\0")
    assert to_csv([PhotoFailure("a.jpg", text)]).count("\r\n") == 2  # error messages too
    header = spreadsheet_csv([text], []).removesuffix("\r\n")
    assert header.lstrip('"').startswith("'")


def test_numbers_and_plain_texts_stay_as_they_are():
    rows = [{"a": "-3.2", "b": 0.5, "c": None}, {"a": "5", "b": float("nan"), "c": "x=1, y"}]
    assert spreadsheet_csv(["a", "b", "c"], rows) == 'a,b,c\r\n-3.2,0.5,\r\n5,,"x=1, y"\r\n'


def test_line_breaks_stay_in_their_cell():
    texts = ["one\ntwo", "one\r\ntwo", "one\rtwo"]
    text = spreadsheet_csv(["a", "b"], [{"a": cell, "b": 1} for cell in texts])
    assert list(csv.reader(io.StringIO(text, newline=""))) == [["a", "b"], *[["one\ntwo", "1"]] * 3]
    assert text.count("\r") == 4  # only where a row ends


def test_whatever_is_no_number_is_a_text():
    row = {"a": Path("=1"), "b": ("=1",), "c": np.float32(0.5), "d": True, "e": np.float64("nan")}
    assert spreadsheet_csv(list(row), [row]).splitlines()[1] == "'=1,\"('=1',)\",0.5,True,"


def test_a_file_has_the_mark_and_any_name():
    data = csv_file(spreadsheet_csv(["a"], [{"a": "caf\u00e9"}]))
    assert data.startswith(b"\xef\xbb\xbfa\r\n")
    assert data.decode("utf-8-sig") == "a\r\ncaf\u00e9\r\n"
    assert csv_file("\udce9").endswith(b"\\udce9")


def test_selected_faces_keep_their_numbers():
    from emosense.export.parquet import photo_rows

    box, landmarks = Box(1, 2, 3, 4), ((0.0, 0.0),) * 5
    faces = tuple(
        Face(box, landmarks, 0.9, tuple(float(index == class_index) for index in range(7)))
        for class_index in (3, 4, 3)
    )
    photo = PhotoResult("a.png", 9, 9, faces, "cnn8", "YuNet")
    results = [
        photo,
        PhotoFailure("b.png", "no"),
        PhotoResult("c.png", 9, 9, (), "cnn8", "Y"),
        photo,
    ]
    only = [{1, 3}, set(), set(), {2}]
    rows = list(csv.DictReader(io.StringIO(to_csv(results, only))))
    assert [(row["face"], row["emotion"]) for row in rows] == [
        ("1", "happy"),
        ("3", "happy"),
        ("2", "sad"),
    ]
    whole = [result.as_dict() for result in results]
    assert to_json(results) == json.dumps(whole, indent=2)
    assert to_json([]) == "[]"
    name = PhotoFailure("a\nb\u2028.jpg", "no")
    assert json.loads(to_json([name])) == [name.as_dict()]
    objects = json.loads(to_json(results, only))
    assert [[face["face"] for face in photo["faces"]] for photo in objects] == [[1, 3], [2]]
    assert [row["person"] for row in photo_rows("a.png", photo, {1, 3})] == [1, 3]
    assert to_csv(results).count("\r\n") == 1 + 3 + 1 + 1 + 3
