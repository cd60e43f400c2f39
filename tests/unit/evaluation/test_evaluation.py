"""Intervals, curves, calibration and comparisons against hand-computed values and scikit-learn."""

from itertools import combinations

import numpy as np
import pytest
from scipy.stats import binomtest
from sklearn.metrics import (
    average_precision_score,
    precision_recall_fscore_support,
    roc_auc_score,
)
from sklearn.metrics import (
    roc_curve as sklearn_roc_curve,
)

from emosense.evaluation.bootstrap import accuracy_difference, bootstrap, class_bootstrap
from emosense.evaluation.curves import class_curves, macro_curves, precision_recall_curve, roc_curve
from emosense.evaluation.metrics import (
    compute_metrics,
    expected_calibration_error,
    is_majority_baseline,
)
from emosense.evaluation.pareto import pareto_front
from emosense.evaluation.predictions import Predictions, ferplus_agreement
from emosense.evaluation.reliability import reliability_bins
from emosense.evaluation.selective import coverage_curve
from emosense.evaluation.significance import compare, holm, mcnemar, pairwise_tests


def random_predictions(n=400, skill=2.0, seed=0, **fields):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 7, n).astype(np.uint8)
    logits = np.random.default_rng(seed + 1000 + int(10 * skill)).normal(0, 1, (n, 7))
    logits[np.arange(n), labels] += skill
    probabilities = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    optional = {"is_duplicate": rng.random(n) < 0.2, **fields}
    return Predictions(labels, probabilities.astype(np.float32), **optional)


def test_curves_and_areas_equal_scikit_learn():
    predictions = random_predictions()
    for class_index, (roc, pr) in enumerate(class_curves(predictions).values()):
        positive = predictions.labels == class_index
        scores = predictions.probabilities[:, class_index]
        assert roc.area == pytest.approx(roc_auc_score(positive, scores), abs=1e-9)
        assert pr.area == pytest.approx(average_precision_score(positive, scores), abs=1e-9)
        assert (np.diff(roc.x) >= 0).all()
        assert (np.diff(pr.x) >= 0).all()


def test_curves_by_hand_with_a_tie():
    positive = np.array([True, False, True, False])
    roc = roc_curve(positive, np.array([0.9, 0.5, 0.5, 0.1]))
    assert roc.x.tolist() == [0, 0, 0.5, 1]
    assert roc.y.tolist() == [0, 0.5, 1, 1]
    assert roc.area == 0.875
    pr = precision_recall_curve(positive, np.array([0.9, 0.5, 0.5, 0.1]))
    assert pr.area == pytest.approx(0.5 * 1 + 0.5 * 2 / 3)


def test_a_class_without_images_has_no_area():
    nothing = np.zeros(3, bool)
    assert np.isnan(roc_curve(nothing, np.array([0.1, 0.2, 0.3])).area)
    assert np.isnan(precision_recall_curve(nothing, np.array([0.1, 0.2, 0.3])).area)


def test_macro_curves_equal_scikit_learn():
    predictions = random_predictions()
    one_hot = np.eye(7, dtype=int)[predictions.labels]
    roc, pr = macro_curves(class_curves(predictions))
    assert roc.area == pytest.approx(
        roc_auc_score(one_hot, predictions.probabilities, average="macro"), abs=1e-9
    )
    assert pr.area == pytest.approx(
        average_precision_score(one_hot, predictions.probabilities, average="macro"), abs=1e-9
    )
    # The macro average of scikit-learn's example "Multiclass ROC".
    expected = np.zeros_like(roc.x)
    for index in range(7):
        x, y, _ = sklearn_roc_curve(one_hot[:, index], predictions.probabilities[:, index])
        expected += np.interp(roc.x, x, y) / 7
    assert roc.y == pytest.approx(expected, abs=1e-9)
    # The mean of step functions has the mean of their areas.
    assert pr.y[1:].mean() == pytest.approx(pr.area, abs=0.01)


def test_classes_without_images_are_no_part_of_macro_curves():
    predictions = random_predictions()
    predictions = predictions.rows(predictions.labels > 1)
    curves = class_curves(predictions)
    areas = [roc.area for roc, _ in curves.values()]
    assert np.isnan(areas[:2]).all()
    assert macro_curves(curves)[0].area == pytest.approx(np.mean(areas[2:]))
    nothing = {name: pair for name, pair in curves.items() if np.isnan(pair[0].area)}
    assert np.isnan(macro_curves(nothing)[0].area)


