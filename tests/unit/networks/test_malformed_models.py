"""A user's model that is not one is left out with a message, whatever is wrong with it."""

import hashlib
import io
import json
import pickle
import shutil
import zipfile

import numpy as np
import pytest

from emosense.errors import ModelDamaged
from emosense.evaluation.predictions import read_predictions
from emosense.networks import npz
from emosense.networks.model_card import MAX_JSON_BYTES
from emosense.networks.registry import TrainedModel


@pytest.fixture
def folder(small_run, tmp_path):
    shutil.copytree(small_run / "models" / "tiny", tmp_path / "tiny")
    return tmp_path / "tiny"


def change_card(folder, change):
    path = folder / "card.json"
    card = json.loads(path.read_text())
    change(card)
    path.write_text(json.dumps(card))


def replace_file(folder, name, content):
    """Put other content into a file of the model, with a card that agrees."""
    (folder / name).write_bytes(content)
    info = {"sha256": hashlib.sha256(content).hexdigest(), "bytes": len(content)}
    change_card(folder, lambda card: card["files"].update({name: info}))


def setting(*path_and_value):
    """A change that sets one value deep in the card."""

    def change(card):
        *path, last, value = path_and_value
        for key in path:
            card = card[key]
        card[last] = value

    return change


def without(*path):
    def change(card):
        for key in path[:-1]:
            card = card[key]
        del card[path[-1]]

    return change


CHANGES = {
    "null where a number belongs": setting("parameters", None),
    "text where a number belongs": setting("parameters", "4232199"),
    "a fraction where a count belongs": setting("epochs_seen", 1.5),
    "a list where an object belongs": setting("data", []),
    "an object where a text belongs": setting("title", {}),
    "null in a list": setting("emotions", 0, None),
    "no epochs": without("recipe", "epochs"),
    "no epoch": setting("epochs_seen", 0),
    "text for epochs": setting("recipe", "epochs", "many"),
    "no accuracy": without("metrics", "PrivateTest", "accuracy"),
    "accuracy in percent": setting("metrics", "PrivateTest", "accuracy", 62.4),
    "accuracy that is no number": setting("metrics", "PrivateTest", "accuracy", float("nan")),
    "endless loss": setting("metrics", "Training", "loss", float("inf")),
    "a class less": without("metrics", "PrivateTest", "per_class", "fear"),
    "a matrix of another size": setting("metrics", "PrivateTest", "confusion", [[1]]),
    "metrics as a list": setting("metrics", [1, 2]),
    "no versions": without("training", "versions"),
    "a version as a number": setting("training", "versions", "keras", 3),
    "no checksum": setting("files", "weights.keras", {}),
    "a checksum that is none": setting("files", "weights.keras", "sha256", "abc"),
    "layers as text": setting("layers", ["conv1"]),
    "temperature 0": setting("calibration", "temperature", 0),
    "temperature as text": setting("calibration", "temperature", "hot"),
    "an unknown field": setting("colour", 1),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_wrong_value_in_a_card(folder, change):
    change_card(folder, change)
    with pytest.raises(ModelDamaged, match="is not a model card: ") as error:
        _ = TrainedModel(folder).card
    assert len(str(error.value)) < 500


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "7",
        '"card"',
        "\0",
        "{" * 5,
        "[" * 100_000 + "]" * 100_000,
        '{"name":' * 50_000 + "1" + "}" * 50_000,
        '{"parameters": 1' + "0" * 5000 + "}",
    ],
    ids=["empty", "null", "number", "text", "NUL", "cut off", "deep list", "deep", "long number"],
)
def test_a_card_that_is_none(folder, text):
    (folder / "card.json").write_text(text)
    with pytest.raises(ModelDamaged, match="is not a model card: ") as error:
        _ = TrainedModel(folder).card
    assert len(str(error.value)) < 500


def test_a_card_of_other_bytes_or_too_many(folder):
    (folder / "card.json").write_bytes(b"\xff\xfe\x00{")
    with pytest.raises(ModelDamaged, match="is not a model card: "):
        _ = TrainedModel(folder).card
    with (folder / "card.json").open("wb") as file:
        file.truncate(MAX_JSON_BYTES + 1)
    with pytest.raises(ModelDamaged, match="expected at most 16 MB"):
        _ = TrainedModel(folder).card
    (folder / "card.json").unlink()
    (folder / "card.json").mkdir()
    with pytest.raises(ModelDamaged, match="cannot be read: Is a directory"):
        _ = TrainedModel(folder).card


