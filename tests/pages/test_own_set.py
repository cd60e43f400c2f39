"""Test sets of one's own on the Models page, in Streamlit's AppTest with real inference."""

import gc
import io
import shutil
import weakref

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix
from support.data import texts
from support.labelled_photos import labelled_photos, zipped
from support.routed import routed
from support.waiting import wait_until

from emosense.emotions import EMOTIONS
from emosense.evaluation_set import source
from emosense.ui.models.own_set.session import SessionEvaluations
from emosense.ui.models.own_set.view import evaluation_set_csv

PHOTOS = labelled_photos(per_class=3)


@pytest.fixture
def page():
    app = routed("models")
    app.query_params["view"] = "own"
    app.run()
    assert not app.exception
    yield app
    evaluations(app).close()


def evaluations(app):
    key = f"resource_{SessionEvaluations.__name__}"
    return app.session_state[key]


def upload(app, *files):
    key = f"own_set_uploads_files_{app.session_state['own_set_round']}"
    app.file_uploader(key=key).set_value([(name, data, "") for name, data in files]).run()
    assert not app.exception
    return texts(app)


def evaluated(app):
    app.button(key="own_set_start").click().run()

    def finished():
        assert not app.run().exception
        return "Remove" in [button.label for button in app.button]

    wait_until(finished, lambda: f"the page says: {texts(app)}", timeout=200, pause=0.2)
    return texts(app)


def choose(app, **parameters):
    """Set widgets of the page by their query parameters."""
    for name, value in parameters.items():
        widgets = [*app.selectbox, *app.segmented_control, *app.number_input]
        widget = next(widget for widget in widgets if widget.key == f"linked_{name}")
        if widget.value != value:
            widget.set_value(value).run()
        assert not app.exception


def listed(app):
    """The table of images."""
    return app.dataframe[0].value if app.dataframe else pd.DataFrame()


def test_a_strangers_zip_in_every_view(page):
    text = upload(page, ("my set.zip", zipped(PHOTOS | {"notes.txt": b"x"})))
    assert "my set.zip: 1 file of other kinds left out" in text
    assert "left out unless you choose an emotion below: grumpy" in text
    assert "1 photo without a label will be left out." in text
    page.pills(key="own_set_networks").set_value(["cnn4", "emosense-s"]).run()
    assert page.button(key="own_set_start").label == "Evaluate 2 networks on 18 photos"
    text = evaluated(page)
    assert "my set.zip: 16 labelled faces" in text
    assert "one face: 15 · several faces: 1 · no face: 1 · not readable: 1" in text
    assert "· class left out: 6 · no label: 1" in text
    (own,) = evaluations(page).sets.values()
    table = pd.read_csv(io.BytesIO(evaluation_set_csv(own)))
    used = table[table["cnn4 emotion"].notna()]
    accuracies = page.dataframe[-1].value["accuracy"].tolist()
    for name, shown in zip(("cnn4", "emosense-s"), accuracies, strict=True):
        accuracy = accuracy_score(used.label, used[f"{name} emotion"])
        assert shown.startswith(f"{100 * accuracy:.1f} %")
    # Every confusion cell that has images has as many as its number; and one that has none.
    page.button(key="own_set_images_own-1").click().run()
    assert page.segmented_control(key="linked_part").value == "own-1"
    choose(page, network="cnn4")
    counts = confusion_matrix(used.label, used["cnn4 emotion"], labels=list(EMOTIONS))
    cells = [*np.argwhere(counts > 0), np.argwhere(counts == 0)[0]]
    for true, predicted in cells:
        choose(page, true=EMOTIONS[true], predicted=EMOTIONS[predicted])
        assert len(listed(page)) == counts[true, predicted]
        assert ("No image passes" in texts(page)) == (counts[true, predicted] == 0)
    choose(page, true="any", predicted="any")
    assert len(listed(page)) == counts.sum() == 16
    # And all other views are of the photos.
    for view in ("overview", "confusion", "classes", "trust", "slices", "robustness", "compare"):
        choose(page, view=view)
        assert "my set.zip, 16 faces" in texts(page), view
        assert not page.error
        assert all("cnn" in warning.value or "CNN" in warning.value for warning in page.warning)
    choose(page, view="own")
    page.button(key="own_set_remove_1").click().run()
    assert evaluations(page).sets == {}


def test_a_network_that_was_removed_meanwhile(with_tiny, page):
    page.run()
    upload(page, ("a.zip", zipped({"angry/1.jpg": PHOTOS["my set/ANGER/0.jpg"]})))
    page.pills(key="own_set_networks").set_value(["cnn4", "tiny"]).run()
    evaluated(page)
    (own,) = evaluations(page).sets.values()
    assert list(own.probabilities) == ["cnn4", "tiny"]
    shutil.rmtree(with_tiny)
    text = texts(page.run())
    assert not page.exception
    assert "No longer on this server, or not readable, and left out: tiny." in text
    assert len(page.dataframe[-1].value) == 1
    table = pd.read_csv(io.BytesIO(evaluation_set_csv(own)))
    assert "cnn4 emotion" in table
    assert "tiny emotion" not in table
    # Choosing networks for another upload copes with a choice that is gone, too.
    upload(page, ("a.zip", zipped({"angry/1.jpg": PHOTOS["my set/ANGER/0.jpg"]})))
    assert "tiny" not in page.pills(key="own_set_networks").value
    for view in ("overview", "images", "confusion"):
        choose(page, view=view)
        assert not page.error


