"""Metrics on the terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from emosense.formatting import percent

if TYPE_CHECKING:
    from emosense.networks.model_card import Metrics


def print_metrics(metrics: Mapping[str, Metrics]) -> None:
    """Print one line per split of the data."""
    for split, found in metrics.items():
        print(
            f"  {split:28s} accuracy {percent(found.accuracy, 2)}   macro F1 {found.macro_f1:.4f}   "
            f"loss {found.loss:.4f}   ECE {found.ece:.4f}   images {found.images}"
        )
