"""Metrics on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from emosense.cli.terminal import print_line
from emosense.formatting import percent

if TYPE_CHECKING:
    from emosense.networks.model_card import Metrics


def print_metrics(metrics: Mapping[str, Metrics]) -> None:
    """Print one line per split of the data."""
    for split, split_metrics in metrics.items():
        print_line(
            f"  {split:28s} accuracy {percent(split_metrics.accuracy, 2)}   macro F1 {split_metrics.macro_f1:.4f}   "
            f"loss {split_metrics.loss:.4f}   ECE {split_metrics.ece:.4f}   images {split_metrics.images}"
        )