def test_an_archive_is_opened_once(page, monkeypatch):
    opened = []

    class Counted(source.PhotoArchive):
        def __init__(self, *args, **options):
            opened.append(args)
            super().__init__(*args, **options)

    monkeypatch.setattr(source, "PhotoArchive", Counted)
    upload(page, ("a.zip", zipped({"joy/1.jpg": b"x"})))
    assert page.button(key="own_set_start").label.endswith("on 1 photo")
    assert len(opened) == 1


def test_an_archive_whose_view_was_left_is_held_by_nobody(page):
    upload(page, ("a.zip", zipped({"joy/1.jpg": b"x"})))
    evaluations(page).forget_uploads("", {"of another uploader"})
    (file,) = evaluations(page).opened.files
    archive = weakref.ref(evaluations(page).opened.source)
    # As the server does once the run has ended.
    evaluations(page).forget_uploads("", {file})
    gc.collect()
    assert archive() is None


def say_angry(page):
    """Choose angry for the first class."""
    start = f"own_set_classes_{page.session_state['own_set_round']}"
    (editor,) = [key for key in map(str, page.session_state) if key.startswith(start)]
    page.session_state[editor] = {
        "edited_rows": {0: {"emotion": "angry"}},
        "added_rows": [],
        "deleted_rows": [],
    }
    page.run()


def test_classes_are_what_the_visitor_says(page):
    upload(page, ("a.zip", zipped({"grumpy/1.jpg": PHOTOS["my set/ANGER/0.jpg"]})))
    assert page.button(key="own_set_start").disabled
    say_angry(page)
    assert page.button(key="own_set_start").label.endswith("on 1 photo")


def test_what_was_said_of_a_class_is_not_said_of_another(page):
    """A table that is added gives the photos other classes, perhaps as many."""
    photos = {"grumpy/1.jpg": b"x", "joy/2.jpg": b"x"}
    upload(page, ("a.zip", zipped(photos)))
    say_angry(page)
    assert page.button(key="own_set_start").label.endswith("on 2 photos")
    table = b"file,label\ngrumpy/1.jpg,calmish\njoy/2.jpg,joy\n"
    upload(page, ("a.zip", zipped(photos)), ("labels.csv", table))
    assert "calmish" in texts(page)
    assert page.button(key="own_set_start").label.endswith("on 1 photo")


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ([("a.zip", b"PK no")], "The zip archive is damaged or cut off"),
        ([("a.zip", zipped({"a.txt": b"x"}))], "Expected a zip archive with photos"),
        ([("a.jpg", b"x")], "Expected photos in folders that are named by their emotions"),
        (
            [("a.jpg", b"x"), ("labels.csv", b"file,mood\na.jpg,joy\n")],
            "labels.csv: expected a header with a column for the label",
        ),
        ([("a.pdf", b"%PDF")], "expected photos"),
    ],
)
def test_uploads_that_cannot_be_used(page, files, message):
    assert message in upload(page, *files)
    assert "own_set_start" not in {button.key for button in page.button}


def test_more_photos_than_are_allowed(page, monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_EVALUATION_PHOTOS", "3")
    assert "Expected at most 3 photos" in upload(page, ("a.zip", zipped(PHOTOS)))


def test_numbers_are_to_be_checked(page):
    text = upload(page, ("a.zip", zipped({f"{n}/a.jpg": b"x" for n in range(1, 8)})))
    assert "These are taken for RAF-DB's: please check." in text


def test_photos_with_a_table(page):
    photo = PHOTOS["my set/ANGER/0.jpg"]
    upload(page, ("a.jpg", photo), ("b.jpg", photo), ("x.csv", b"image;emotion\na.jpg;Wut\n"))
    page.pills(key="own_set_networks").set_value(["cnn4"]).run()
    text = evaluated(page)
    assert "one face: 1 · no label: 1" in text
    assert "With 1 face an accuracy is known to about ± 98 points." in text
    for view in ("overview", "confusion", "classes", "trust", "compare", "images"):
        choose(page, view=view)
        if view == "overview":
            choose(page, part="own-1")


@pytest.mark.usefixtures("with_tiny")
def test_the_images_behind_the_shipped_figures(page, small_csv):
    page.run()
    upload(page, ("fer2013.csv", small_csv.read_bytes()))
    page.pills(key="own_set_networks").set_value(["cnn4", "tiny"]).run()
    text = evaluated(page)
    assert "fer2013.csv: 28 images" in text
    # The tiny network was tested on this very data, the other one was not.
    (success,) = page.success
    assert "now behind the metrics of PublicTest and PrivateTest" in success.value
    sets = evaluations(page).sets
    assert {key: list(own.probabilities) for key, own in sets.items()} == {
        "own-1-PublicTest": ["cnn4"],
        "own-1-PrivateTest": ["cnn4"],
    }
    page.button(key="own_set_images_PrivateTest").click().run()
    assert page.segmented_control(key="linked_part").value == "PrivateTest"
    # After one epoch the tiny network does no better than chance: it is one click away.
    page.toggle(key="linked_chance").set_value(True).run()
    assert len(listed(page)) == 14
    assert listed(page)["networks right"].str.endswith("of 1").all()
    page.pills(key="linked_model").set_value(["cnn4"]).run()
    assert "Bring your own copy of **fer2013.csv**" in texts(page)
    choose(page, part="own-1-PrivateTest")
    assert len(listed(page)) == 14


def test_a_foreign_link_to_a_private_set():
    app = routed("models")
    app.query_params["part"] = "own-1"
    app.run()
    assert not app.exception
    assert "own-1" in app.warning[0].value
    assert app.segmented_control(key="linked_part").value == "PrivateTest"
