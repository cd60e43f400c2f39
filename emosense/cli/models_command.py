"""``emosense models``: list the trained models."""

from __future__ import annotations

import argparse
from typing import Any

from emosense.errors import ModelError
from emosense.networks.registry import list_models


def add_to(commands: Any) -> None:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser("models", help="list the trained models")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command; a damaged model is listed with its error."""
    for name, model in list_models().items():
        try:
            card = model.card
        except ModelError as error:
            print(f"{name}: {error}")
            continue
        test = card.metrics.get("PrivateTest", {})
        accuracy = f"{test['accuracy']:.1%}" if test else "not measured"
        print(
            f"{name:12s} {card.title:10s} {card.parameters:>11,d} parameters   "
            f"PrivateTest {accuracy}   epochs {card.epochs_seen}/{card.recipe['epochs']}"
        )
    return 0
