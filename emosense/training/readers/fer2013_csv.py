"""Reads FER2013's csv of the Kaggle competition: plain, compressed or in an archive.

The columns are ``emotion`` (0..6), ``pixels`` (2,304 grey values in 0..255, row by row, separated
by spaces) and ``Usage``, in any order and case (``icml_face_data.csv`` has ``emotion, Usage,
pixels``). The csv of the FER+ votes (``fer2013new.csv``; Barsoum et al. 2016, arXiv:1608.01041)
has the same rows in the same order.
"""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO, Final

import numpy as np
import numpy.typing as npt

from emosense.emotions import EMOTIONS, INPUT_SIZE
from emosense.errors import DatasetError
from emosense.filesystem.skipped import Reason, Skipped, abbreviate, skip_reason
from emosense.training.dataset import MAX_IMAGES, SPLITS, Dataset
from emosense.training.readers.containers import (
    Container,
    buffered,
    open_container,
    open_packed,
    place_in,
    reading,
    unpacked,
)

_COLUMNS: Final = ("emotion", "pixels", "Usage")
_PIXELS: Final = INPUT_SIZE * INPUT_SIZE
# FER+'s names of the seven classes; its columns contempt, unknown and NF are not used.
_VOTE_COLUMNS: Final = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
_FILE_NAMES: Final = ("fer2013.csv", "icml_face_data.csv")
_VOTES_FILE: Final = "fer2013new.csv"
_COMPRESSED_SUFFIXES: Final = (".gz", ".bz2", ".xz")
_MAX_LINE_LENGTH: Final = 2**18
_EMPTY_ROW: Final[Reason] = ("empty row", "empty rows")


def read_csv(path: Path, votes: Path | None = None) -> Dataset:
    """Read the competition's csv.

    Args:
        path: ``fer2013.csv``, plain or compressed with gzip, bzip2 or xz.
        votes: FER+'s ``fer2013new.csv``; None uses a file of that name in the same folder, if
            there is one: plain, compressed or in a zip archive.

    Raises:
        DatasetError: a file is missing or invalid; the message names file and row.
    """
    with reading(path), open_packed(path) as stream:
        data = _read_table(stream, path.name, str(path))
    return _read_votes(data, votes or _votes_beside(path))


def csv_in(container: Container, only_named: bool = False) -> str | None:
    """Return the name of FER2013's csv in a folder or archive; None if there is none.

    Args:
        container: the folder or archive.
        only_named: accept only the file names of the competition.

    Raises:
        DatasetError: there are several csv files, and none has a name of the competition.
    """
    tables = [name for name in container.names if _base_name(name).endswith(".csv")]
    tables = [name for name in tables if _base_name(name) != _VOTES_FILE and skip_reason(name)[1]]
    for file_name in _FILE_NAMES:
        if matches := [name for name in tables if _base_name(name) == file_name]:
            return min(matches, key=lambda name: (name.count("/"), name))
    if only_named:
        return None
    if len(tables) > 1:
        raise DatasetError(
            f"{container.path}: expected one csv, or one that is called "
            f"{' or '.join(_FILE_NAMES)}. Received: {abbreviate(', '.join(tables))}"
        )
    return tables[0] if tables else None


def read_csv_in(container: Container, table: str) -> Dataset:
    """Read FER2013's csv in a folder or archive.

    Args:
        container: the folder or archive.
        table: name of the csv in the container. FER+'s votes in or beside the container are used.

    Raises:
        DatasetError: a file is invalid; the message names file and row.
    """
    votes = next((name for name in container.names if _base_name(name) == _VOTES_FILE), None)
    with reading(container.path):
        for name, file in container.files([table]):
            data = _read_table(unpacked(file), place_in(container, name), str(container.path))
        if votes is None:
            data = _read_votes(data, _votes_beside(container.path))
        else:
            for name, file in container.files([votes]):
                data = _add_votes(data, unpacked(file), place_in(container, name))
    others = Counter(skip_reason(name) for name in container.names if name not in (table, votes))
    return data.with_skipped(Skipped.of(others))


