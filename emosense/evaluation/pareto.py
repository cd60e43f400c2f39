"""Pareto front: the models that no other one beats in accuracy at the same or a lower cost."""

from __future__ import annotations

from collections.abc import Mapping


def pareto_front(points: Mapping[str, tuple[float, float]]) -> list[str]:
    """Return the models on the Pareto front, cheapest first.

    A model is on it if every other one costs more, scores lower, or does as well in both.

    Args:
        points: (cost, score) by name of the model; a low cost and a high score are good.

    >>> pareto_front({"small": (1, 0.6), "large": (9, 0.7), "poor": (10, 0.65)})
    ['small', 'large']
    """
    front = [
        name
        for name, (cost, score) in points.items()
        if not any(
            other_cost <= cost
            and other_score >= score
            and (other_cost, other_score) != (cost, score)
            for other_cost, other_score in points.values()
        )
    ]
    return sorted(front, key=points.__getitem__)