ROW = {"epoch": 1, "loss": 1.0, "accuracy": 0.5, "val_loss": 1.0, "val_accuracy": 0.5}


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ([], "expected a row for each epoch up to 1"),
        ({}, "not a learning curve: expected a valid"),
        ([None], "not a learning curve: 0: expected"),
        ([{**ROW, "val_loss": float("nan")}], "0.val_loss: expected a finite number"),
        ([{**ROW, "accuracy": "half"}], "0.accuracy: expected a valid number"),
        ([{"epoch": 1}], "0.loss: expected a value"),
        ([{**ROW, "epoch": 2}], "expected a row for each epoch"),
    ],
)
def test_a_learning_curve_that_is_none(folder, rows, message):
    replace_file(folder, "history.json", json.dumps(rows).encode())
    with pytest.raises(ModelDamaged, match=message):
        TrainedModel(folder).history()


def npz_of(**members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)
    return buffer.getvalue()


def header(shape, dtype="<f4"):
    buffer = io.BytesIO()
    fields = {"descr": dtype, "fortran_order": False, "shape": shape}
    np.lib.format.write_array_header_1_0(buffer, fields)
    return buffer.getvalue()


class Bomb:
    def __reduce__(self):
        return print, ("unpickled",)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "not a zip file"),
        (b"PK\x03\x04", "not a zip file"),
        (npz_of(private_labels=b"no array"), "does not hold arrays"),
        (npz_of(private_labels=header((1,), "|O") + pickle.dumps([Bomb()])), "pickled objects"),
        (npz_of(private_labels=header((10**12,))), "more than 512 MB"),
        (npz_of(private_labels=header((10**6,))), "does not hold arrays"),
        (npz_of(**{f"a{n}": header((10**8,)) for n in range(3)}), "more than 512 MB"),
    ],
    ids=["empty", "cut off", "text", "pickled", "huge", "short", "huge together"],
)
def test_predictions_that_are_none(folder, content, message, capfd):
    replace_file(folder, "predictions.npz", content)
    with pytest.raises(ModelDamaged, match=message):
        TrainedModel(folder).predictions()
    assert "unpickled" not in capfd.readouterr().out


def test_large_arrays_within_the_limit_are_read(folder, monkeypatch):
    buffer = io.BytesIO()
    np.savez(buffer, private_labels=np.zeros(100, np.uint8))
    replace_file(folder, "predictions.npz", buffer.getvalue())
    monkeypatch.setattr(npz, "MAX_ARRAY_BYTES", 100)
    assert TrainedModel(folder).predictions()["private_labels"].shape == (100,)
    monkeypatch.setattr(npz, "MAX_ARRAY_BYTES", 99)
    with pytest.raises(ModelDamaged, match="more than"):
        TrainedModel(folder).predictions()


def arrays(n=5, **changes):
    return {
        "private_labels": np.arange(n, dtype=np.uint8) % 7,
        "private_probabilities": np.full((n, 7), 1 / 7, np.float32),
        "private_copy": np.zeros(n, bool),
        **changes,
    }


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"private_labels": np.full(5, 7, np.uint8)}, "private_labels: expected"),
        ({"private_labels": np.zeros(4, np.uint8)}, "private_labels: expected"),
        ({"private_labels": np.array(list("happy"))}, "private_labels: expected"),
        (
            {"private_probabilities": np.zeros((5, 6), np.float32)},
            "private_probabilities: expected",
        ),
        (
            {"private_probabilities": np.full((5, 7), np.nan, np.float32)},
            "private_probabilities: expected",
        ),
        ({"private_probabilities": np.ones((5, 7), np.float32)}, "private_probabilities: expected"),
        ({"private_copy": np.zeros(5, np.float32)}, "private_copy: expected"),
        ({"private_votes": np.full((5, 7), -1, np.float32)}, "private_votes: expected"),
        (
            {"private_probabilities": np.zeros((5, 7, 2), np.float32)},
            "private_probabilities: expected",
        ),
    ],
)
def test_predictions_of_other_shapes_types_and_values(folder, wrong, message):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays(**wrong))
    replace_file(folder, "predictions.npz", buffer.getvalue())
    with pytest.raises(ModelDamaged, match=message):
        read_predictions(TrainedModel(folder))


def test_predictions_as_they_should_be(folder):
    buffer = io.BytesIO()
    np.savez(buffer, **arrays())
    replace_file(folder, "predictions.npz", buffer.getvalue())
    assert len(read_predictions(TrainedModel(folder), raw=True)) == 5
