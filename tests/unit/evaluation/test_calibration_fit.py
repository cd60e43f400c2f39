import json

import numpy as np
import pytest

from emosense.errors import ModelDamaged, TrainingError
from emosense.evaluation.calibration_fit import ALWAYS_ABSTAIN, fit_calibration
from emosense.evaluation.metrics import expected_calibration_error
from emosense.evaluation.predictions import Predictions, read_predictions
from emosense.evaluation.selective import selective_accuracy
from emosense.networks.classifier import EmotionClassifier
from emosense.networks.registry import find_model
from emosense.networks.temperature_scaling import Calibration
from emosense.training.export_model import recalibrate


def too_sure(factor, n=20_000, seed=0):
    """Predictions of a network whose logits are ``factor`` times what they should be."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(n, 7))

    def shares(z):
        e = np.exp(z - z.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    cumulated = shares(logits).cumsum(1)
    labels = (rng.random((n, 1)) > cumulated).sum(1).clip(0, 6).astype(np.uint8)
    return Predictions(labels, shares(factor * logits).astype(np.float32), np.zeros(n, bool))


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_put_in_is_found(factor):
    raw = too_sure(factor)
    found = fit_calibration(raw, "PublicTest")
    assert found.temperature == pytest.approx(factor, rel=0.03)
    after = raw.calibrated(found)
    assert expected_calibration_error(after.labels, after.probabilities) < 0.015
    assert (after.predicted == raw.predicted).all()
    np.testing.assert_allclose(after.probabilities.sum(1), 1, atol=1e-5)


def test_the_threshold_keeps_its_promise_on_other_images():
    found = fit_calibration(too_sure(2.0), "PublicTest")
    share, right = selective_accuracy(too_sure(2.0, seed=1).calibrated(found), found.threshold)
    assert right == pytest.approx(0.75, abs=0.015)
    assert share == pytest.approx(found.coverage, abs=0.02)


def test_images_that_were_learned_do_not_lower_the_threshold():
    """Copies, which the network knows by heart, would make it look better than it is."""
    raw, known = too_sure(1.0, 4000), too_sure(1.0, 4000, seed=1)
    right = Predictions(known.predicted.astype(np.uint8), known.probabilities, np.ones(4000, bool))
    mixed = Predictions(
        np.concatenate([raw.labels, right.labels]),
        np.concatenate([raw.probabilities, right.probabilities]),
        np.concatenate([raw.is_duplicate, right.is_duplicate]),
    )
    found = fit_calibration(mixed, "PublicTest")
    _, accuracy = selective_accuracy(raw.calibrated(found), found.threshold)
    assert accuracy == pytest.approx(0.75, abs=0.01)


def test_a_network_that_guesses_is_never_sure():
    labels = np.arange(700, dtype=np.uint8) % 7
    guess = Predictions(labels, np.full((700, 7), 1 / 7, np.float32), np.zeros(700, bool))
    found = fit_calibration(guess, "PublicTest")
    assert (found.threshold, found.coverage) == (ALWAYS_ABSTAIN, 0.0)
    assert selective_accuracy(guess.calibrated(found), found.threshold) is None


def test_without_calibration_nothing_changes():
    probabilities = too_sure(1.0, 10).probabilities
    assert Calibration().apply(probabilities) is probabilities


def test_a_published_model_is_calibrated(small_run, small_data):
    model = find_model("tiny", [small_run / "models"])
    raw = read_predictions(model, "PublicTest", raw=True)
    assert model.calibration == fit_calibration(raw, "PublicTest")
    shown = read_predictions(model, "PublicTest")
    split = small_data.split("PublicTest")
    np.testing.assert_allclose(
        EmotionClassifier(model)(split.images), shown.probabilities, atol=1e-5
    )
    np.testing.assert_allclose(
        EmotionClassifier(model, raw=True)(split.images), raw.probabilities, atol=1e-5
    )
    card = model.card.metrics["PublicTest"]
    assert card.ece == pytest.approx(expected_calibration_error(shown.labels, shown.probabilities))


def test_calibrating_again_keeps_the_weights(small_run, small_data, tmp_path):
    import shutil
    from dataclasses import replace

    folder = tmp_path / "tiny"
    shutil.copytree(small_run / "models" / "tiny", folder)
    card = json.loads((folder / "card.json").read_text())
    before = card["files"]["weights.keras"]["sha256"], card["calibration"]
    card["calibration"] = {}
    (folder / "card.json").write_text(json.dumps(card))
    assert find_model("tiny", [tmp_path]).calibration == Calibration()
    again = recalibrate(find_model("tiny", [tmp_path]), small_data)
    assert (again.files["weights.keras"].sha256, again.calibration.as_dict()) == before
    assert [path.name for path in tmp_path.iterdir()] == ["tiny"]
    other = replace(small_data, images=small_data.images ^ np.uint8(1))
    with pytest.raises(TrainingError, match="trained on other data"):
        recalibrate(find_model("tiny", [tmp_path]), other)


def test_a_calibration_that_cannot_be_read_is_told(small_run, tmp_path):
    import shutil

    folder = tmp_path / "tiny"
    shutil.copytree(small_run / "models" / "tiny", folder)
    card = json.loads((folder / "card.json").read_text())
    card["calibration"] = {"heat": 3}
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelDamaged, match=r"not a model card: calibration\.heat"):
        _ = find_model("tiny", [tmp_path]).calibration
