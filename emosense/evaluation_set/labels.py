"""Labels of photos: the folders that they lie in, or a table of files and labels."""

from __future__ import annotations

import csv
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from emosense.class_names import (
    emotion_of,
    emotion_of_abbreviation,
    is_other_class,
    numbered_classes,
)
from emosense.errors import DatasetError
from emosense.filesystem.skipped import abbreviate
from emosense.formatting import pluralize

LEFT_OUT: Final = "left out"
"""What a class becomes that is not among the seven."""

_FILE_COLUMNS: Final = (
    *("file", "filename", "filepath", "path", "image", "imagename", "imagepath", "imagefile"),
    *("photo", "picture", "source", "name", "img", "pic"),
)
_LABEL_COLUMNS: Final = ("label", "emotion", "expression", "class", "target", "category")
"""Names of columns, without blanks and ``_``, by preference."""


@dataclass(frozen=True)
class Label:
    """The label of a photo, as its data set gives it.

    Attributes:
        photo: name of the photo: its path in the folder or archive.
        class_name: name of its class; empty if it has none.

    >>> Label("happy/a.jpg", "happy").class_name
    'happy'
    """

    photo: str
    class_name: str


@dataclass(frozen=True)
class Labels:
    """The labels of a set of photos.

    Attributes:
        labels: one per photo, in order.
        notes: what of a table was not used, in words.

    >>> Labels((Label("a.jpg", "joy"), Label("b.jpg", ""))).counts
    {'joy': 1}
    """

    labels: tuple[Label, ...]
    notes: tuple[str, ...] = ()

    @property
    def counts(self) -> dict[str, int]:
        """Number of photos by class name, in the order of the names."""
        counts = Counter(label.class_name for label in self.labels if label.class_name)
        return {name: counts[name] for name in sorted(counts)}

    @property
    def unlabelled(self) -> int:
        """Number of photos without a label."""
        return sum(not label.class_name for label in self.labels)


def labels_by_folder(photos: Iterable[str]) -> Labels:
    """Label photos by the folders that they lie in.

    The class is a folder with the name of an emotion, or of another known class such as contempt; of
    several around one photo the one at the depth with the most emotions, else the innermost. If there
    is none, the class is the innermost folder.

    Args:
        photos: paths with ``/`` between folders.

    >>> labels_by_folder(["test/happy/ann/1.jpg", "2.jpg"]).labels[0].class_name
    'happy'
    """
    folders = {photo: PurePosixPath(photo).parts[:-1] for photo in photos}
    emotions: dict[int, set[str]] = defaultdict(set)
    for parents in set(folders.values()):
        for depth, folder in enumerate(parents):
            if emotion := emotion_of(folder):
                emotions[depth].add(emotion)

    def class_of(parents: tuple[str, ...]) -> str:
        known = [
            (len(emotions[depth]), depth, folder)
            for depth, folder in enumerate(parents)
            if emotion_of(folder) or is_other_class(folder)
        ]
        return max(known)[2] if known else (parents[-1] if parents else "")

    return Labels(tuple(Label(photo, class_of(parents)) for photo, parents in folders.items()))


def labels_by_table(photos: Sequence[str], table: str, name: str = "the table") -> Labels:
    """Label photos by a CSV table of files and labels.

    A file is found by its path, by the end of its path, or by its name alone if only one photo has it.

    Args:
        photos: paths with ``/`` between folders.
        table: CSV text with commas, semicolons or tabs, and a header with a column for the file (such
            as ``file``, ``image`` or ``path``) and one for the label (such as ``label``, ``emotion`` or
            ``class``).
        name: name of the table in messages.

    Raises:
        DatasetError: the table cannot be read, or lacks one of the columns.

    >>> labels_by_table(["album/a.jpg"], "image,emotion\\na.jpg,joy\\n").labels[0].class_name
    'joy'
    """
    rows = _rows(table, name)
    by_end = _photos_by_end(photos)
    found: dict[str, str] = {}
    unmatched: list[str] = []
    ambiguous: list[str] = []
    unlabelled = repeated = 0
    for file, label in rows:
        matches = by_end.get(_path_key(file), [])
        if len(matches) != 1:
            (ambiguous if matches else unmatched).append(file)
        elif not label:
            unlabelled += 1
        else:
            repeated += found.get(matches[0], label) != label
            found[matches[0]] = label
    notes = [
        f"{name}: {pluralize(len(files), 'row')} {what}, e.g. {abbreviate(files[0])!r}"
        for files, what in (
            (unmatched, "without a photo of that name"),
            (ambiguous, "with the name of several photos"),
        )
        if files
    ]
    if unlabelled:
        notes.append(f"{name}: {pluralize(unlabelled, 'row')} without a label")
    if repeated:
        verb = "gives" if repeated == 1 else "give"
        notes.append(
            f"{name}: {pluralize(repeated, 'row')} that {verb} a photo another label; "
            "the last one counts"
        )
    return Labels(tuple(Label(photo, found.get(photo, "")) for photo in photos), tuple(notes))


