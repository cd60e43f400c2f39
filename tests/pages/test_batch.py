"""The Batch page in Streamlit's AppTest, with real inference."""

import io
import re
import zipfile
from pathlib import Path

import numpy as np
import pytest
from streamlit.testing.v1 import AppTest
from support.data import encoded, texts
from support.waiting import wait_until

from emosense.emotions import EMOTIONS
from emosense.networks.registry import find_model, list_models

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def page():
    app = AppTest.from_file(str(ROOT / "pages" / "batch.py"), default_timeout=180).run()
    assert not app.exception
    yield app
    # AppTest has one browser session for all tests.
    while buttons := [button for button in app.button if button.label == "Remove"]:
        buttons[0].click().run()


@pytest.fixture(scope="module")
def album(astronaut_png, astronaut):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(6):
            archive.writestr(f"album/{number}.png", astronaut_png)
        archive.writestr("../../cut.jpg", encoded(astronaut, "JPEG")[:2000])
        archive.writestr("notes.txt", "no photo")
    return buffer.getvalue()


def upload(app, *files):
    key = f"batch_uploads_{app.session_state['batch_round']}"
    app.file_uploader(key=key).set_value([(n, d, m) for n, d, m in files]).run()
    assert not app.exception
    return texts(app)


def analysed(app):
    app.button(key="batch_start").click().run()

    def finished():
        assert not app.run().exception
        return "photos/s" in texts(app)

    wait_until(finished, lambda: f"the page says: {texts(app)}", timeout=200, pause=0.2)
    return texts(app)


def test_empty_state_explains(page):
    assert "Drop a few hundred photos" in texts(page)
    assert "batch_start" not in {button.key for button in page.button}


def test_zip_and_photos_in_one_job(page, album, astronaut):
    wall = encoded(np.full((200, 300, 3), 90, np.uint8), "PNG")
    text = upload(page, ("my_album.zip", album, "application/zip"), ("wall.png", wall, "image/png"))
    assert "my\\_album.zip: 1 file that is no photo is left out." in text
    assert page.button(key="batch_start").label == "Analyse 8 photos"
    text = analysed(page)
    assert "8 photos: 6 faces in 7 photos" in text
    assert "**happy** &nbsp; 6 faces" in text
    labels = [expander.label for expander in page.expander]
    assert "1 photo could not be analysed" in labels
    assert "No face found in 1 photo" in labels
    failures, without_faces, faces = (frame.value for frame in page.dataframe)
    assert failures["photo"].tolist() == ["cut.jpg"]
    assert "damaged or cut off" in failures["why"][0]
    assert without_faces["photo"].tolist() == ["wall.png"]
    assert faces["photo"].tolist() == [f"album/{number}.png" for number in range(6)]
    assert set(faces["label"]) == {"happy"}
    assert faces["picture"][0].startswith("data:image/jpeg;base64,")
    # Filters, one after another.
    key = next(box.key for box in page.text_input)
    page.text_input(key=key).set_value("album/3").run()
    assert page.dataframe[-1].value["photo"].tolist() == ["album/3.png"]
    page.slider(key=key.replace("name", "least")).set_value(100).run()
    assert "No face passes these filters" in texts(page)


def test_equal_names_are_numbered(page, astronaut_png):
    photo = ("a.png", astronaut_png, "image/png")
    taken = ("a.png (2)", astronaut_png, "image/png")
    upload(page, photo, taken, photo, taken)
    analysed(page)
    names = ["a.png", "a.png (2)", "a.png (3)", "a.png (2) (2)"]
    assert page.dataframe[-1].value["photo"].tolist() == names


