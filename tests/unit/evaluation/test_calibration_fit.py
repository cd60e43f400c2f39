import json
import shutil
from dataclasses import replace

import numpy as np
import pytest

from emosense.errors import ModelDamaged, TrainingError
from emosense.evaluation.calibration_fit import ALWAYS_ABSTAIN, fit_calibration
from emosense.evaluation.metrics import expected_calibration_error
from emosense.evaluation.predictions import (
    DegradedPredictions,
    Predictions,
    read_degraded,
    read_predictions,
)
from emosense.evaluation.selective import quality_thirds, selective_accuracy
from emosense.faces.quality_score import quality_scores
from emosense.networks.classifier import EmotionClassifier
from emosense.networks.registry import find_model
from emosense.networks.serialization import sha256_of
from emosense.networks.temperature_scaling import Calibration
from emosense.training.export_model import recalibrate
from emosense.training.model_folder import add_predictions


def overconfident(factor, n=20_000, seed=0):
    """Predictions of a network whose logits are ``factor`` times the calibrated ones."""
    rng = np.random.default_rng(seed)
    logits = 2 * rng.normal(size=(n, 7))

    def softmax(z):
        e = np.exp(z - z.max(1, keepdims=True))
        return e / e.sum(1, keepdims=True)

    cumulative = softmax(logits).cumsum(1)
    labels = (rng.random((n, 1)) > cumulative).sum(1).clip(0, 6).astype(np.uint8)
    return Predictions(labels, softmax(factor * logits).astype(np.float32), np.zeros(n, bool))


@pytest.mark.parametrize("factor", [0.5, 1.0, 3.0])
def test_the_temperature_that_was_put_in_is_found(factor):
    raw = overconfident(factor)
    calibration = fit_calibration(raw, "PublicTest")
    assert calibration.temperature == pytest.approx(factor, rel=0.03)
    after = raw.calibrated(calibration)
    assert expected_calibration_error(after.labels, after.probabilities) < 0.015
    assert (after.predicted == raw.predicted).all()
    np.testing.assert_allclose(after.probabilities.sum(1), 1, atol=1e-5)


def test_the_threshold_keeps_its_promise_on_other_images():
    calibration = fit_calibration(overconfident(2.0), "PublicTest")
    others = overconfident(2.0, seed=1).calibrated(calibration)
    coverage, accuracy = selective_accuracy(others, calibration)
    assert accuracy == pytest.approx(0.75, abs=0.015)
    assert coverage == pytest.approx(calibration.coverage, abs=0.02)


def test_images_that_were_learned_do_not_lower_the_threshold():
    """Duplicates, which the network has memorised, would make it look better than it is."""
    raw, known = overconfident(1.0, 4000), overconfident(1.0, 4000, seed=1)
    labels = known.predicted.astype(np.uint8)
    memorised = Predictions(labels, known.probabilities, np.ones(4000, bool))
    mixed = Predictions(
        np.concatenate([raw.labels, memorised.labels]),
        np.concatenate([raw.probabilities, memorised.probabilities]),
        np.concatenate([raw.is_duplicate, memorised.is_duplicate]),
    )
    calibration = fit_calibration(mixed, "PublicTest")
    _, accuracy = selective_accuracy(raw.calibrated(calibration), calibration)
    assert accuracy == pytest.approx(0.75, abs=0.01)


SLOPE = 1.5


def by_quality(n=12_000, seed=0):
    """Predictions of a network that is the more overconfident the darker a picture is."""
    quality = np.tile(np.float32([60, 0.8, 0.5, 0.2, 0, 0, 0, 0]), (n, 1))
    quality[:, 2] = np.random.default_rng(seed + 100).uniform(0.02, 0.4, n)
    factors = np.exp(SLOPE * (1 - quality_scores(quality)))
    calibrated = overconfident(1.0, n, seed)
    logits = factors[:, np.newaxis] * np.log(calibrated.probabilities)
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    return replace(calibrated, probabilities=probabilities.astype(np.float32), quality=quality)


def as_degraded(predictions):
    codes = np.zeros(len(predictions), np.uint8)
    found = np.ones(len(predictions), bool)
    return DegradedPredictions(predictions, codes.astype(np.uint16), codes, codes + 1, found)


