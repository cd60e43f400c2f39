"""``emosense evaluate``: recompute a model's metrics from the data."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from emosense.cli import evaluate_corruptions, evaluate_photos
from emosense.cli.dataset import DATA_HELP, read_data
from emosense.cli.metrics import print_metrics
from emosense.cli.terminal import print_line
from emosense.errors import EmoSenseError
from emosense.formatting import percent

if TYPE_CHECKING:
    from emosense.networks.model_card import DataInfo, Metrics
    from emosense.networks.registry import TrainedModel
    from emosense.training.dataset import Dataset
    from emosense.training.predict import DatasetPredictions

_TOLERANCE = 1e-3


def add_parser(commands: Any) -> None:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "evaluate", help="measure a trained model on a data set"
    )
    parser.add_argument("model", nargs="+", help="one network; with --photos several")
    parser.add_argument("--data", type=Path, required=True, help=DATA_HELP)
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    evaluate_corruptions.add_arguments(parser)
    evaluate_photos.add_arguments(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    if options.photos:
        if options.corruptions:
            raise EmoSenseError(
                "Expected --corruptions beside FER2013 or folders of its layout. Received: --photos"
            )
        return evaluate_photos.run(options)
    _require_data_set_options(options)
    from emosense.networks.registry import find_model
    from emosense.training.predict import measure_faces, predict_dataset

    model = find_model(options.model[0])
    data = read_data(options.data)
    faces = measure_faces(data, degraded=options.corruptions)
    predictions = predict_dataset(model, data, model.card.recipe.seed, faces)
    metrics = predictions.metrics(model.calibration)
    if options.json:
        _print_json(metrics, predictions if options.corruptions else None)
    else:
        _print_and_compare(model, data, predictions, metrics)
    if options.corruptions:
        evaluate_corruptions.run(model, data, predictions, quiet=options.json)
    return 0


def _print_json(metrics: Mapping[str, Metrics], corrupted: DatasetPredictions | None) -> None:
    output: dict[str, Any] = {split: of_split.as_dict() for split, of_split in metrics.items()}
    if corrupted is not None:
        output = {"metrics": output, "corruptions": evaluate_corruptions.as_dict(corrupted)}
    print(json.dumps(output, indent=2))


def _print_and_compare(
    model: TrainedModel,
    data: Dataset,
    predictions: DatasetPredictions,
    metrics: dict[str, Metrics],
) -> None:
    print_metrics(metrics)
    if data.fingerprint != model.card.data.fingerprint:
        same = same_parts(model.predictions(), predictions.arrays())
        print_line("The card's figures are of other data.")
        if _both_tests_in_one(model.card.data, metrics):
            print_line(
                "It has as many test images as the card's data has in PublicTest and PrivateTest "
                "together, as Kaggle's folders do. Model, temperature and threshold were chosen on "
                "the first of the two: these are no figures of unseen images."
            )
        if same:
            print_line(
                f"Compared all the same, since the labels are the card's: {', '.join(same)}."
            )
        metrics = {
            split: measured_metrics for split, measured_metrics in metrics.items() if split in same
        }
    differing = differences(model.card.metrics, metrics)
    if differing or metrics:
        for line in differing or ["Equal to the card's figures."]:
            print_line(line)


def _require_data_set_options(options: argparse.Namespace) -> None:
    given = {
        "several networks": len(options.model) > 1,
        "--cropped": options.cropped,
        "--label": bool(options.label),
        "--predictions": options.predictions is not None,
    }
    if names := [name for name, is_given in given.items() if is_given]:
        raise EmoSenseError(f"Expected --photos beside {', '.join(names)}. Received: no --photos")


def _both_tests_in_one(known: DataInfo, measured: Mapping[str, Metrics]) -> bool:
    both = known.validation_images + known.test_images
    if "PublicTest" in measured or "PrivateTest" not in measured:
        return False
    return measured["PrivateTest"].images == both


def same_parts(stored: dict[str, Any], measured: dict[str, Any]) -> list[str]:
    """Return the test splits that have the same labels in the same order as the card's."""
    import numpy as np

    from emosense.evaluation.predictions import TEST_SPLITS

    keys = {split: f"{prefix}_labels" for split, prefix in TEST_SPLITS.items()}
    return [
        split
        for split, key in keys.items()
        if key in stored and key in measured and np.array_equal(stored[key], measured[key])
    ]


def differences(card: Mapping[str, Metrics], measured: Mapping[str, Metrics]) -> list[str]:
    """Return messages about metrics that differ from the card's.

    Other processors round differently, which can turn an image or two: figures within 0.001
    count as equal.
    """
    messages = []
    for split, measured_metrics in measured.items():
        for name in ("accuracy", "macro_precision", "macro_recall", "macro_f1", "loss", "ece"):
            expected = getattr(card[split], name) if split in card else None
            received = getattr(measured_metrics, name)
            if expected is None or abs(expected - received) > _TOLERANCE:
                stated, measured_value = _figure(name, expected), _figure(name, received)
                messages.append(
                    f"{split}, {name}: the card says {stated}, measured {measured_value}"
                )
    return messages


def _figure(name: str, value: float | None) -> str:
    if value is None:
        return "nothing"
    return percent(value, 2) if name == "accuracy" else f"{value:.4f}"