def test_intervals_of_classes_equal_resampling_with_scikit_learn():
    predictions = random_predictions(100)
    predictions = predictions.rows(predictions.labels != 1)
    n, intervals = len(predictions), class_bootstrap(predictions, resamples=100, seed=3)
    assert "disgust" not in intervals
    rows = np.random.default_rng(3).integers(0, n, (100, n))
    resampled = [
        precision_recall_fscore_support(
            predictions.labels[r], predictions.predicted[r], labels=range(7), zero_division=0
        )[:3]
        for r in rows
    ]
    values = precision_recall_fscore_support(
        predictions.labels, predictions.predicted, labels=range(7), zero_division=0
    )
    for position, metric in enumerate(("precision", "recall", "f1")):
        own = np.array([r[position][6] for r in resampled])
        interval, value = intervals["neutral"][metric], values[position][6]
        low, high = np.quantile(own, (0.025, 0.975)) - own.mean() + value
        assert interval.value == pytest.approx(value)
        assert (interval.low, interval.high) == pytest.approx((max(low, 0), min(high, 1)))


def test_bootstrap_equals_resampling_one_by_one():
    predictions = random_predictions(120)
    intervals = bootstrap(predictions, resamples=300, seed=3)
    rng = np.random.default_rng(3)
    rows = np.concatenate([rng.integers(0, 120, (100, 120)) for _ in range(3)])
    metrics = compute_metrics(predictions.labels, predictions.probabilities)
    for name in ("accuracy", "macro_precision", "macro_recall", "macro_f1", "ece", "loss"):
        resampled = np.array(
            [
                getattr(compute_metrics(predictions.labels[r], predictions.probabilities[r]), name)
                for r in rows
            ]
        )
        value = getattr(metrics, name)
        low, high = np.quantile(resampled, (0.025, 0.975)) - resampled.mean() + value
        assert intervals[name].value == pytest.approx(value)
        assert intervals[name].low == pytest.approx(max(0, low), abs=1e-6)
        assert intervals[name].high == pytest.approx(high, abs=1e-6)


def test_intervals_stay_within_their_figures_range():
    labels = np.repeat(np.arange(7), 2).astype(np.uint8)
    probabilities = np.eye(7, dtype=np.float32)[labels] * 0.93 + 0.01
    intervals = bootstrap(Predictions(labels, probabilities, np.zeros(14, bool)))
    assert intervals["macro_f1"].low < intervals["macro_f1"].value == 1
    for name, interval in intervals.items():
        assert 0 <= interval.low <= interval.value + 1e-9 <= interval.high + 2e-9
        assert interval.high <= 1 or name == "loss"


def test_accuracy_interval_is_that_of_a_proportion():
    predictions = random_predictions(3000)
    interval = bootstrap(predictions)["accuracy"]
    error = 1.96 * np.sqrt(interval.value * (1 - interval.value) / 3000)
    assert interval.low == pytest.approx(interval.value - error, abs=0.004)
    assert interval.high == pytest.approx(interval.value + error, abs=0.004)


def test_reliability_bins_add_up_to_ece():
    predictions = random_predictions()
    bins = reliability_bins(predictions)
    assert sum(b.images for b in bins) == len(predictions)
    gap = sum(b.images * abs(b.accuracy - b.confidence) for b in bins if b.images)
    ece = expected_calibration_error(predictions.labels, predictions.probabilities)
    assert gap / len(predictions) == pytest.approx(ece)
    for b in bins:
        assert b.images == 0 or b.low < b.confidence <= b.high + 1e-9


def simple(labels, predicted, confidences, **fields):
    """Predictions of the classes ``predicted``; the rest of each row is uniform."""
    probabilities = np.repeat((1 - np.array(confidences))[:, np.newaxis] / 6, 7, axis=1)
    probabilities[np.arange(len(labels)), predicted] = confidences
    optional = {"is_duplicate": np.zeros(len(labels), bool), **fields}
    return Predictions(np.array(labels, np.uint8), probabilities.astype(np.float32), **optional)


def test_coverage_by_hand():
    curve = coverage_curve(simple([0, 1, 2, 3], [0, 1, 0, 3], [0.9, 0.8, 0.7, 0.6]))
    assert curve.coverage.tolist() == [0.25, 0.5, 0.75, 1]
    assert curve.accuracy.tolist() == pytest.approx([1, 1, 2 / 3, 3 / 4])
    assert curve.coverage_at(1.0) == 0.5
    assert curve.coverage_at(0.7) == 1
    assert coverage_curve(simple([0], [1], [0.9])).coverage_at(0.5) == 0