def _rows(table: str, name: str) -> list[tuple[str, str]]:
    lines = table.removeprefix("\ufeff").splitlines()
    header = lines[0] if lines else ""
    delimiter = max(",;\t", key=header.count)
    try:
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        cells = [[cell.strip() for cell in row] for row in reader if row]
    except csv.Error as error:
        raise DatasetError(f"{name}: cannot be read as CSV: {error}.") from error
    columns = (
        [column.casefold().replace(" ", "").replace("_", "") for column in cells[0]]
        if cells
        else []
    )
    places = []
    for what, known in (("file", _FILE_COLUMNS), ("label", _LABEL_COLUMNS)):
        place = next((columns.index(column) for column in known if column in columns), None)
        if place is None:
            raise DatasetError(
                f"{name}: expected a header with a column for the {what} ({', '.join(known)}). "
                f"Received: {abbreviate(header) if header else 'an empty file'}"
            )
        places.append(place)
    width = max(places)
    return [
        (row[places[0]], row[places[1]] if len(row) > width else "")
        for row in cells[1:]
        if len(row) > places[0]
    ]


def _path_key(path: str) -> str:
    parts = PurePosixPath(path.replace("\\", "/").casefold()).parts
    return "/".join(part for part in parts if part not in ("/", ".", ".."))


def _photos_by_end(photos: Sequence[str]) -> dict[str, list[str]]:
    """Return the photos by each end of their path: ``c.jpg``, ``b/c.jpg``, ``a/b/c.jpg``."""
    ends: dict[str, list[str]] = defaultdict(list)
    for photo in photos:
        parts = _path_key(photo).split("/")
        for first in range(len(parts)):
            ends["/".join(parts[first:])].append(photo)
    exact = {_path_key(photo): [photo] for photo in photos}
    return {**ends, **exact}


@dataclass(frozen=True)
class ClassMapping:
    """Which emotion each class of a data set is.

    Attributes:
        emotions: emotion by class name; :data:`LEFT_OUT` for a class that is not among the seven.
        unknown: class names whose meaning was not recognised; they are left out at first.
        numbering: data set whose numbers the class names seem to be; empty if they are no numbers.

    >>> propose_mapping(["joy", "contempt", "grumpy"])
    ClassMapping(emotions={'joy': 'happy', 'contempt': 'left out', 'grumpy': 'left out'}, \
unknown=('grumpy',), numbering='')
    """

    emotions: Mapping[str, str]
    unknown: tuple[str, ...] = ()
    numbering: str = ""

    def with_choices(self, choices: Mapping[str, str]) -> ClassMapping:
        """Return the mapping with other emotions for some classes, which are then known.

        >>> propose_mapping(["grumpy"]).with_choices({"grumpy": "angry"}).unknown
        ()
        """
        unknown = tuple(name for name in self.unknown if name not in choices)
        return ClassMapping({**self.emotions, **choices}, unknown, self.numbering)


def propose_mapping(class_names: Iterable[str]) -> ClassMapping:
    """Propose which emotion each class is; the person who knows the data confirms it."""
    names = list(class_names)
    numbers = [name for name in names if name.strip().isdecimal()]
    numbered = numbered_classes(numbers)
    by_number = numbered[1] if numbered else {}
    emotions = {
        name: emotion_of(name) or emotion_of_abbreviation(name) or by_number.get(name, LEFT_OUT)
        for name in names
    }
    known_numbers = numbers if numbered else []
    unknown = tuple(
        name
        for name, emotion in emotions.items()
        if emotion == LEFT_OUT and not is_other_class(name) and name not in known_numbers
    )
    return ClassMapping(emotions, unknown, numbered[0] if numbered else "")
