"""Reads FER2013 as the Kaggle competition ships it: one csv, plain, packed or in an archive.

Columns ``emotion`` (0..6), ``pixels`` (2,304 grey values 0..255, row by row, separated by
spaces) and ``Usage``, in any order and case (``icml_face_data.csv`` writes ``emotion, Usage,
pixels``). The FER+ votes (``fer2013new.csv``; Barsoum et al. 2016, arXiv:1608.01041) hold one
row for each of its rows, in the same order.
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
# FER+ names of our seven classes; its contempt, unknown and NF columns have no class here.
_VOTE_COLUMNS: Final = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")
_NAMES: Final = ("fer2013.csv", "icml_face_data.csv")
_VOTES: Final = "fer2013new.csv"
_PACKED: Final = (".gz", ".bz2", ".xz")
_MAX_LINE_LENGTH: Final = 2**18
_EMPTY_ROW: Final[Reason] = ("empty row", "empty rows")


def read_csv(path: Path, votes: Path | None = None) -> Dataset:
    """Read the competition's csv.

    Args:
        path: ``fer2013.csv``, plain or packed with gzip, bzip2 or xz.
        votes: FER+'s ``fer2013new.csv``; without it, a file of that name beside ``path``
            is used when there is one, plain, packed or in a zip.

    Raises:
        DatasetError: names the file and the row that is wrong.
    """
    with reading(path), open_packed(path) as stream:
        data = _read(stream, path.name, str(path))
    return _read_votes(data, votes or _votes_beside(path))


def csv_in(container: Container, only_named: bool = False) -> str | None:
    """Return the name of the csv in a folder or archive; None if there is none.

    Args:
        container: what is searched.
        only_named: take none but one that is called as FER2013's.

    Raises:
        DatasetError: there are several, and none is called as FER2013's.
    """
    tables = [name for name in container.names if _base(name).endswith(".csv")]
    tables = [name for name in tables if _base(name) != _VOTES and skip_reason(name)[1]]
    for known_name in _NAMES:
        if named := [name for name in tables if _base(name) == known_name]:
            return min(named, key=lambda name: (name.count("/"), name))
    if only_named:
        return None
    if len(tables) > 1:
        raise DatasetError(
            f"{container.path}: expected one csv, or one that is called {' or '.join(_NAMES)}. "
            f"Received: {abbreviate(', '.join(tables))}"
        )
    return tables[0] if tables else None


def read_csv_in(container: Container, table: str) -> Dataset:
    """Read the csv ``table`` of a folder or archive, with the votes in it or beside it.

    Raises:
        DatasetError: names the file and the row that is wrong.
    """
    votes = next((name for name in container.names if _base(name) == _VOTES), None)
    with reading(container.path):
        for name, file in container.files([table]):
            data = _read(unpacked(file), place_in(container, name), str(container.path))
        if votes is None:
            data = _read_votes(data, _votes_beside(container.path))
        else:
            for name, file in container.files([votes]):
                data = _add_votes(data, unpacked(file), place_in(container, name))
    others = Counter(skip_reason(name) for name in container.names if name not in (table, votes))
    return data.with_skipped(Skipped.of(others))


def _base(name: str) -> str:
    """Return a file's name in lower case, without the ending that says how it is packed."""
    path = PurePosixPath(name.lower())
    return path.stem if path.suffix in _PACKED else path.name


def _votes_beside(path: Path) -> Path | None:
    folder = path.absolute().parent
    with reading(folder):
        beside = sorted(
            file
            for file in folder.iterdir()
            if _base(file.name.lower().removesuffix(".zip")) == _VOTES and file.is_file()
        )
    return beside[0] if beside else None


def _read_votes(data: Dataset, votes: Path | None) -> Dataset:
    if votes is None:
        return data
    container = open_container(votes)
    with reading(votes):
        if container is None:
            with open_packed(votes) as stream:
                return _add_votes(data, stream, votes.name)
        tables = [name for name in container.names if _base(name) == _VOTES]
        for name, file in container.files(tables[:1]):
            return _add_votes(data, unpacked(file), place_in(container, name))
    raise DatasetError(f"{votes}: expected FER+'s {_VOTES} in it, found none.")


def _read(stream: IO[bytes], name: str, source: str) -> Dataset:
    images: list[npt.NDArray[np.uint8]] = []
    labels: list[int] = []
    usage: list[int] = []
    empty: Counter[tuple[Reason, str]] = Counter()
    usages = {name.lower(): index for index, name in enumerate(SPLITS)}
    for line, row in _rows(stream, name, _COLUMNS, empty):
        where = f"{name}, row {line}"
        images.append(_pixels(row["pixels"], where))
        labels.append(_emotion(row["emotion"], where))
        if row["Usage"].lower() not in usages:
            raise DatasetError(
                f"{where}: expected Usage to be one of {', '.join(SPLITS)}. "
                f"Received: {abbreviate(row['Usage'])!r}"
            )
        usage.append(usages[row["Usage"].lower()])
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


