"""The quality score of faces: fits its weights and flags, and reports what doubt knows of quality.

    python benchmarks/face_quality.py fit fer2013.csv [--models cnn8 emosense-s ...]
    python benchmarks/face_quality.py flags [--models ...]
    python benchmarks/face_quality.py report [--split PrivateTest] [--models ...]

``fit`` measures PublicTest's faces, as they are and degraded, classifies them with all networks and
prints what ``emosense/faces/quality_score.py`` has as weights. ``flags`` reads the stored predictions on
the same faces and prints the bounds of ``FaceQuality.flags``: of each measure, where the networks' accuracy,
which isotonic regression fits as a monotone function of that measure alone, is :data:`_FLAGGED_LOSS`
below that of the better half of the faces. ``report`` reads the stored predictions: what
is correct in each third of quality, what is answered, and what would be without the quality score.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import isotonic_regression, minimize

from emosense.evaluation.calibration_fit import fit_calibration
from emosense.evaluation.predictions import (
    CORRUPTIONS,
    Predictions,
    read_degraded,
    read_predictions,
)
from emosense.evaluation.selective import quality_thirds
from emosense.faces.quality_score import DEFECT_WEIGHTS, defects
from emosense.networks.classifier import EmotionClassifier
from emosense.networks.registry import TrainedModel, list_models
from emosense.networks.temperature_scaling import Calibration
from emosense.training.predict import measure_faces
from emosense.training.readers.fer2013_csv import read_csv

_RIDGE = 1e-4
_FLAGGED_LOSS = 0.1
"""Loss of accuracy from which a measure is flagged."""
_DRAWS = 200

Values = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True)
class _Measure:
    """A measure of faces, and the corruptions that make it worse.

    Attributes:
        of: (n, 8) qualities -> (n,) values of the measure.
        worse: 1 if a face is the worse the more it has of it, -1 if the less.
        corruptions: names of the corruptions.
    """

    of: Callable[[Values], Values]
    worse: int
    corruptions: tuple[str, ...] = ()


_MEASURES = {
    "small: size below": _Measure(lambda q: q[:, 0], -1, ("scale",)),
    "blurred: sharpness below": _Measure(lambda q: q[:, 1], -1, ("blur", "motion blur", "scale")),
    "dark: brightness below": _Measure(lambda q: q[:, 2], -1, ("dark",)),
    "overexposed: brightness above": _Measure(lambda q: q[:, 2], 1, ("bright",)),
    "low contrast: contrast below": _Measure(lambda q: q[:, 3], -1, ("dark", "bright")),
    "turned away: \\|yaw\\| above": _Measure(lambda q: np.abs(q[:, 5]), 1),
    "turned away: \\|pitch\\| above": _Measure(lambda q: np.abs(q[:, 6]), 1),
    "cut off: share above": _Measure(lambda q: q[:, 7], 1, ("cut off",)),
}


def fit(data: Path, models: list[TrainedModel]) -> None:
    """Print the weights of a logistic regression of correct answers on defects."""
    dataset = read_csv(data)
    split = dataset.split("PublicTest")
    measured = measure_faces(dataset, degraded=True, splits=["PublicTest"])["PublicTest"]
    degraded = measured.degraded
    assert degraded is not None and measured.quality is not None
    found = np.isfinite(measured.quality[:, 4])
    crops = np.concatenate([split.images[found], degraded.crops[degraded.found]])
    labels = np.concatenate([split.labels[found], split.labels[degraded.images][degraded.found]])
    quality = np.concatenate([measured.quality[found], degraded.quality[degraded.found]])
    correct = [EmotionClassifier(model)(crops).argmax(axis=1) == labels for model in models]
    inputs, target = -defects(quality), np.mean(correct, axis=0)
    inputs = np.column_stack([np.ones(len(inputs)), inputs])

    def loss(weights: np.ndarray) -> float:
        logits = inputs @ weights
        penalty = _RIDGE * float((weights[1:] ** 2).sum())
        return float((np.logaddexp(0, logits) - target * logits).mean()) + penalty

    bounds = [(None, None)] + [(0, None)] * len(DEFECT_WEIGHTS)
    weights = minimize(loss, np.zeros(inputs.shape[1]), bounds=bounds, method="L-BFGS-B").x
    print(f"{len(inputs)} faces, {len(models)} networks; intercept {weights[0]:.3f}")
    for name, weight in zip(DEFECT_WEIGHTS, weights[1:], strict=True):
        print(f"    {name!r}: {weight:.3f},")


def flags(models: list[TrainedModel]) -> None:
    """Print the value of each measure from which it costs accuracy, with its 80 % interval."""
    natural = [read_predictions(model, "PublicTest", raw=True) for model in models]
    worse = [read_degraded(model, "PublicTest", raw=True) for model in models]
    degraded = [of_model for of_model in worse if of_model is not None]
    found = natural[0].found
    if found is None or natural[0].quality is None or len(degraded) < len(models):
        raise SystemExit("Expected models with stored predictions on degraded faces.")
    found_again = degraded[0].found
    corruptions = degraded[0].corruptions[found_again]
    degraded_quality = degraded[0].predictions.quality
    assert degraded_quality is not None
    correct = np.mean([of_model.correct[found] for of_model in natural], axis=0)
    degraded_correct = np.mean(
        [of_model.predictions.correct[found_again] for of_model in degraded], axis=0
    )
    rng = np.random.default_rng(0)
    print("| flag | bound | 80 % of bootstrap draws | of PublicTest | accuracy beyond |")
    print("|---|---|---|---|---|")
    for name, measure in _MEASURES.items():
        made = np.isin(corruptions, [CORRUPTIONS.index(kind) for kind in measure.corruptions])
        on_natural = measure.worse * measure.of(natural[0].quality[found])
        on_degraded = measure.worse * measure.of(degraded_quality[found_again][made])
        values = np.concatenate([on_natural, on_degraded])
        accuracy = np.concatenate([correct, degraded_correct[made]])
        bound = _bound(values, accuracy)
        draws = (rng.integers(0, len(values), len(values)) for _ in range(_DRAWS))
        bounds = [_bound(values[draw], accuracy[draw]) for draw in draws]
        low, high = sorted(measure.worse * np.quantile(bounds, [0.1, 0.9]))
        print(
            f"| {name} | {measure.worse * bound:.3g} | {low:.3g} to {high:.3g} "
            f"| {100 * (on_natural > bound).mean():.1f} % "
            f"| {100 * accuracy[values > bound].mean():.0f} % |"
        )


def _bound(values: Values, accuracy: Values) -> float:
    """Return the value beyond which accuracy has fallen by :data:`_FLAGGED_LOSS`."""
    order = np.argsort(values)
    fitted = isotonic_regression(accuracy[order], increasing=False).x
    least = accuracy[values <= np.median(values)].mean() - _FLAGGED_LOSS
    return float(values[order][max(int((fitted >= least).sum()) - 1, 0)])


def report(split: str, models: list[TrainedModel]) -> None:
    """Print accuracy and coverage by thirds of quality."""
    print(
        "| network | faces | third | faces | accuracy | sure | correct of the sure | without score: sure | correct |"
    )
    print("|---|---|---|---|---|---|---|---|---|")
    for model in models:
        plain = fit_calibration(read_predictions(model, "PublicTest", raw=True), "PublicTest")
        natural, worse = read_predictions(model, split), read_degraded(model, split)
        raw_worse = read_degraded(model, split, raw=True)
        if worse is None or raw_worse is None:
            continue
        found = worse.found
        sets = {
            "natural": (natural, read_predictions(model, split, raw=True)),
            "degraded, found": (worse.predictions.rows(found), raw_worse.predictions.rows(found)),
        }
        for title, (calibrated, raw) in sets.items():
            _print_thirds(model, title, calibrated, raw.calibrated(plain), plain)


def _print_thirds(
    model: TrainedModel,
    title: str,
    calibrated: Predictions,
    plainly: Predictions,
    plain: Calibration,
) -> None:
    thirds = quality_thirds(calibrated, model.calibration)
    before = quality_thirds(plainly, plain)
    if thirds is None or before is None:
        return
    for name, third, without in zip(("worst", "middle", "best"), thirds, before, strict=True):
        print(
            f"| {model.name} | {title} | {name} | {third.faces} | {100 * third.accuracy:.1f} % "
            f"| {100 * third.coverage:.1f} % | {100 * third.selective_accuracy:.1f} % "
            f"| {100 * without.coverage:.1f} % | {100 * without.selective_accuracy:.1f} % |"
        )


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("what", choices=("fit", "flags", "report"))
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--split", default="PrivateTest", choices=("PublicTest", "PrivateTest"))
    parser.add_argument("--models", nargs="+")
    options = parser.parse_args()
    known = list_models()
    models = [known[name] for name in options.models or known]
    if options.what == "fit":
        fit(options.data, models)
    elif options.what == "flags":
        flags(models)
    else:
        report(options.split, models)


if __name__ == "__main__":
    main()
