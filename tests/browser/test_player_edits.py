"""People and segments are edited in the player; what it draws is what its files hold."""

import csv
import io
import json

import numpy as np
import pytest
from playwright.sync_api import expect
from support.player_page import PEOPLE, RATE, PlayerPage

from emosense.video.baseline import neutral_bias, without_bias
from emosense.video.edits import apply_edits
from emosense.video.timeline import timelines

pytestmark = pytest.mark.browser


@pytest.fixture
def player(page, players, path):
    return PlayerPage(page, players, path).open()


def seen(result):
    """What the panel must show: people with seconds, those seen longest first."""
    lines = sorted(
        timelines(result), key=lambda line: (-round(line.visible_seconds, 9), line.person)
    )
    return [
        (line.label[:1].upper() + line.label[1:], f"{line.visible_seconds:.1f} s") for line in lines
    ]


def test_people_are_merged_renamed_split_and_hidden(player):
    page = player.page
    assert player.people() == seen(player.result)
    page.get_by_label("Merge Person 1 into").select_option("2")
    expect(page.get_by_role("status")).to_have_text("Person 1 is now Person 2.")
    player.button("Rename Person 2").click()
    page.get_by_label("Name of person 2").fill("Ann")
    page.keyboard.press("Enter")
    expect(page.locator(".person").first.locator(".name")).to_have_text("Ann")
    player.go_to(20)
    player.button("Split Ann here").click()
    expect(player.button("Hide Person 5")).to_be_visible()
    player.button("Hide Person 3").click()
    expect(player.button("Show Person 3")).to_be_visible()
    player.wait_until_saved()
    edited = apply_edits(player.result, player.edits)
    assert edited.persons == (2, 4, 5)
    assert [len(frame.faces) for frame in edited.frames] == [min(1, len(p)) for p in PEOPLE]
    assert player.people() == seen(edited)
    # What is drawn on a frame is what a table has for it.
    _, text = player.exported("csv")
    rows = list(csv.DictReader(io.StringIO(text)))
    for frame in (3, 21, 24, 39):
        player.go_to(frame)
        drawn = json.loads(page.locator("canvas.overlay").get_attribute("data-faces"))
        expected = [row for row in rows if row["frame"] == str(frame)]
        assert [str(face["person"]) for face in drawn] == [row["person"] for row in expected]
        for face, row in zip(drawn, expected, strict=True):
            assert face["verdict"] == (row["emotion"] if row["sure"] == "1" else "unsure")
    assert {row["name"] for row in rows if row["person"] == "2"} == {"Ann"}
    # All of it is there after a reload, and each step can be taken back.
    player.open()
    assert player.people() == seen(edited)


def test_every_change_can_be_undone(player):
    page = player.page
    page.get_by_label("Merge Person 1 into").select_option("2")
    expect(page.locator(".person")).to_have_count(3)
    page.get_by_label("Leave out people seen for less").check()
    expect(page.locator(".person")).to_have_count(1)
    player.button("Undo").click()
    expect(page.locator(".person")).to_have_count(3)
    page.locator("canvas.timeline").focus()
    page.keyboard.press("Control+z")
    expect(page.locator(".person")).to_have_count(4)
    expect(player.button("Undo")).to_be_disabled()
    page.keyboard.press("Control+Shift+z")
    expect(page.locator(".person")).to_have_count(3)
    player.wait_until_saved()
    assert [edit.into for edit in player.edits.people] == [2]


def test_two_who_are_seen_together_stay_two_there(player):
    player.page.get_by_label("Merge Person 3 into").select_option("2")
    expect(player.page.get_by_role("status")).to_have_text(
        "Person 3 and Person 2 are both in 6 analysed frames: there they stay two."
    )
    player.wait_until_saved()
    assert apply_edits(player.result, player.edits).frames == player.result.frames


