"""Skipped files and folders: counted and named in messages, never dropped silently."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from emosense.filesystem import filenames

Reason = tuple[str, str]
"""Reason why an entry is skipped: what it is, in the singular and in the plural."""

OTHER_KIND: Final[Reason] = ("file of another kind", "files of other kinds")
HIDDEN: Final[Reason] = ("hidden file", "hidden files")
DEAD_LINK: Final[Reason] = ("link that leads nowhere", "links that lead nowhere")
NO_FILE: Final[Reason] = ("entry that is no file", "entries that are no files")
ALREADY_READ: Final[Reason] = (
    "link to a folder that was read already",
    "links to folders that were read already",
)
UNREADABLE: Final[Reason] = ("folder that may not be read", "folders that may not be read")

_MAX_DETAILS: Final = 8
_MAX_LENGTH: Final = 100


@dataclass(frozen=True)
class Skipped:
    """Counts of skipped entries, by reason and detail.

    Attributes:
        counts: (reason, detail, count) triples; the detail is a file suffix or a name, or empty.

    >>> skipped = Skipped(((OTHER_KIND, ".txt", 2), (HIDDEN, "", 1)))
    >>> skipped.messages()
    ['2 files of other kinds left out: 2 .txt', '1 hidden file left out']
    """

    counts: tuple[tuple[Reason, str, int], ...] = ()

    @classmethod
    def of(cls, counter: Counter[tuple[Reason, str]]) -> Skipped:
        """Return the counts of a counter whose keys are (reason, detail)."""
        return cls(tuple((*key, count) for key, count in counter.items()))

    @property
    def total(self) -> int:
        """Number of all skipped entries."""
        return sum(count for _, _, count in self.counts)

    def messages(self) -> list[str]:
        """Return a sentence per reason, e.g. "3 files of other kinds left out: 2 .txt, 1 .json"."""
        by_reason: dict[Reason, Counter[str]] = {}
        for reason, detail, count in self.counts:
            by_reason.setdefault(reason, Counter())[detail] += count
        return [_sentence(reason, details) for reason, details in by_reason.items()]


NOTHING_SKIPPED: Final = Skipped()


def _sentence(reason: Reason, details: Counter[str]) -> str:
    total = details.total()
    named = [(detail, count) for detail, count in details.items() if detail]
    named.sort(key=lambda item: (-item[1], item[0]))
    listed = [f"{count:,} {abbreviate(detail)}" for detail, count in named[:_MAX_DETAILS]]
    if more := sum(count for _, count in named[_MAX_DETAILS:]):
        listed.append(f"{more:,} more")
    return f"{total:,} {reason[total != 1]} left out" + (f": {', '.join(listed)}" if listed else "")


def skip_reason(name: str) -> tuple[Reason, str]:
    """Return (reason, detail) for a file whose type is not supported."""
    path = PurePosixPath(name)
    if path.name.startswith(".") or "__MACOSX" in path.parts:
        return HIDDEN, ""
    return OTHER_KIND, path.suffix.lower() or "without an ending"


def abbreviate(text: object, max_length: int = _MAX_LENGTH) -> str:
    """Return a text for a message: on one line, with an ellipsis where it is truncated."""
    return filenames.abbreviate(" ".join(str(text).split()), max_length)
