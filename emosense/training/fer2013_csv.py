"""Reads FER2013 as the Kaggle competition ships it: one csv, plain or gzipped.

Columns ``emotion`` (0..6), ``pixels`` (2,304 grey values 0..255, row by row, separated by
spaces) and ``Usage``. The FER+ votes (``fer2013new.csv``; Barsoum et al. 2016,
arXiv:1608.01041) hold one row for each of its rows, in the same order.
"""

from __future__ import annotations

import csv
import gzip
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TextIO

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS, INPUT_SIZE
from emosense.errors import DatasetError
from emosense.training.dataset import USAGES, Dataset

_COLUMNS: Final = ("emotion", "pixels", "Usage")
_PIXELS: Final = INPUT_SIZE * INPUT_SIZE
# FER+ names of our seven classes; its contempt, unknown and NF columns have no class here.
_VOTE_COLUMNS: Final = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")


def read_csv(path: Path, votes: Path | None = None) -> Dataset:
    """Read the competition's csv.

    Args:
        path: ``fer2013.csv`` or ``fer2013.csv.gz``.
        votes: FER+'s ``fer2013new.csv``; without it, a file of that name beside ``path``
            is used when there is one.

    Raises:
        DatasetError: names the file and the row that is wrong.
    """
    images: list[npt.NDArray[np.uint8]] = []
    labels: list[int] = []
    usage: list[int] = []
    for line, row in _rows(path, _COLUMNS):
        where = f"{path.name}, row {line}"
        images.append(_pixels(row["pixels"], where))
        labels.append(_emotion(row["emotion"], where))
        if row["Usage"] not in USAGES:
            raise DatasetError(
                f"{where}: expected Usage to be one of {', '.join(USAGES)}. "
                f"Received: {row['Usage']!r}"
            )
        usage.append(USAGES.index(row["Usage"]))
    if not labels:
        raise DatasetError(f"{path.name}: expected at least one row after the header, found none.")
    if votes is None and (beside := path.parent / "fer2013new.csv").is_file():
        votes = beside
    shares = None if votes is None else _read_votes(votes, usage)
    return Dataset(
        np.stack(images).reshape(-1, INPUT_SIZE, INPUT_SIZE),
        np.array(labels, np.uint8),
        np.array(usage, np.uint8),
        shares,
        str(path),
    )


def _open_text(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8", newline="")
    return path.open(encoding="utf-8", newline="")


def _rows(path: Path, columns: tuple[str, ...]) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (row number, row); row 1 is the header, as spreadsheets count."""
    try:
        with _open_text(path) as file:
            reader = csv.DictReader(file)
            missing = [c for c in columns if c not in (reader.fieldnames or ())]
            if missing:
                raise DatasetError(
                    f"{path.name}: expected the columns {', '.join(columns)}; "
                    f"missing: {', '.join(missing)}. Received: {reader.fieldnames}"
                )
            for line, row in enumerate(reader, start=2):
                if any(row[c] is None for c in columns):
                    raise DatasetError(f"{path.name}, row {line}: the row ends too early.")
                yield line, row
    except (OSError, EOFError, zlib.error, UnicodeDecodeError, csv.Error) as error:
        raise DatasetError(f"{path}: cannot be read as a csv file ({error}).") from error


def _pixels(text: str, where: str) -> npt.NDArray[np.uint8]:
    try:
        values = np.array(text.split(), np.int32)
    except (ValueError, OverflowError) as error:
        raise DatasetError(f"{where}: a pixel is not a whole number ({error}).") from error
    if values.shape != (_PIXELS,) or values.min() < 0 or values.max() > 255:
        raise DatasetError(
            f"{where}: expected {_PIXELS} pixels ({INPUT_SIZE} x {INPUT_SIZE}) in 0..255. "
            f"Received: {values.size} pixels"
            + (f" in {values.min()}..{values.max()}" if values.size else "")
        )
    return values.astype(np.uint8)


def _emotion(text: str, where: str) -> int:
    if text.strip() not in {str(code) for code in range(len(EMOTIONS))}:
        raise DatasetError(
            f"{where}: expected emotion to be a code from 0 to {len(EMOTIONS) - 1}. "
            f"Received: {text!r}"
        )
    return int(text)


def _read_votes(path: Path, usage: list[int]) -> npt.NDArray[np.float32]:
    counts: list[list[float]] = []
    for line, row in _rows(path, ("Usage", *_VOTE_COLUMNS)):
        if len(counts) >= len(usage) or row["Usage"] != USAGES[usage[len(counts)]]:
            raise DatasetError(
                f"{path.name}, row {line}: does not belong to the FER2013 file beside it; "
                f"expected the same {len(usage)} rows in the same order."
            )
        try:
            counts.append([float(row[c]) for c in _VOTE_COLUMNS])
        except ValueError as error:
            raise DatasetError(
                f"{path.name}, row {line}: a vote is no number ({error})."
            ) from error
    if len(counts) != len(usage):
        raise DatasetError(
            f"{path.name}: expected {len(usage)} rows, as many as FER2013 has. "
            f"Received: {len(counts)}"
        )
    table = np.array(counts, np.float32)
    total = table.sum(axis=1, keepdims=True)
    shares: npt.NDArray[np.float32] = np.divide(
        table, total, out=np.zeros_like(table), where=total > 0
    )
    return shares