def test_segments_have_statistics_and_stretches_are_excluded(player):
    page = player.page
    page.locator("canvas.timeline").focus()
    player.go_to(12)
    page.keyboard.press("[")
    player.go_to(31)
    page.keyboard.press("]")
    expect(page.locator("[data-role=selection]")).to_have_text("Selected: 0:00.4 to 0:01.2")
    player.button("Add segment").click()
    page.get_by_label("Name of the segment").fill("question 1")
    page.keyboard.press("Tab")
    table = page.locator(".segments tbody tr")
    expect(table).to_have_count(3)
    player.wait_until_saved()
    _, text = player.exported("segments")
    rows = {row["person"]: row for row in csv.DictReader(io.StringIO(text))}
    assert set(rows) == {"2", "3", "4"}
    assert {row["segment"] for row in rows.values()} == {"question 1"}
    for i in range(3):
        cells = table.nth(i).locator("th, td strong").all_inner_texts()
        row = rows[cells[0].removeprefix("Person ")]
        shares = [
            f"{round(100 * float(row[f'share_{e}']))} %"
            for e in ("angry", "disgust", "fear", "happy", "sad", "surprise", "neutral", "unsure")
        ]
        assert cells[1:] == shares
    player.go_to(0)
    page.locator("canvas.timeline").focus()
    page.keyboard.press("[")
    player.go_to(9)
    page.keyboard.press("]")
    player.button("Exclude", exact=True).click()
    expect(page.locator(".person")).to_have_count(3)
    player.wait_until_saved()
    edited = apply_edits(player.result, player.edits)
    assert edited.persons == (2, 3, 4)
    _, elan = player.exported("elan")
    assert "person 1" not in elan and "segments\t480\t" in elan
    player.button("Include again").click()
    expect(page.locator(".person")).to_have_count(4)


def test_a_project_is_saved_and_loaded(player, tmp_path):
    page = player.page
    page.get_by_label("Merge Person 1 into").select_option("2")
    download, text = player.exported("project")
    assert download.suggested_filename == "a-project.json"
    project = tmp_path / "a.json"
    project.write_text(text)
    player.button("Undo").click()
    expect(page.locator(".person")).to_have_count(4)
    page.locator(".exports input[type=file]").set_input_files(project)
    expect(page.locator(".person")).to_have_count(3)
    project.write_text(text.replace('"frames_read": 40', '"frames_read": 41'))
    page.locator(".exports input[type=file]").set_input_files([])
    page.locator(".exports input[type=file]").set_input_files(project)
    expect(page.get_by_role("status")).to_contain_text("a clip with 40 frames")
    expect(page.locator(".person")).to_have_count(3)


def test_names_are_text_whatever_they_hold(player):
    player.button("Rename Person 1").click()
    player.page.get_by_label("Name of person 1").fill("<img src=x onerror=alert(1)>")
    player.page.keyboard.press("Enter")
    expect(player.page.locator(".person .name").filter(has_text="<img")).to_have_count(1)
    assert player.page.locator(".player img[src=x]").count() == 0


def test_answers_are_shown_relative_to_a_neutral_stretch(player):
    """As the Python API has them; files keep the absolute values."""
    page = player.page
    reference = [-1.0, -2.0, 0.0, 0.5, 0.5, -1.0, 3.0]
    reference = [value - sum(reference) / 7 for value in reference]
    page.evaluate("(reference) => { window.player.data.neutral = reference }", reference)
    player.go_to(28)
    page.locator("canvas.timeline").focus()
    page.keyboard.press("[")
    player.go_to(33)
    page.keyboard.press("]")
    player.button("Neutral here").click()
    expect(page.locator(".status")).to_contain_text("relative to the neutral faces")
    line = timelines(player.result)[3]
    rows = line.between(28 / RATE, 34 / RATE)
    bias = neutral_bias(rows.probabilities.round(3), np.array(reference))
    expected = without_bias(line.probabilities.round(3), bias)
    shown = page.evaluate(
        "() => window.player.frames.people.get(4).map(({ face }) => face.probabilities)"
    )
    np.testing.assert_allclose(shown, expected, atol=1e-6)
    _, text = player.exported("csv")
    assert {
        row["emotion"] for row in csv.DictReader(io.StringIO(text)) if row["person"] == "4"
    } == {"angry"}
    player.button("Absolute again").click()
    shown = page.evaluate(
        "() => window.player.frames.people.get(4).map(({ face }) => face.probabilities)"
    )
    np.testing.assert_allclose(shown, line.probabilities, atol=1e-3)
