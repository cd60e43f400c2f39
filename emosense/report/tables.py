"""Tables of evaluated networks, as pages and reports show them: one dict per row."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar

from emosense.emotions import EMOTIONS
from emosense.evaluation.bootstrap import Interval
from emosense.evaluation.curves import class_curves
from emosense.evaluation.metrics import (
    compute_metrics,
    expected_calibration_error,
    is_majority_baseline,
)
from emosense.evaluation.robustness import RobustnessCurve
from emosense.evaluation.significance import PairTest
from emosense.evaluation.slices import Bin, QualityMeasure, Slice
from emosense.networks.architectures import ARCHITECTURES
from emosense.report.model import EvaluatedModel, paper_results

Model = TypeVar("Model", bound=EvaluatedModel)

METRICS: Final = {
    "accuracy": "accuracy",
    "F1": "macro_f1",
    "precision": "macro_precision",
    "recall": "macro_recall",
}
"""Metrics in percent by their titles; all but accuracy are macro averages."""

PARAMETERS: Final = "parameters"
MFLOPS: Final = "MFLOPs per face"
MEGABYTES: Final = "weights, MB"
FACES_PER_SECOND: Final = "faces/s in batches"

LEADERBOARD_BEST: Final = {
    **dict.fromkeys(METRICS, True),
    "ECE": False,
    "loss": False,
    PARAMETERS: False,
    MFLOPS: False,
    MEGABYTES: False,
    FACES_PER_SECOND: True,
}
"""Whether a large value is the best one, by column."""

LEADERBOARD_FORMATS: Final = {
    **dict.fromkeys(METRICS, "%.1f %%"),
    **{f"the paper's {title}": "%.1f %%" for title in METRICS},
    "ECE": "%.3f",
    "loss": "%.3f",
    PARAMETERS: "localized",
    MFLOPS: "%.0f",
    MEGABYTES: "%.1f",
    FACES_PER_SECOND: "%.0f",
}

PAIR_FORMATS: Final = {"points": "%+.1f", "p": "p-value", "p, Holm": "p-value"}

_SPLITS: Final = {"Training": "training", "PublicTest": "validation", "PrivateTest": "test"}
SPLIT_FORMATS: Final = {
    f"{title} {metric}": number_format
    for title in _SPLITS.values()
    for metric, number_format in (("accuracy", "%.1f %%"), ("loss", "%.3f"))
}

CLASS_TITLES: Final = {"f1": "F1", "precision": "precision", "recall": "recall"}
CLASS_FORMATS: Final = {
    **dict.fromkeys(CLASS_TITLES.values(), "%.1f %%"),
    "ROC AUC": "%.3f",
    "average precision": "%.3f",
}
SLICE_METRICS: Final = {
    "accuracy": "accuracy",
    "coverage": "coverage",
    "selective_accuracy": "accuracy when answered",
}
"""Titles by the attributes of :class:`emosense.evaluation.slices.Slice`."""
ALL_CORRUPTIONS: Final = "all"
"""Key of the curves of all corruptions together."""

CALIBRATION_FORMATS: Final = {"ECE": "%.3f", "ECE before": "%.3f", "temperature": "%.2f"}


def above_chance(models: Sequence[Model]) -> list[Model]:
    """Return the networks that do better than always predicting the majority class of these images.

    All are returned if none does.
    """
    better = []
    for model in models:
        metrics = compute_metrics(model.predictions.labels, model.predictions.probabilities)
        supports = [values.support for values in metrics.per_class.values()]
        if not is_majority_baseline(metrics.accuracy, supports):
            better.append(model)
    return better or list(models)


def leaderboard(
    models: Sequence[EvaluatedModel],
    baseline: EvaluatedModel | None = None,
    faces_per_second: Mapping[str, float] | None = None,
) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """Return metrics and costs of all networks.

    Args:
        models: the networks.
        baseline: the network that accuracy and F1 are compared with; None for no such columns.
        faces_per_second: measured throughput by label; None or empty for no such column.

    Returns:
        One row per network, the most accurate one first, and the formats of the columns.
    """
    models = sorted(models, key=lambda model: -model.intervals["accuracy"].value)
    in_paper = any(paper_results(model.card) for model in models)
    rows = []
    for model in models:
        card, paper = model.card, paper_results(model.card)
        row: dict[str, Any] = {"model": model.label}
        for title, metric in METRICS.items():
            row |= _percent_and_interval(title, model.intervals[metric])
            if baseline is not None and title in ("accuracy", "F1"):
                row[_delta(title, baseline)] = 100 * (
                    model.intervals[metric].value - baseline.intervals[metric].value
                )
            if in_paper:
                row[f"the paper's {title}"] = (
                    None if paper is None else 100 * getattr(paper, metric)
                )
        row |= {"ECE": model.intervals["ece"].value, "loss": model.intervals["loss"].value}
        row[PARAMETERS] = card.parameters
        row[MFLOPS] = None if card.flops is None else card.flops / 1e6
        row[MEGABYTES] = card.weights_megabytes
        if faces_per_second:
            row[FACES_PER_SECOND] = faces_per_second.get(model.label)
        row["epochs"] = f"{card.epochs_seen} of {card.recipe.epochs}"
        rows.append(row)
    formats = dict(LEADERBOARD_FORMATS)
    if baseline is not None:
        formats |= {_delta(title, baseline): "%+.1f" for title in ("accuracy", "F1")}
    return rows, {column: text for column, text in formats.items() if column in rows[0]}


def _percent_and_interval(title: str, interval: Interval) -> dict[str, Any]:
    return {
        title: 100 * interval.value,
        f"{title}, 95 %": f"{100 * interval.low:.1f} to {100 * interval.high:.1f}",
    }


def _delta(title: str, baseline: EvaluatedModel) -> str:
    return f"{title}, points vs. {baseline.label}"


def pair_rows(tests: Sequence[PairTest]) -> list[dict[str, Any]]:
    """Return a row per pair of networks, the smallest p-value first."""
    return [
        {
            "first": test.first,
            "second": test.second,
            "points": 100 * test.difference,
            "only first correct": test.only_first,
            "only second correct": test.only_second,
            "p": test.p_value,
            "p, Holm": test.adjusted_p_value,
            "difference": "significant" if test.adjusted_p_value < 0.05 else "not significant",
        }
        for test in sorted(tests, key=lambda test: test.p_value)
    ]


def split_rows(models: Sequence[EvaluatedModel]) -> list[dict[str, Any]]:
    """Return accuracy and loss on all splits, and below them what the paper's Table I reports."""
    rows: list[dict[str, Any]] = []
    papers: dict[str, dict[str, Any]] = {}
    for model in models:
        row: dict[str, Any] = {"model": model.label}
        paper = paper_results(model.card)
        paper_row: dict[str, Any] = {}
        for split, title in _SPLITS.items():
            metrics = model.card.metrics.get(split)
            row[f"{title} accuracy"] = None if metrics is None else 100 * metrics.accuracy
            row[f"{title} loss"] = None if metrics is None else metrics.loss
            if paper and paper.splits:
                accuracy, loss = paper.splits[split]
                paper_row |= {f"{title} accuracy": 100 * accuracy, f"{title} loss": loss}
        rows.append(row)
        if paper and paper.splits:
            title = ARCHITECTURES[model.card.network].title
            papers[title] = {"model": f"the paper's {title}", **paper_row}
    return rows + list(papers.values())


