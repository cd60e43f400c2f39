"""Significance of the difference between two models on the same images."""

from __future__ import annotations

from dataclasses import dataclass

from emosense.evaluation.bootstrap import Interval, accuracy_difference, require_same_images
from emosense.evaluation.predictions import Predictions


@dataclass(frozen=True)
class Comparison:
    """Agreement and difference of two models on the same images.

    Attributes:
        both_correct: images that both predict correctly.
        only_first: images that only the first predicts correctly.
        only_second: images that only the second predicts correctly.
        both_wrong: images that neither predicts correctly.
        agreement: images with the same answer, right or wrong.
        difference: accuracy of the first minus that of the second, in -1..1.
        p_value: of McNemar's exact test, two-sided: how often models of equal accuracy
            would differ at least this much, in 0..1.

    >>> import numpy as np
    >>> labels = np.uint8([3, 3, 6])
    >>> first, second = (
    ...     Predictions(labels, np.eye(7, dtype=np.float32)[predicted], np.zeros(3, bool))
    ...     for predicted in ([3, 0, 6], [3, 3, 3])
    ... )
    >>> found = compare(first, second)
    >>> found.both_correct, found.only_first, found.only_second, found.p_value
    (1, 1, 1, 1.0)
    """

    both_correct: int
    only_first: int
    only_second: int
    both_wrong: int
    agreement: int
    difference: Interval
    p_value: float


def compare(first: Predictions, second: Predictions) -> Comparison:
    """Compare two models.

    Raises:
        ValueError: the two were not made on the same images.
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

    Under the null hypothesis each image that just one model predicts correctly is a fair coin's
    toss; so this is the binomial test of the discordant pairs.

    Args:
        only_first: images that only the first model predicts correctly.
        only_second: images that only the second model predicts correctly.
    """
    from scipy.stats import binomtest  # half a second, which other dashboards need not wait for

    discordant = only_first + only_second
    return float(binomtest(only_first, discordant).pvalue) if discordant else 1.0
