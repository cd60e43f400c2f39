import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import accuracy_score

from emosense.evaluation.predictions import CORRUPTIONS, DegradedPredictions, Predictions
from emosense.evaluation.proportion import wilson_interval
from emosense.evaluation.robustness import robustness_curve
from emosense.evaluation.slices import (
    QUALITY_MEASURES,
    Bin,
    evaluate_slices,
    quantile_bins,
)
from emosense.networks.temperature_scaling import Calibration


def random_predictions(n, seed=0, quality=None):
    rng = np.random.default_rng(seed)
    probabilities = rng.dirichlet(np.full(7, 0.4), n).astype(np.float32)
    labels = np.where(rng.random(n) < 0.6, probabilities.argmax(axis=1), rng.integers(0, 7, n))
    return Predictions(labels.astype(np.uint8), probabilities, np.zeros(n, bool), None, quality)


@pytest.mark.parametrize(("hits", "n"), [(0, 5), (5, 5), (1, 1), (3, 10), (700, 1001)])
def test_wilson_intervals_are_scipys(hits, n):
    interval = wilson_interval(np.arange(n) < hits)
    expected = binomtest(hits, n).proportion_ci(method="wilson")
    assert interval.value == hits / n
    assert (interval.low, interval.high) == pytest.approx((expected.low, expected.high))
    assert interval.low <= interval.value <= interval.high


def test_nothing_has_no_interval():
    interval = wilson_interval(np.zeros(0, bool))
    assert np.isnan([interval.value, interval.low, interval.high]).all()


@pytest.mark.parametrize("count", [1, 3, 5, 10])
def test_bins_have_equally_many_values(count):
    values = np.random.default_rng(1).permutation(1000).astype(float)
    bins = quantile_bins(np.append(values, np.nan), count)
    inside = [((b.low <= values) & (values <= b.high)).sum() for b in bins]
    assert len(bins) == count
    assert sum(inside) == 1000
    assert max(inside) - min(inside) <= 1
    # Several networks on the same images: the same bins.
    assert quantile_bins(np.tile(values, 6), count) == bins


def test_equal_values_are_not_divided():
    values = np.repeat([0.0, 1.0, 2.0], [90, 5, 5])
    assert quantile_bins(values, 5) == (Bin(0, 0), Bin(1, 2))
    assert quantile_bins(np.zeros(9), 5) == (Bin(0, 0),)
    assert quantile_bins(np.full(3, np.nan), 5) == ()
    assert quantile_bins(np.array([2.0]), 10) == (Bin(2, 2),)


def test_slices_are_scikit_learns_accuracies():
    predictions = random_predictions(500)
    values = np.random.default_rng(2).normal(size=500)
    values[:40] = np.nan
    calibration = Calibration(threshold=0.6)
    bins = quantile_bins(values, 4)
    slices = evaluate_slices(predictions, calibration, values, bins)
    assert sum(each.images for each in slices) == 460
    for each, of_bin in zip(slices, bins, strict=True):
        rows = (of_bin.low <= values) & (values <= of_bin.high)
        assert each.images == rows.sum()
        assert each.accuracy.value == pytest.approx(
            accuracy_score(predictions.labels[rows], predictions.predicted[rows])
        )
        sure = rows & (predictions.probabilities.max(axis=1) >= 0.6)
        assert each.coverage.value == pytest.approx(sure.sum() / rows.sum())
        assert each.selective_accuracy.value == pytest.approx(
            accuracy_score(predictions.labels[sure], predictions.predicted[sure])
        )
        assert not each.has_few_images


def test_bins_of_other_images_and_a_model_that_always_abstains():
    predictions = random_predictions(4)
    bins = (Bin(1.0, 2.0), Bin(3.0, 4.0), Bin(5.0, 6.0))
    slices = evaluate_slices(
        predictions, Calibration(threshold=1.1), np.array([0.0, 2.5, 2.9, 9.0]), bins
    )
    assert [each.images for each in slices] == [1, 2, 1]
    assert all(each.has_few_images for each in slices)
    assert [each.coverage.value for each in slices] == [0, 0, 0]
    assert np.isnan([each.selective_accuracy.value for each in slices]).all()
    empty = evaluate_slices(predictions, Calibration(), np.full(4, np.nan), bins)
    assert [each.images for each in empty] == [0, 0, 0]
    assert evaluate_slices(predictions, Calibration(), np.full(4, np.nan), ()) == ()


