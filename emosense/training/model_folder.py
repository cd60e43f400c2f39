"""A model's folder on disk: replaced as a whole, with the checksums of its files in the card."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from emosense.networks import serialization
from emosense.networks.model_card import CARD_FILE, PREDICTIONS_FILE, FileInfo, ModelCard
from emosense.networks.registry import TrainedModel


@contextmanager
def atomic_replacement(folder: Path) -> Iterator[Path]:
    """Yield a temporary path beside ``folder`` that replaces it when the ``with`` block ends.

    Until then, readers of ``folder`` get the previous model.
    """
    temporary = folder.parent / f".{folder.name}.writing"
    if (temporary / "replaced").exists() and not folder.exists():
        (temporary / "replaced").rename(folder)  # an earlier call was killed between its renames
    shutil.rmtree(temporary, ignore_errors=True)
    temporary.mkdir(parents=True)
    try:
        yield temporary / folder.name
        if folder.exists():
            folder.rename(temporary / "replaced")
        (temporary / folder.name).rename(folder)
    finally:
        shutil.rmtree(temporary)


def file_infos(folder: Path) -> dict[str, FileInfo]:
    """Return checksum and size of each file of a model but its card."""
    return {
        path.name: FileInfo(sha256=serialization.sha256_of(path), bytes=path.stat().st_size)
        for path in sorted(folder.iterdir())
        if path.is_file() and path.name != CARD_FILE
    }


def add_predictions(model: TrainedModel, arrays: Mapping[str, npt.NDArray[Any]]) -> ModelCard:
    """Add arrays to a model's ``predictions.npz``, and its new checksum to the card.

    Args:
        model: a model of the registry; its weights, metrics and calibration are not changed.
        arrays: arrays by name, see :mod:`emosense.training.export_model`.

    Returns:
        The new card.
    """
    kept: dict[str, Any] = {**model.predictions(), **arrays}
    card = model.card
    with atomic_replacement(model.folder) as new_folder:
        shutil.copytree(model.folder, new_folder)
        np.savez_compressed(new_folder / PREDICTIONS_FILE, allow_pickle=False, **kept)
        card = card.model_copy(update={"files": file_infos(new_folder)})
        card.write(new_folder)
    return card