def test_temperature_and_threshold_depend_on_quality():
    calibration = fit_calibration(by_quality(), "PublicTest", as_degraded(by_quality(seed=1)))
    assert calibration.quality is not None
    assert calibration.temperature == pytest.approx(1, rel=0.05)
    assert calibration.quality.slope == pytest.approx(SLOPE, rel=0.1)
    others = by_quality(seed=2)
    after = others.calibrated(calibration)
    thirds = calibration.quality.third(others.scores)
    for third in range(3):
        part = after.rows(thirds == third)
        assert expected_calibration_error(part.labels, part.probabilities) < 0.03
        assert part.correct[part.sure(calibration)].mean() == pytest.approx(0.76, abs=0.03)
    assert (after.predicted == others.predicted).all()
    assert calibration.coverage == pytest.approx(after.sure(calibration).mean(), abs=0.02)


def test_worse_quality_never_needs_less_confidence():
    raw = by_quality()
    quality = fit_calibration(raw, "PublicTest", as_degraded(raw)).quality
    assert quality.thresholds == sorted(quality.thresholds, reverse=True)


def test_what_was_right_of_faces_answered_like_this():
    raw = by_quality()
    calibration = fit_calibration(raw, "PublicTest", as_degraded(raw))
    after = raw.calibrated(calibration)
    top, thirds = after.probabilities.max(1), calibration.quality.third(raw.scores)
    for third in range(3):
        for low, high in ((0.3, 0.5), (0.6, 0.8)):
            alike = (thirds == third) & (top > low) & (top < high)
            told = [
                calibration.expected_accuracy(float(p), float(s))
                for p, s in zip(top[alike], raw.scores[alike], strict=True)
            ]
            assert np.mean(told) == pytest.approx(after.correct[alike].mean(), abs=0.05)
    assert Calibration().expected_accuracy(0.5, 0.5) is None


def test_thirds_of_quality():
    raw = by_quality()
    calibration = fit_calibration(raw, "PublicTest", as_degraded(raw))
    after = raw.calibrated(calibration)
    thirds = quality_thirds(after, calibration)
    assert [third.faces for third in thirds] == [4000] * 3
    order = np.argsort(raw.scores, kind="stable")
    worst = after.rows(order[:4000])
    assert thirds[0].accuracy == worst.correct.mean()
    assert thirds[0].coverage == worst.sure(calibration).mean()
    assert thirds[0].selective_accuracy == worst.correct[worst.sure(calibration)].mean()
    never = replace(after, probabilities=np.full((len(raw), 7), 1 / 7, np.float32))
    assert np.isnan(quality_thirds(never, Calibration(threshold=0.5))[0].selective_accuracy)
    assert quality_thirds(replace(after, quality=None), calibration) is None
    assert quality_thirds(after.rows(np.arange(2)), calibration) is None


@pytest.mark.parametrize("lost", ["quality", "found", "degraded", "few", "alike"])
def test_without_measured_faces_nothing_depends_on_quality(lost):
    raw = by_quality()
    degraded = as_degraded(raw)
    if lost == "quality":
        raw = replace(raw, quality=None)
    elif lost == "found":
        raw.quality[:, 4] = np.nan
        degraded = replace(degraded, found=~degraded.found)
    elif lost == "few":
        raw = raw.rows(np.arange(100))
        degraded = as_degraded(raw)
    elif lost == "alike":
        raw.quality[:, 2] = 0.5
    else:
        degraded = None
    calibration = fit_calibration(raw, "PublicTest", degraded)
    assert calibration.quality is None
    assert calibration == fit_calibration(raw, "PublicTest")


def test_a_network_that_guesses_is_never_sure():
    labels = np.arange(700, dtype=np.uint8) % 7
    guess = Predictions(labels, np.full((700, 7), 1 / 7, np.float32), np.zeros(700, bool))
    calibration = fit_calibration(guess, "PublicTest")
    assert (calibration.threshold, calibration.coverage) == (ALWAYS_ABSTAIN, 0.0)
    assert selective_accuracy(guess.calibrated(calibration), calibration) is None


def test_without_calibration_nothing_changes():
    probabilities = overconfident(1.0, 10).probabilities
    assert Calibration().apply(probabilities) is probabilities