def test_bad_archives_are_reported_and_other_uploads_analysed(page, astronaut_png, album):
    text = upload(
        page,
        ("a.zip", b"hello", "application/zip"),
        ("b.zip", album[: len(album) // 2], "application/zip"),
        ("c.png", astronaut_png, "image/png"),
    )
    assert "**a.zip**: Expected a zip archive. Received: a file of another kind." in text
    assert "**b.zip**: The zip archive is damaged or cut off" in text
    assert "1 face in 1 photo" in analysed(page)


def test_limits_are_reported(page, album, monkeypatch, astronaut_png):
    monkeypatch.setenv("EMOSENSE_MAX_BATCH_PHOTOS", "2")
    photo = ("a.png", astronaut_png, "image/png")
    text = upload(page, photo, photo, photo, ("album.zip", album, "application/zip"))
    assert "Expected at most 2 photos in one job. Received: 3. The first 2 are analysed." in text
    assert "**album.zip**: Expected at most 2 photos. Received: a zip archive with 7." in text
    assert page.button(key="batch_start").label == "Analyse 2 photos"


@pytest.mark.usefixtures("memory")
def test_without_room_a_batch_ends_with_what_it_has(page, astronaut_png, monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_SESSION_DOWNLOAD_MB", "1")
    upload(page, *((f"{number}.png", astronaut_png, "image/png") for number in range(30)))
    text = analysed(page)
    (warning,) = [warning.value for warning in page.warning if "Ended after" in warning.value]
    assert re.match(r"Ended after (\d+) of 30 photos; what was done until then is below", warning)
    assert "at most 1.0 MB of results and downloads in memory of one page" in warning
    done = int(re.findall(r"Ended after (\d+)", warning)[0])
    assert 0 < done < 30
    assert f"{done} faces in {done} photos" in text


def labelling(page, album):
    """Analyse an album and open the labelling of its faces; return the number of its job."""
    upload(page, ("album.zip", album, "application/zip"))
    analysed(page)
    assert "Label faces, and compare all networks on them" in [e.label for e in page.expander]
    number = next(iter(page.session_state["resource_SessionBatches"].jobs))
    unfold(page, number)
    return number


def unfold(page, number, is_open=True):
    page.session_state[f"batch_labelling_{number}"] = is_open
    page.run()


def label(page, number, **labels):
    """Give labels to the faces that are listed: ``_3="sad"`` to the fourth."""
    names = [str(key) for key in page.session_state]
    (editor,) = [key for key in names if key.startswith(f"batch_label_editor_{number}_")]
    edits = {int(row[1:]): {"label": name} for row, name in labels.items()}
    page.session_state[editor] = {"edited_rows": edits, "added_rows": [], "deleted_rows": []}
    page.run()
    assert not page.exception


def start_label(page, number):
    return page.button(key=f"batch_label_start_{number}").label


def search(page, number, name):
    page.text_input(key=f"batch_name_{number}").set_value(name).run()


def leave(page, monkeypatch):
    """Visit another page and come back: Streamlit forgets the widgets."""
    with monkeypatch.context() as other:
        other.setattr("emosense.ui.batch.view.show_jobs", lambda batches: None)
        page.run()
    page.run()


@pytest.mark.parametrize("what", ["filtered", "filtered out", "folded", "left"])
def test_labels_stay_while_their_table_is_not_shown(page, album, monkeypatch, what):
    number = labelling(page, album)
    label(page, number, _0="happy", _3="sad")
    for _ in range(2):  # the second time, what was shown again is hidden
        if what == "folded":
            unfold(page, number, is_open=False)
        elif what == "left":
            leave(page, monkeypatch)
        else:
            search(page, number, "album/3" if what == "filtered" else "none")
            if what == "filtered":
                assert start_label(page, number) == "Compare the networks on 2 labelled faces"
                assert "1 labelled face not listed here will be used as well" in texts(page)
            search(page, number, "")
        unfold(page, number)
        assert start_label(page, number) == "Compare the networks on 2 labelled faces"
    label(page, number, _3="")
    assert start_label(page, number) == "Compare the networks on 1 labelled face"


def test_faces_are_labelled_by_parts(page, album, monkeypatch):
    """As of a batch with more faces than the table lists."""
    number = labelling(page, album)
    for part, emotion in (("1", "happy"), ("2", "sad"), ("4", "fear")):
        search(page, number, f"album/{part}")
        label(page, number, _0=emotion)
    assert start_label(page, number) == "Compare the networks on 3 labelled faces"
    page.button(key=f"batch_label_start_{number}").click().run()
    evaluations = page.session_state["resource_SessionEvaluations"]
    (job,) = evaluations.jobs.values()
    wait_until(lambda: job.is_finished, "it does not end", timeout=200)
    (own,) = evaluations.sets.values()
    assert [row.name for row in own.rows] == [f"album/{part}.png, face 1" for part in "124"]
    assert [EMOTIONS[each] for each in own.labels] == ["happy", "sad", "fear"]
    evaluations.close()


def test_faces_labelled_by_hand_become_a_test_set(page, album):
    number = labelling(page, album)
    start = page.button(key=f"batch_label_start_{number}")
    assert start.disabled
    label(page, number, _0="happy", _3="sad", _4="")
    start = page.button(key=f"batch_label_start_{number}")
    assert start.label == "Compare the networks on 2 labelled faces"
    start.click().run()
    evaluations = page.session_state["resource_SessionEvaluations"]
    (job,) = evaluations.jobs.values()
    wait_until(lambda: job.is_finished, "it does not end", timeout=200)
    (own,) = evaluations.sets.values()
    assert own.title == "album.zip, labelled"
    assert [row.name for row in own.rows] == ["album/0.png, face 1", "album/3.png, face 1"]
    assert [EMOTIONS[label] for label in own.labels] == ["happy", "sad"]
    assert set(own.probabilities) == set(list_models())
    for name, probabilities in own.probabilities.items():
        model = find_model(name)
        predictions = own.predictions(name).calibrated(model.calibration)
        if name == page.selectbox(key="model").value:  # as the batch said
            face = (
                page.session_state["resource_SessionBatches"].jobs[number].done[0].result.faces[0]
            )
            assert predictions.probabilities[0] == pytest.approx(face.probabilities, abs=1e-5)
        assert probabilities.shape == (2, 7)
    evaluations.close()