def test_measures_are_in_their_units():
    quality = np.array([[40.04, 0.8, 0.5, 0.2, -3.0, 7.0, 1.0, 0.25]], np.float32)
    predictions = random_predictions(1, quality=quality)
    values = {name: measure.of(predictions)[0] for name, measure in QUALITY_MEASURES.items()}
    score = values.pop("score")
    assert score == pytest.approx(predictions.scores[0], abs=0.0005)
    assert values == {
        **{"size": 40, "sharpness": 0.8, "brightness": 50, "contrast": 20},
        **{"roll": 3, "yaw": 7, "cut": 25},
    }
    assert QUALITY_MEASURES["size"].describe(values["size"]) == "40.0 px"
    assert QUALITY_MEASURES["size"].of(random_predictions(1)) is None


@pytest.fixture(scope="module")
def degraded():
    """Two degraded faces of each of 400 images, each corruption and severity equally often."""
    n, rng = 800, np.random.default_rng(3)
    kinds = np.arange(n) % 50
    images = (np.arange(n) // 2).astype(np.uint16)
    return DegradedPredictions(
        random_predictions(n, seed=4),
        images,
        (kinds // 5).astype(np.uint8),
        (kinds % 5 + 1).astype(np.uint8),
        rng.random(n) < 0.7,
    )


@pytest.mark.parametrize("corruption", [None, "blur", "cut off"])
@pytest.mark.parametrize("counted", ["all", "found", "missed"])
def test_robustness_is_scikit_learns_accuracy(degraded, corruption, counted):
    natural = random_predictions(400, seed=5)
    curve = robustness_curve(natural, np.arange(400), degraded, corruption, counted)
    of = np.ones(800, bool)
    if corruption:
        of = degraded.corruptions == CORRUPTIONS.index(corruption)
    predicted = degraded.predictions.predicted.copy()
    if counted == "missed":
        predicted[~degraded.found] = 7
    counts = of & degraded.found if counted == "found" else of
    expected = []
    for severity, result in enumerate(curve.corrupted, start=1):
        rows = counts & (degraded.severities == severity)
        expected.append(accuracy_score(degraded.predictions.labels[rows], predicted[rows]))
        assert result.severity == severity
        assert result.accuracy.value == pytest.approx(expected[-1])
        assert result.counted == rows.sum()
        assert result.faces == (of & (degraded.severities == severity)).sum()
        assert result.found == (of & (degraded.severities == severity) & degraded.found).sum()
    same = sorted(set(degraded.images[counts].tolist()))
    clean = accuracy_score(natural.labels[same], natural.predicted[same])
    assert curve.clean.accuracy.value == pytest.approx(clean)
    assert curve.clean.faces == len(same)
    assert curve.mean_accuracy == pytest.approx(np.mean(expected))
    assert curve.relative_drop == pytest.approx((clean - np.mean(expected)) / clean)
    assert (curve.faces, curve.found) == (of.sum(), (of & degraded.found).sum())


def test_robustness_without_duplicates(degraded):
    """The selected images are some of the split: degraded faces name theirs by the split's index."""
    natural, kept = random_predictions(400, seed=5), np.arange(0, 400, 3)
    rows = np.isin(degraded.images, kept)
    curve = robustness_curve(natural.rows(kept), kept, degraded.rows(rows))
    assert curve.faces == rows.sum()
    assert curve.clean.accuracy.value == pytest.approx(natural.correct[kept].mean())


def test_a_severity_without_a_face_has_no_mean(degraded):
    lost = degraded.rows((degraded.severities < 5) | ~degraded.found)
    natural = random_predictions(400, seed=5)
    curve = robustness_curve(natural, np.arange(400), lost, counted="found")
    assert curve.corrupted[-1].counted == 0
    assert np.isnan(curve.corrupted[-1].accuracy.value)
    assert np.isnan(curve.mean_accuracy) and np.isnan(curve.relative_drop)
    none = robustness_curve(natural, np.arange(400), degraded.rows(np.zeros(800, bool)))
    assert none.faces == none.clean.faces == 0
    assert np.isnan(none.corrupted[0].found_fraction)