def _base_name(name: str) -> str:
    """Return a file's name in lower case, without the suffix of its compression."""
    path = PurePosixPath(name.lower())
    return path.stem if path.suffix in _COMPRESSED_SUFFIXES else path.name


def _votes_beside(path: Path) -> Path | None:
    folder = path.absolute().parent
    with reading(folder):
        files = sorted(
            file
            for file in folder.iterdir()
            if _base_name(file.name.lower().removesuffix(".zip")) == _VOTES_FILE and file.is_file()
        )
    return files[0] if files else None


def _read_votes(data: Dataset, votes: Path | None) -> Dataset:
    if votes is None:
        return data
    container = open_container(votes)
    with reading(votes):
        if container is None:
            with open_packed(votes) as stream:
                return _add_votes(data, stream, votes.name)
        tables = [name for name in container.names if _base_name(name) == _VOTES_FILE]
        for name, file in container.files(tables[:1]):
            return _add_votes(data, unpacked(file), place_in(container, name))
    raise DatasetError(f"{votes}: expected FER+'s {_VOTES_FILE} in it, found none.")


def _read_table(stream: IO[bytes], name: str, source: str) -> Dataset:
    images: list[npt.NDArray[np.uint8]] = []
    labels: list[int] = []
    usage: list[int] = []
    empty: Counter[tuple[Reason, str]] = Counter()
    split_indices = {split.lower(): index for index, split in enumerate(SPLITS)}
    for line, row in _read_rows(stream, name, _COLUMNS, empty):
        location = f"{name}, row {line}"
        images.append(_parse_pixels(row["pixels"], location))
        labels.append(_parse_emotion(row["emotion"], location))
        if row["Usage"].lower() not in split_indices:
            raise DatasetError(
                f"{location}: expected Usage to be one of {', '.join(SPLITS)}. "
                f"Received: {abbreviate(row['Usage'])!r}"
            )
        usage.append(split_indices[row["Usage"].lower()])
    if not labels:
        raise DatasetError(f"{name}: expected at least one row after the header, found none.")
    return Dataset(
        np.stack(images).reshape(-1, INPUT_SIZE, INPUT_SIZE),
        np.array(labels, np.uint8),
        np.array(usage, np.uint8),
        None,
        source,
        Skipped.of(empty),
    )


