"""``emosense evaluate``: recompute a model's figures from the data."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


def add_to(commands: Any) -> None:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "evaluate", help="measure a trained model on a data set"
    )
    parser.add_argument("model")
    parser.add_argument("--data", type=Path, required=True, help="as for emosense train")
    parser.add_argument("--json", action="store_true", help="print everything as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command."""
    from emosense.cli.train_command import print_metrics
    from emosense.networks.registry import find_model
    from emosense.training.publish import evaluate
    from emosense.training.read import read_dataset

    model = find_model(options.model)
    seed = int(model.card.recipe.get("seed", 0))
    metrics, _ = evaluate(model, read_dataset(options.data), seed)
    if options.json:
        print(json.dumps(metrics, indent=2))
    else:
        print_metrics(metrics)
    return 0