def class_rows(model: EvaluatedModel) -> list[dict[str, Any]]:
    """Return metrics and areas of each class; a class without an image has none."""
    predictions = model.predictions
    classes = compute_metrics(predictions.labels, predictions.probabilities).per_class
    curves = class_curves(predictions)
    return [
        {
            "class": emotion,
            **{
                title: 100 * getattr(classes[emotion], key) if classes[emotion].support else None
                for key, title in CLASS_TITLES.items()
            },
            "support": classes[emotion].support,
            "ROC AUC": _defined(curves[emotion][0].area),
            "average precision": _defined(curves[emotion][1].area),
        }
        for emotion in EMOTIONS
    ]


def calibration_rows(models: Sequence[EvaluatedModel]) -> list[dict[str, Any]]:
    """Return the ECE of each network before and after calibration."""
    return [
        {
            "model": model.label,
            "ECE": (ece := model.intervals["ece"]).value,
            "ECE, 95 %": f"{ece.low:.3f} to {ece.high:.3f}",
            "ECE before": expected_calibration_error(model.raw.labels, model.raw.probabilities),
            "temperature": model.card.calibration.temperature,
        }
        for model in models
    ]


def bin_title(measure: QualityMeasure, each: Bin) -> str:
    """Return what a bin of a quality measure is called, e.g. ``0.512 to 0.604``."""
    high = measure.describe(each.high)
    return high if each.low == each.high else f"{each.low:.{measure.digits}f} to {high}"


def slice_rows(
    slices: Mapping[str, Sequence[Slice]], measure: QualityMeasure, bins: Sequence[Bin]
) -> list[dict[str, Any]]:
    """Return a row per bin and network: metrics in percent, with intervals.

    Args:
        slices: one slice per bin, by label.
        measure: what the faces are sliced by.
        bins: the bins.
    """
    return [
        {measure.title: bin_title(measure, each), "model": label, **_slice_row(of_model[index])}
        for index, each in enumerate(bins)
        for label, of_model in slices.items()
    ]


def slice_formats(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the formats of the columns of :func:`slice_rows`."""
    return {column: "%.1f %%" for column in row if column.startswith(tuple(SLICE_METRICS.values()))}


def _slice_row(each: Slice) -> dict[str, Any]:
    intervals: dict[str, Interval] = {
        title: getattr(each, metric) for metric, title in SLICE_METRICS.items()
    }
    row: dict[str, Any] = {"images": each.images}
    row |= {title: _defined(100 * interval.value) for title, interval in intervals.items()}
    row["note"] = "few images" if each.has_few_images else ""
    for title, interval in intervals.items():
        row[f"{title}, 95 % from"] = _defined(100 * interval.low)
        row[f"{title}, 95 % to"] = _defined(100 * interval.high)
    return row


def corruption_accuracy_rows(
    curves: Mapping[str, Mapping[str, RobustnessCurve]],
) -> list[dict[str, Any]]:
    """Return the mean corruption accuracies of each network, in percent.

    Args:
        curves: curves by label, by corruption, with :data:`ALL_CORRUPTIONS`.
    """
    return [
        {"model": label, "uncorrupted": _defined(100 * of_all.clean.accuracy.value)}
        | {name: _defined(100 * curves[name][label].mean_accuracy) for name in curves}
        for label, of_all in curves[ALL_CORRUPTIONS].items()
    ]


def corruption_drop_rows(
    curves: Mapping[str, Mapping[str, RobustnessCurve]],
) -> list[dict[str, Any]]:
    """Return the relative drops of each network, in percent; see :func:`corruption_accuracy_rows`."""
    return [
        {"model": label}
        | {name: _defined(100 * curves[name][label].relative_drop) for name in curves}
        for label in curves[ALL_CORRUPTIONS]
    ]


def corruption_formats(row: Mapping[str, Any]) -> dict[str, str]:
    """Return the formats of the columns of the tables of corruptions."""
    return {column: "%.1f %%" for column in row if column != "model"}


def _defined(value: float) -> float | None:
    return None if math.isnan(value) else value
