"""``emosense evaluate --corruptions``: accuracy under common corruptions."""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

from emosense.cli.terminal import print_line

if TYPE_CHECKING:
    from emosense.evaluation.predictions import DegradedPredictions
    from emosense.evaluation.robustness import RobustnessCurve
    from emosense.networks.registry import TrainedModel
    from emosense.training.dataset import Dataset
    from emosense.training.predict import DatasetPredictions

_TOLERANCE: Final = 0.01
"""Largest difference of two fractions of a corruption's faces that counts as equal: FER2013 has some 660
of a corruption, of which other processors turn a few."""
_ALL: Final = "all"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the option about corruptions."""
    parser.add_argument(
        "--corruptions",
        action="store_true",
        help="also corrupt the test faces (blur, noise, JPEG ... in five severities) and find them again, "
        "which takes minutes; compared with what is kept with the model, which keeps them if it has none",
    )


def run(
    model: TrainedModel, data: Dataset, predictions: DatasetPredictions, *, quiet: bool
) -> None:
    """Print accuracy by corruption and severity, compare it with the kept one, and keep it.

    Args:
        model: the model.
        data: the data set.
        predictions: its predictions on the data set, with degraded faces.
        quiet: print only what was kept, on standard error: standard output has JSON.
    """
    from emosense.evaluation.predictions import TEST_SPLITS, read_degraded
    from emosense.training.model_folder import add_predictions

    missing = []
    for split, degraded in predictions.degraded.items():
        if not quiet:
            _print_table(split, predictions)
        is_the_models = data.fingerprint == model.card.data.fingerprint
        known = f"{TEST_SPLITS[split]}_labels" in model.predictions()
        kept = read_degraded(model, split, raw=True) if known else None
        if kept is not None and len(kept.images):
            if not quiet:
                _print_comparison(split, kept, degraded)
        elif len(degraded.images) and is_the_models:
            missing.append(split)
    if missing:
        add_predictions(model, predictions.degraded_arrays())
        message = (
            f"{model.name} had no corrupted faces of {', '.join(missing)}: they are kept with it."
        )
        print_line(message, error=quiet)


def as_dict(predictions: DatasetPredictions) -> dict[str, Any]:
    """Return accuracy by split, corruption and severity as plain data."""
    from emosense.evaluation.robustness import COUNTED

    output: dict[str, Any] = {}
    for split in predictions.degraded:
        curves = {counted: dict(_curves(split, predictions, counted)) for counted in COUNTED}
        output[split] = {
            name: {
                "faces": curve.faces,
                "found": curve.found,
                "accuracy": {counted: _curve_as_dict(of[name]) for counted, of in curves.items()},
                "severities": {
                    result.severity: {"faces": result.faces, "found": result.found}
                    for result in curve.corrupted
                },
            }
            for name, curve in curves["all"].items()
        }
    return output


def _curve_as_dict(curve: RobustnessCurve) -> dict[str, Any]:
    return {
        "uncorrupted": _number(curve.clean.accuracy.value),
        "mean": _number(curve.mean_accuracy),
        "relative_drop": _number(curve.relative_drop),
        "severities": {
            result.severity: {
                name: _number(getattr(result.accuracy, name)) for name in ("value", "low", "high")
            }
            for result in curve.corrupted
        },
    }


def _number(value: float) -> float | None:
    return None if math.isnan(value) else value


def _curves(
    split: str, predictions: DatasetPredictions, counted: str
) -> Iterator[tuple[str, RobustnessCurve]]:
    """Yield the curve of each corruption of which there are faces, after that of all."""
    import numpy as np

    from emosense.evaluation.predictions import CORRUPTIONS
    from emosense.evaluation.robustness import COUNTED, robustness_curve

    natural, degraded = predictions.tests[split], predictions.degraded[split]
    of = next(name for name in COUNTED if name == counted)
    for name in (_ALL, *CORRUPTIONS):
        corruption = None if name == _ALL else name
        curve = robustness_curve(natural, np.arange(len(natural)), degraded, corruption, of)
        if curve.faces:
            yield name, curve


def _print_table(split: str, predictions: DatasetPredictions) -> None:
    curves = dict(_curves(split, predictions, "all"))
    if not curves:
        print_line(f"{split}: no face was found before it was corrupted.")
        return
    print_line(
        f"{split}, accuracy by severity of the corruption in %; in brackets the faces that are found "
        "again, the others are cropped where they were:"
    )
    severities = [f"{result.severity:>13d}" for result in curves[_ALL].corrupted]
    print_line(f"  {'':12s}{'faces':>6s}{0:>7d}{''.join(severities)}{'mean':>8s}{'drop':>8s}")
    for name, curve in curves.items():
        cells = [
            f"{_percent(result.accuracy.value)} ({_percent(result.found_fraction, 0)})"
            for result in curve.corrupted
        ]
        print_line(
            f"  {name:12s}{curve.faces:6d}{_percent(curve.clean.accuracy.value):>7s}"
            + "".join(f"{cell:>13s}" for cell in cells)
            + f"{_percent(curve.mean_accuracy):>8s}{_percent(curve.relative_drop):>8s}"
        )


def _percent(fraction: float, digits: int = 1) -> str:
    return "-" if math.isnan(fraction) else f"{100 * fraction:.{digits}f}"


def _print_comparison(split: str, kept: DegradedPredictions, measured: DegradedPredictions) -> None:
    messages = differences(split, kept, measured)
    for message in messages or [
        f"{split}: equal to the corrupted faces that are kept with the model."
    ]:
        print_line(message)


def differences(split: str, kept: DegradedPredictions, measured: DegradedPredictions) -> list[str]:
    """Return messages about corruptions whose figures differ from the kept ones.

    Other processors find or classify a few faces differently: figures within 0.01 count as equal.

    Args:
        split: name of the split.
        kept: predictions that are kept with the model.
        measured: predictions that were just made.
    """
    import numpy as np

    from emosense.evaluation.predictions import CORRUPTIONS

    if not np.array_equal(kept.predictions.labels, measured.predictions.labels):
        return [
            f"{split}: the corrupted faces that are kept with the model are of other images "
            f"({len(kept.images):,}, measured {len(measured.images):,})."
        ]
    messages = []
    for index, corruption in enumerate(CORRUPTIONS):
        first, second = (each.rows(each.corruptions == index) for each in (kept, measured))
        for what, expected, received in (
            ("accuracy", first.predictions.correct, second.predictions.correct),
            ("faces found", first.found, second.found),
        ):
            if len(expected) and abs(expected.mean() - received.mean()) > _TOLERANCE:
                messages.append(
                    f"{split}, {corruption}, {what}: kept {_percent(expected.mean())} %, "
                    f"measured {_percent(received.mean())} %"
                )
    return messages
