"""Significance of the difference between two models on the same images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from emosense.evaluation.bootstrap import Interval, accuracy_difference, require_same_images
from emosense.evaluation.predictions import Predictions


@dataclass(frozen=True)
class Comparison:
    """Contingency table of two models' predictions, with tests of their difference.

    Attributes:
        both_correct: number of images that both models predict correctly.
        only_first: number of images that only the first model predicts correctly.
        only_second: number of images that only the second model predicts correctly.
        both_wrong: number of images that neither model predicts correctly.
        agreement: number of images with the same predicted class, correct or not.
        difference: accuracy of the first model minus that of the second, in -1..1.
        p_value: two-sided p-value of McNemar's exact test: the probability that models of equal
            accuracy differ at least this much, in 0..1.

    >>> import numpy as np
    >>> probabilities = np.eye(7, dtype=np.float32)[[3, 6]]
    >>> predictions = Predictions(np.uint8([3, 0]), probabilities, np.zeros(2, bool))
    >>> compare(predictions, predictions).agreement
    2
    """

    both_correct: int
    only_first: int
    only_second: int
    both_wrong: int
    agreement: int
    difference: Interval
    p_value: float


def compare(first: Predictions, second: Predictions) -> Comparison:
    """Compare the predictions of two models on the same images.

    Raises:
        ValueError: the predictions are of different images.
    """
    require_same_images(first, second)
    a, b = first.correct, second.correct
    only_first, only_second = int((a & ~b).sum()), int((~a & b).sum())
    return Comparison(
        both_correct=int((a & b).sum()),
        only_first=only_first,
        only_second=only_second,
        both_wrong=int((~a & ~b).sum()),
        agreement=int((first.predicted == second.predicted).sum()),
        difference=accuracy_difference(first, second),
        p_value=mcnemar(only_first, only_second),
    )


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided p-value of McNemar's exact test (McNemar 1947), in 0..1.

    Under the null hypothesis each of the models is equally likely to be the correct one of a
    discordant pair, so this is the binomial test of the discordant pairs.

    Args:
        only_first: images that only the first model predicts correctly.
        only_second: images that only the second model predicts correctly.
    """
    from scipy.special import bdtr  # scipy.stats has the test too, but takes half a second to load

    rarer, discordant = min(only_first, only_second), only_first + only_second
    return min(1.0, 2 * float(bdtr(rarer, discordant, 0.5)))


def holm(p_values: Sequence[float]) -> list[float]:
    """Adjust p-values for the number of tests by Holm's step-down procedure (Holm 1979).

    Rejecting the hypotheses whose adjusted p-value is at most alpha keeps the probability of any
    false rejection at alpha, whatever the dependence between the tests.

    Args:
        p_values: p-values in 0..1.

    Returns:
        Adjusted p-values in 0..1, in the order of the input.
    """
    adjusted, largest = [0.0] * len(p_values), 0.0
    for rank, index in enumerate(sorted(range(len(p_values)), key=p_values.__getitem__)):
        largest = max(largest, min(1.0, (len(p_values) - rank) * p_values[index]))
        adjusted[index] = largest
    return adjusted


@dataclass(frozen=True)
class PairTest:
    """McNemar's exact test of one of several pairs of models.

    Attributes:
        first: name of the first model.
        second: name of the second model.
        only_first: number of images that only the first model predicts correctly.
        only_second: number of images that only the second model predicts correctly.
        difference: accuracy of the first model minus that of the second, in -1..1.
        p_value: two-sided p-value, in 0..1.
        adjusted_p_value: the same after Holm's correction for all pairs, in 0..1.

    >>> PairTest("8L", "4L", 30, 10, 0.02, 0.002, 0.006).difference
    0.02
    """

    first: str
    second: str
    only_first: int
    only_second: int
    difference: float
    p_value: float
    adjusted_p_value: float


def pairwise_tests(models: Mapping[str, Predictions]) -> list[PairTest]:
    """Test all pairs of models that were evaluated on the same images.

    Args:
        models: predictions by name of the model.

    Returns:
        One test per pair with equal labels, corrected for their number.
    """
    pairs = [
        (first, second)
        for first, second in combinations(models, 2)
        if np.array_equal(models[first].labels, models[second].labels)
    ]
    discordant = []
    for first, second in pairs:
        a, b = models[first].correct, models[second].correct
        discordant.append((int((a & ~b).sum()), int((~a & b).sum())))
    p_values = [mcnemar(*counts) for counts in discordant]
    return [
        PairTest(first, second, *counts, (counts[0] - counts[1]) / len(models[first]), p, adjusted)
        for (first, second), counts, p, adjusted in zip(
            pairs, discordant, p_values, holm(p_values), strict=True
        )
    ]