def test_ferplus_agreement_by_hand():
    votes = np.zeros((4, 7), np.float32)
    votes[0, 0] = 1  # agrees
    votes[1, [2, 3]] = 0.3, 0.7  # does not
    votes[2, [4, 5]] = 0.5, 0.5  # a tie: the first counts
    predictions = simple([0, 2, 4, 6], [0, 2, 4, 6], [0.9] * 4, votes=votes)
    assert ferplus_agreement(predictions) == pytest.approx(2 / 3)  # the last has no votes
    assert ferplus_agreement(simple([0], [0], [0.9])) is None
    no_votes = simple([0], [0], [0.9], votes=np.zeros((1, 7), np.float32))
    assert ferplus_agreement(no_votes) is None


def test_without_duplicates():
    fields = {"votes": np.eye(7, dtype=np.float32)[[0, 1]], "is_duplicate": np.array([True, False])}
    unique = simple([0, 1], [0, 1], [0.9, 0.8], **fields).without_duplicates()
    assert unique.labels.tolist() == [1]
    assert unique.votes.tolist() == [fields["votes"][1].tolist()]


@pytest.mark.parametrize(("b", "c"), [(0, 0), (5, 5), (10, 2), (0, 9), (300, 412), (9, 700)])
def test_mcnemar_equals_the_binomial_test(b, c):
    expected = binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar(b, c) == pytest.approx(expected)
    assert mcnemar(c, b) == mcnemar(b, c)


def test_comparison_by_hand():
    first = simple([0, 1, 2, 3, 4], [0, 1, 2, 0, 0], [0.9] * 5)
    second = simple([0, 1, 2, 3, 4], [0, 0, 0, 0, 1], [0.9] * 5)
    comparison = compare(first, second)
    assert (comparison.both_correct, comparison.only_first, comparison.only_second) == (1, 2, 0)
    assert (comparison.both_wrong, comparison.agreement) == (2, 2)
    assert comparison.difference.value == pytest.approx(0.4)
    assert comparison.p_value == 0.5


def test_difference_is_paired():
    first, second = random_predictions(500, 2.0), random_predictions(500, 2.2)
    paired = accuracy_difference(first, second)
    assert paired.low < paired.value < paired.high
    same = accuracy_difference(first, first)
    assert (same.low, same.value, same.high) == (0, 0, 0)


def test_other_images_are_refused():
    with pytest.raises(ValueError, match="400 and 300 images whose labels differ"):
        compare(random_predictions(400), random_predictions(300))


def test_holms_correction_is_the_closed_bonferroni_test():
    """Holm's procedure is the closed testing procedure of Bonferroni tests."""
    p_values = np.random.default_rng(4).random(6) ** 3
    adjusted = holm(p_values.tolist())
    for index in range(6):
        sets = (s for size in range(1, 7) for s in combinations(range(6), size) if index in s)
        closed = max(min(1.0, len(s) * p_values[list(s)].min()) for s in sets)
        assert adjusted[index] == pytest.approx(closed)
    assert holm([]) == []


def test_all_pairs_on_the_same_images_are_tested():
    models = {
        "a": random_predictions(),
        "b": random_predictions(skill=1),
        "c": random_predictions(),
    }
    models["other"] = random_predictions(50)
    tests = pairwise_tests(models)
    assert [(t.first, t.second) for t in tests] == [("a", "b"), ("a", "c"), ("b", "c")]
    assert [t.adjusted_p_value for t in tests] == pytest.approx(holm([t.p_value for t in tests]))
    for test in tests:
        comparison = compare(models[test.first], models[test.second])
        assert test.difference == pytest.approx(comparison.difference.value)
        assert (test.only_first, test.p_value) == (comparison.only_first, comparison.p_value)
    assert tests[1].p_value == 1


def test_the_pareto_front_has_no_dominated_point():
    rng = np.random.default_rng(1)
    points = {str(n): tuple(row) for n, row in enumerate(rng.integers(0, 9, (40, 2)))}
    front = pareto_front(points)
    assert [points[name][0] for name in front] == sorted(points[name][0] for name in front)
    for name, (cost, score) in points.items():
        dominated = any(
            c <= cost and s >= score and (c < cost or s > score) for c, s in points.values()
        )
        assert dominated != (name in front)


def test_a_majority_baseline_is_recognised():
    labels = np.array([3] * 30 + [6] * 20)
    always_happy = np.eye(7)[np.full(50, 3)]
    for probabilities, expected in ((always_happy, True), (np.eye(7)[labels], False)):
        metrics = compute_metrics(labels, probabilities)
        supports = [values.support for values in metrics.per_class.values()]
        assert is_majority_baseline(metrics.accuracy, supports) == expected
