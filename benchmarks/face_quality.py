"""The quality score of faces: fits its weights, and reports what doubt knows of quality.

    python benchmarks/face_quality.py fit fer2013.csv [--models cnn8 emosense-s ...]
    python benchmarks/face_quality.py report [--split PrivateTest] [--models ...]

``fit`` measures PublicTest's faces, as they are and degraded, classifies them with all networks and
prints what ``emosense/faces/quality.py`` has as weights. ``report`` reads the stored predictions: what
is correct in each third of quality, what is answered, and what would be without the quality score.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.optimize import minimize

from emosense.evaluation.calibration_fit import fit_calibration
from emosense.evaluation.predictions import (
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
    parser.add_argument("what", choices=("fit", "report"))
    parser.add_argument("data", type=Path, nargs="?")
    parser.add_argument("--split", default="PrivateTest", choices=("PublicTest", "PrivateTest"))
    parser.add_argument("--models", nargs="+")
    options = parser.parse_args()
    known = list_models()
    models = [known[name] for name in options.models or known]
    if options.what == "fit":
        fit(options.data, models)
    else:
        report(options.split, models)


if __name__ == "__main__":
    main()
