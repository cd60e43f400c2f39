"""``emosense models``: list the trained models."""

from __future__ import annotations

import argparse
import json
from typing import Any

from emosense.cli.terminal import print_line
from emosense.errors import ModelDamaged, ModelError
from emosense.formatting import percent
from emosense.networks.model_card import ModelCard
from emosense.networks.registry import TrainedModel, list_models

_COLUMNS: tuple[str, ...] = (
    "model",
    "title",
    "accuracy",
    "95 %",
    "F1",
    "ECE",
    "parameters",
    "MFLOPs",
    "MB",
    "epochs",
)


def add_parser(commands: Any) -> None:
    """Add the command's parser."""
    parser: argparse.ArgumentParser = commands.add_parser(
        "models", help="list the trained models with their PrivateTest figures"
    )
    parser.add_argument("--json", action="store_true", help="print the cards as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Run the command; a damaged model is listed with its error."""
    cards: list[dict[str, Any]] = []
    rows, damaged = [_COLUMNS], []
    for name, model in list_models().items():
        try:
            cards.append(model.card.model_dump())
            rows.append(_row(model.card, _interval(model)))
        except ModelError as error:
            damaged.append(f"{name}: {error}")
    if options.json:
        print(json.dumps(cards, indent=2, ensure_ascii=False))
    else:
        _print_table(rows)
    # Beside the cards, on standard error: JSON must stay JSON.
    for line in damaged:
        print_line(line, error=options.json)
    return 0


def _print_table(rows: list[tuple[str, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        cells = [
            cell.ljust(width) if index < 2 else cell.rjust(width)
            for index, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print_line("  ".join(cells).rstrip())


def _interval(model: TrainedModel) -> str:
    from emosense.evaluation.bootstrap import bootstrap
    from emosense.evaluation.predictions import read_predictions

    interval = bootstrap(read_predictions(model))["accuracy"]
    return f"{100 * interval.low:.1f} to {100 * interval.high:.1f}"


def _row(card: ModelCard, interval: str) -> tuple[str, ...]:
    test = card.metrics.get("PrivateTest")
    if test is None:
        raise ModelDamaged("the card has no figures for PrivateTest")
    return (
        card.name,
        card.title,
        percent(test.accuracy, 1),
        interval,
        f"{test.macro_f1:.3f}",
        f"{test.ece:.3f}",
        f"{card.parameters:,}",
        "" if card.flops is None else f"{card.flops / 1e6:.0f}",
        "" if card.weights_megabytes is None else f"{card.weights_megabytes:.1f}",
        f"{card.epochs_seen} of {card.recipe.epochs}",
    )