def _read_rows(
    stream: IO[bytes],
    name: str,
    columns: tuple[str, ...],
    empty: Counter[tuple[Reason, str]],
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (row number, value by column); rows are numbered from 1, as in spreadsheets.

    Column names are matched without case and surrounding spaces; values are stripped of
    surrounding spaces. Rows without any value are counted in ``empty``.
    """
    try:
        lines = _read_lines(stream, name)
        header_row, header = 1, next(lines, "")
        while header and not header.strip(" ,;\t\r\n"):
            empty[_EMPTY_ROW, ""] += 1
            header_row, header = header_row + 1, next(lines, "")
        delimiter = max(",;\t", key=header.count)
        rows = csv.reader([header], delimiter=delimiter, skipinitialspace=True)
        header_cells = [cell.strip().lower() for cell in next(rows, [])]
        missing = [column for column in columns if column.lower() not in header_cells]
        if missing:
            raise DatasetError(
                f"{name}: cannot be read: expected the columns {', '.join(columns)}; "
                f"missing: {', '.join(missing)}. Received: {abbreviate(header) or 'an empty file'}"
            )
        indices = {column: header_cells.index(column.lower()) for column in columns}
        rows = csv.reader(lines, delimiter=delimiter, skipinitialspace=True)
        for line, cells in enumerate(rows, start=header_row + 1):
            if line - header_row > MAX_IMAGES:
                raise DatasetError(f"{name}: expected at most {MAX_IMAGES:,} rows. Received: more.")
            if not any(cell.strip() for cell in cells):
                empty[_EMPTY_ROW, ""] += 1
            elif len(cells) <= max(indices.values()):
                raise DatasetError(f"{name}, row {line}: the row ends too early.")
            else:
                yield line, {column: cells[index].strip() for column, index in indices.items()}
    except UnicodeError as error:
        raise DatasetError(
            f"{name}: cannot be read: expected text in UTF-8 or UTF-16. Received: other bytes."
        ) from error
    except csv.Error as error:
        raise DatasetError(
            f"{name}: cannot be read: expected a csv file. Received: one with a cell that is too "
            "long, or with a quotation mark or a byte 0 where none belongs."
        ) from error


def _read_lines(stream: IO[bytes], name: str) -> Iterator[str]:
    """Yield lines of text after detecting the encoding; the line length is limited."""
    reader = buffered(stream)
    head = reader.peek(2)[:2]
    if head in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif b"\0" in head:
        encoding = "utf-16-be" if head[:1] == b"\0" else "utf-16-le"
    else:
        encoding = "utf-8-sig"
    text = io.TextIOWrapper(reader, encoding=encoding, newline="")
    while line := text.readline(_MAX_LINE_LENGTH):
        if len(line) == _MAX_LINE_LENGTH:
            raise DatasetError(
                f"{name}: cannot be read: expected rows of at most {_MAX_LINE_LENGTH:,} characters. "
                "Received: a longer one."
            )
        yield line


def _parse_pixels(text: str, location: str) -> npt.NDArray[np.uint8]:
    try:
        values = np.array(text.split(), np.int32)
    except (ValueError, OverflowError) as error:
        invalid = next((value for value in text.split() if not value.isdecimal()), text)
        raise DatasetError(
            f"{location}: a pixel is not a whole number in 0..255. Received: {abbreviate(invalid)!r}"
        ) from error
    if values.shape != (_PIXELS,) or values.min() < 0 or values.max() > 255:
        raise DatasetError(
            f"{location}: expected {_PIXELS} pixels ({INPUT_SIZE} x {INPUT_SIZE}) in 0..255. "
            f"Received: {values.size} pixels"
            + (f" in {values.min()}..{values.max()}" if values.size else "")
        )
    return values.astype(np.uint8)


def _parse_emotion(text: str, location: str) -> int:
    if text not in {str(class_index) for class_index in range(len(EMOTIONS))}:
        raise DatasetError(
            f"{location}: expected emotion to be a code from 0 to {len(EMOTIONS) - 1}. "
            f"Received: {abbreviate(text)!r}"
        )
    return int(text)


def _add_votes(data: Dataset, stream: IO[bytes], name: str) -> Dataset:
    """Return the data with the FER+ votes of each image as fractions of its votes."""
    counts: list[list[float]] = []
    empty: Counter[tuple[Reason, str]] = Counter()
    usage = data.usage
    for line, row in _read_rows(stream, name, ("Usage", *_VOTE_COLUMNS), empty):
        index = len(counts)
        if index >= len(usage) or row["Usage"].lower() != SPLITS[usage[index]].lower():
            raise DatasetError(
                f"{name}, row {line}: does not belong to the FER2013 file beside it; "
                f"expected the same {len(usage)} rows in the same order."
            )
        try:
            counts.append([_parse_vote_count(row[column]) for column in _VOTE_COLUMNS])
        except ValueError as error:
            votes = abbreviate(", ".join(row[column] for column in _VOTE_COLUMNS))
            raise DatasetError(
                f"{name}, row {line}: a vote is no number. Received: {votes}"
            ) from error
    if len(counts) != len(usage):
        raise DatasetError(
            f"{name}: expected {len(usage)} rows, as many as FER2013 has. Received: {len(counts)}"
        )
    table = np.array(counts, np.float32)
    total = table.sum(axis=1, keepdims=True)
    fractions = np.divide(table, total, out=np.zeros_like(table), where=total > 0)
    return replace(data, votes=fractions).with_skipped(Skipped.of(empty))


def _parse_vote_count(text: str) -> float:
    count = float(text)
    if not 0 <= count < np.inf:
        raise ValueError(text)
    return count
