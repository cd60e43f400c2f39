import io
import json
import shutil
import zipfile

import h5py
import numpy as np
import pytest

from emosense.errors import ModelDamaged, ModelNotFound
from emosense.evaluation.metrics import compute_metrics
from emosense.networks.classifier import EmotionClassifier
from emosense.networks.registry import TrainedModel, find_model, list_models
from emosense.training.export_model import training_command
from emosense.training.recipe import Recipe


@pytest.fixture
def folder(small_run, tmp_path):
    shutil.copytree(small_run / "models" / "tiny", tmp_path / "tiny")
    return tmp_path


def test_a_published_model_is_listed_and_works(folder, small_data):
    assert list(list_models([folder])) == ["tiny"]
    model = find_model("tiny", [folder])
    card = model.card
    assert card.parameters == 4_232_199
    assert card.epochs_seen == card.selected_epoch == 1
    assert card.data.fingerprint == small_data.fingerprint
    assert set(card.metrics) >= {"Training", "PublicTest", "PrivateTest"}
    split = small_data.split("PrivateTest")
    probabilities = EmotionClassifier(model)(split.images)
    assert card.metrics["PrivateTest"] == compute_metrics(split.labels, probabilities)
    saved = model.predictions()
    raw = EmotionClassifier(model, raw=True)(split.images)
    np.testing.assert_allclose(saved["private_probabilities"], raw, atol=1e-6)
    assert saved["private_labels"].tolist() == split.labels.tolist()
    assert [row["epoch"] for row in model.history()] == [1]
    with (
        zipfile.ZipFile(model.file("weights.keras")) as archive,
        h5py.File(io.BytesIO(archive.read("model.weights.h5"))) as weights,
    ):
        assert not weights.get("optimizer")
        assert not json.loads(archive.read("config.json")).get("compile_config")


@pytest.mark.parametrize("wrong", [{"emotions": None}, {"metrics": []}, {"epochs_seen": "1"}])
def test_cards_with_wrong_fields_are_refused(wrong, folder):
    path = folder / "tiny" / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | wrong))
    with pytest.raises(ModelDamaged, match=f"not a model card: {next(iter(wrong))}: expected") as e:
        _ = find_model("tiny", [folder]).card
    assert "git checkout" not in str(e.value)  # no model of the project's own


def test_any_name_is_listed(folder):
    (folder / "tiny").rename(folder / "tiny²")
    assert list(list_models([folder])) == ["tiny²"]


def test_classifier_checks_its_input(folder):
    classify = EmotionClassifier(find_model("tiny", [folder]))
    assert classify(np.zeros((0, 48, 48), np.uint8)).shape == (0, 7)
    many = np.random.default_rng(0).integers(0, 255, (130, 48, 48), np.uint8)
    together, alone = classify(many), classify(many[129:])
    np.testing.assert_allclose(together[129:], alone, atol=1e-5)
    with pytest.raises(ValueError, match="Received"):
        classify(np.zeros((1, 48, 48), np.float32))


def test_a_changed_file_is_refused_and_says_how_to_get_it_back(folder, monkeypatch):
    path = folder / "tiny" / "weights.keras"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelDamaged, match=r"SHA-256.*get it back from where it came"):
        find_model("tiny", [folder]).network()
    monkeypatch.setattr("emosense.networks.registry.bundled_models_dir", lambda: folder)
    with pytest.raises(ModelDamaged, match=r"SHA-256.*git checkout -- models/tiny"):
        find_model("tiny", [folder]).network()
    path.unlink()
    with pytest.raises(ModelDamaged, match=r"no file weights\.keras.*git checkout"):
        find_model("tiny", [folder]).network()


def test_a_file_that_is_no_network_is_refused(folder):
    import hashlib

    path = folder / "tiny" / "weights.keras"
    path.write_bytes(b"not a zip")
    card = json.loads((folder / "tiny" / "card.json").read_text())
    card["files"]["weights.keras"]["sha256"] = hashlib.sha256(b"not a zip").hexdigest()
    (folder / "tiny" / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelDamaged, match="not a network that Keras can load"):
        find_model("tiny", [folder]).network()


@pytest.mark.parametrize("text", ["{", "{}", "[]", '{"name": "tiny", "colour": 1}'])
def test_a_damaged_card_is_told(folder, text):
    (folder / "tiny" / "card.json").write_text(text)
    with pytest.raises(ModelDamaged, match="is not a model card"):
        _ = TrainedModel(folder / "tiny").card


def test_a_card_of_another_model_is_refused(folder):
    (folder / "tiny").rename(folder / "other")
    with pytest.raises(ModelDamaged, match="expected the model 'other'"):
        _ = TrainedModel(folder / "other").card


def test_unknown_name_and_extra_folders(folder, monkeypatch):
    with pytest.raises(ModelNotFound, match="Known: tiny"):
        find_model("big", [folder])
    monkeypatch.setenv("EMOSENSE_MODELS", str(folder))
    assert "tiny" in list_models()
    assert "cnn8" in list_models()


def test_the_command_names_every_changed_option():
    assert training_command(Recipe("cnn8")) == "emosense train cnn8 --data fer2013.csv"
    command = training_command(Recipe("cnn4", seed=3, label_smoothing=0.1))
    assert command == "emosense train cnn4 --data fer2013.csv --label-smoothing 0.1 --seed 3"


def test_the_shipped_models_are_whole():
    models = list_models()
    assert "cnn8" in models
    for model in models.values():
        for name in model.card.files:
            model.file(name)
        test = model.predictions()
        got = compute_metrics(test["private_labels"], test["private_probabilities"])
        assert got.accuracy == pytest.approx(model.card.metrics["PrivateTest"].accuracy)
        assert len(model.history()) == model.card.epochs_seen
