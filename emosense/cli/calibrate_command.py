"""``emosense calibrate``: fit a trained model's confidence anew."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from emosense.cli.dataset import DATA_HELP, read_data
from emosense.cli.metrics import print_metrics
from emosense.cli.terminal import print_line
from emosense.formatting import percent


def add_parser(commands: Any) -> None:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "calibrate",
        help="fit trained models' confidence on PublicTest and write it into their cards",
        description="Training does this too. Needs the data that the model was trained on.",
    )
    parser.add_argument("models", nargs="+", metavar="model")
    parser.add_argument("--data", type=Path, required=True, help=DATA_HELP)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from emosense.networks.registry import find_model
    from emosense.training.export_model import recalibrate
    from emosense.training.predict import measure_faces

    models = [find_model(name) for name in options.models]
    data = read_data(options.data)
    faces = measure_faces(data, degraded=True)
    for model in models:
        card = recalibrate(model, data, faces)
        calibration = card.calibration
        print_line(
            f"{card.name}: temperature {calibration.temperature:.3f}. "
            f"{calibration.describe(calibration.part)} "
            f"{percent(calibration.coverage, 1)} of them are answered."
        )
        print_metrics(card.metrics)
    return 0