def _rows(
    stream: IO[bytes],
    name: str,
    columns: tuple[str, ...],
    empty: Counter[tuple[Reason, str]],
) -> Iterator[tuple[int, dict[str, str]]]:
    """Yield (row number, row); row 1 is the first, mostly the header, as spreadsheets count.

    Names of columns are taken without regard to case and surrounding spaces, values without
    surrounding spaces. Rows without any value are counted in ``empty``.
    """
    try:
        lines = _read_lines(stream, name)
        first, header = 1, next(lines, "")
        while header and not header.strip(" ,;\t\r\n"):
            empty[_EMPTY_ROW, ""] += 1
            first, header = first + 1, next(lines, "")
        mark = max(",;\t", key=header.count)
        rows = csv.reader([header], delimiter=mark, skipinitialspace=True)
        known = [cell.strip().lower() for cell in next(rows, [])]
        missing = [column for column in columns if column.lower() not in known]
        if missing:
            raise DatasetError(
                f"{name}: cannot be read: expected the columns {', '.join(columns)}; "
                f"missing: {', '.join(missing)}. Received: {abbreviate(header) or 'an empty file'}"
            )
        places = {column: known.index(column.lower()) for column in columns}
        rows = csv.reader(lines, delimiter=mark, skipinitialspace=True)
        for line, cells in enumerate(rows, start=first + 1):
            if line - first > MAX_IMAGES:
                raise DatasetError(f"{name}: expected at most {MAX_IMAGES:,} rows. Received: more.")
            if not any(cell.strip() for cell in cells):
                empty[_EMPTY_ROW, ""] += 1
            elif len(cells) <= max(places.values()):
                raise DatasetError(f"{name}, row {line}: the row ends too early.")
            else:
                yield line, {column: cells[place].strip() for column, place in places.items()}
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
    """Yield lines of text, none so long that it would fill the memory."""
    raw = buffered(stream)
    head = raw.peek(2)[:2]
    if head in (b"\xff\xfe", b"\xfe\xff"):
        encoding = "utf-16"
    elif b"\0" in head:
        encoding = "utf-16-be" if head[:1] == b"\0" else "utf-16-le"
    else:
        encoding = "utf-8-sig"
    text = io.TextIOWrapper(raw, encoding=encoding, newline="")
    while line := text.readline(_MAX_LINE_LENGTH):
        if len(line) == _MAX_LINE_LENGTH:
            raise DatasetError(
                f"{name}: cannot be read: expected rows of at most {_MAX_LINE_LENGTH:,} characters. "
                "Received: a longer one."
            )
        yield line


def _pixels(text: str, where: str) -> npt.NDArray[np.uint8]:
    try:
        values = np.array(text.split(), np.int32)
    except (ValueError, OverflowError) as error:
        wrong = next((cell for cell in text.split() if not cell.isdecimal()), text)
        raise DatasetError(
            f"{where}: a pixel is not a whole number in 0..255. Received: {abbreviate(wrong)!r}"
        ) from error
    if values.shape != (_PIXELS,) or values.min() < 0 or values.max() > 255:
        raise DatasetError(
            f"{where}: expected {_PIXELS} pixels ({INPUT_SIZE} x {INPUT_SIZE}) in 0..255. "
            f"Received: {values.size} pixels"
            + (f" in {values.min()}..{values.max()}" if values.size else "")
        )
    return values.astype(np.uint8)


def _emotion(text: str, where: str) -> int:
    if text not in {str(class_index) for class_index in range(len(EMOTIONS))}:
        raise DatasetError(
            f"{where}: expected emotion to be a code from 0 to {len(EMOTIONS) - 1}. "
            f"Received: {abbreviate(text)!r}"
        )
    return int(text)


def _add_votes(data: Dataset, stream: IO[bytes], name: str) -> Dataset:
    """Return the data with the votes of FER+, as shares."""
    counts: list[list[float]] = []
    empty: Counter[tuple[Reason, str]] = Counter()
    usage = data.usage
    for line, row in _rows(stream, name, ("Usage", *_VOTE_COLUMNS), empty):
        place = len(counts)
        if place >= len(usage) or row["Usage"].lower() != SPLITS[usage[place]].lower():
            raise DatasetError(
                f"{name}, row {line}: does not belong to the FER2013 file beside it; "
                f"expected the same {len(usage)} rows in the same order."
            )
        try:
            counts.append([_vote(row[column]) for column in _VOTE_COLUMNS])
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


def _vote(text: str) -> float:
    votes = float(text)
    if not 0 <= votes < np.inf:
        raise ValueError(text)
    return votes
