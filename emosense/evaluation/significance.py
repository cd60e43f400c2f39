"""Significance of the difference between two models on the same images."""

from __future__ import annotations

from dataclasses import dataclass

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
    from scipy.stats import binomtest  # takes half a second, so only this dashboard imports it

    discordant = only_first + only_second
    return float(binomtest(only_first, discordant).pvalue) if discordant else 1.0