def test_a_published_model_is_calibrated(small_run, small_data):
    model = find_model("tiny", [small_run / "models"])
    raw = read_predictions(model, "PublicTest", raw=True)
    assert model.calibration == fit_calibration(raw, "PublicTest")
    calibrated = read_predictions(model, "PublicTest")
    split = small_data.split("PublicTest")
    np.testing.assert_allclose(
        EmotionClassifier(model)(split.images), calibrated.probabilities, atol=1e-5
    )
    np.testing.assert_allclose(
        EmotionClassifier(model, raw=True)(split.images), raw.probabilities, atol=1e-5
    )
    card = model.card.metrics["PublicTest"]
    ece = expected_calibration_error(calibrated.labels, calibrated.probabilities)
    assert card.ece == pytest.approx(ece)


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


def test_calibrating_without_ferplus_keeps_its_votes(small_run, small_data, tmp_path):
    import shutil

    folder = tmp_path / "tiny"
    shutil.copytree(small_run / "models" / "tiny", folder)
    votes = np.full((14, 7), 1 / 7, np.float32)
    add_predictions(find_model("tiny", [tmp_path]), {"private_votes": votes})
    assert small_data.votes is None
    recalibrate(find_model("tiny", [tmp_path]), small_data)
    model = find_model("tiny", [tmp_path])
    np.testing.assert_array_equal(read_predictions(model, "PrivateTest").votes, votes)
    assert read_predictions(model, "PublicTest").votes is None


def test_a_calibration_that_cannot_be_read_is_told(small_run, tmp_path):
    import shutil

    folder = tmp_path / "tiny"
    shutil.copytree(small_run / "models" / "tiny", folder)
    card = json.loads((folder / "card.json").read_text())
    card["calibration"] = {"heat": 3}
    (folder / "card.json").write_text(json.dumps(card))
    with pytest.raises(ModelDamaged, match=r"not a model card: calibration\.heat"):
        _ = find_model("tiny", [tmp_path]).calibration


def with_arrays(folder, tmp_path, **changed):
    """A copy of a model with other arrays of degraded faces."""
    copy = tmp_path / "copy" / folder.name
    shutil.copytree(folder, copy)
    with np.load(copy / "predictions.npz") as stored:
        arrays = dict(stored)
    m = 4
    arrays |= {
        "public_degraded_probabilities": np.full((m, 7), 1 / 7, np.float32),
        "public_degraded_images": np.zeros(m, np.uint16),
        "public_degraded_corruptions": np.zeros(m, np.uint8),
        "public_degraded_severities": np.ones(m, np.uint8),
        "public_degraded_found": np.ones(m, bool),
        "public_degraded_quality": np.zeros((m, 8), np.float32),
    }
    arrays |= {f"public_degraded_{name}": array for name, array in changed.items()}
    arrays = {name: array for name, array in arrays.items() if array is not None}
    np.savez(copy / "predictions.npz", **arrays)
    card = json.loads((copy / "card.json").read_text())
    written = copy / "predictions.npz"
    card["files"]["predictions.npz"] = {
        "sha256": sha256_of(written),
        "bytes": written.stat().st_size,
    }
    (copy / "card.json").write_text(json.dumps(card))
    return find_model(folder.name, [copy.parent])


def test_degraded_faces_are_read(small_run, tmp_path):
    folder = small_run / "models" / "tiny"
    degraded = read_degraded(with_arrays(folder, tmp_path), "PublicTest")
    assert len(degraded.predictions) == 4
    assert degraded.found.all()


@pytest.mark.parametrize(
    "changed",
    [
        {"found": None},
        {"images": np.full(4, 60_000, np.uint16)},
        {"images": np.zeros(3, np.uint16)},
        {"corruptions": np.full(4, 99, np.uint8)},
        {"severities": np.full(4, 9, np.uint8)},
        {"quality": np.zeros((4, 7), np.float32)},
        {"probabilities": np.full((4, 7), np.nan, np.float32)},
    ],
    ids=["missing", "no such image", "lengths", "corruption", "severity", "quality", "nan"],
)
def test_damaged_arrays_of_degraded_faces_are_told(small_run, tmp_path, changed):
    model = with_arrays(small_run / "models" / "tiny", tmp_path, **changed)
    with pytest.raises(ModelDamaged, match="public_degraded"):
        read_degraded(model, "PublicTest")
