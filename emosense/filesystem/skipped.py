"""What was found but not used: counted and named, never passed over in silence."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

from emosense.filesystem import filenames

Reason = tuple[str, str]
"""What was left out, in the singular and in the plural."""

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
    """Counts of what was left out.

    Attributes:
        counts: (reason, detail, how many); the detail is a kind or name, or empty.

    >>> skipped = Skipped(((OTHER_KIND, ".txt", 2), (HIDDEN, "", 1)))
    >>> skipped.messages()
    ['2 files of other kinds left out: 2 .txt', '1 hidden file left out']
    """

    counts: tuple[tuple[Reason, str, int], ...] = ()

    @classmethod
    def of(cls, counter: Counter[tuple[Reason, str]]) -> Skipped:
        """Return what a counter by (reason, detail) holds."""
        return cls(tuple((reason, detail, n) for (reason, detail), n in counter.items()))

    @property
    def total(self) -> int:
        """How much was left out in all."""
        return sum(n for _, _, n in self.counts)

    def messages(self) -> list[str]:
        """Return a sentence per reason, e.g. "3 files of other kinds left out: 2 .txt, 1 .json"."""
        by_reason: dict[Reason, Counter[str]] = {}
        for reason, detail, n in self.counts:
            by_reason.setdefault(reason, Counter())[detail] += n
        return [_sentence(reason, details) for reason, details in by_reason.items()]


NOTHING_SKIPPED: Final = Skipped()


def _sentence(reason: Reason, details: Counter[str]) -> str:
    total = details.total()
    named = sorted(((d, n) for d, n in details.items() if d), key=lambda item: (-item[1], item[0]))
    parts = [f"{n:,} {abbreviate(detail)}" for detail, n in named[:_MAX_DETAILS]]
    if rest := sum(n for _, n in named[_MAX_DETAILS:]):
        parts.append(f"{rest:,} more")
    return f"{total:,} {reason[total != 1]} left out" + (f": {', '.join(parts)}" if parts else "")


def skip_reason(name: str) -> tuple[Reason, str]:
    """Return reason and detail of a file that is not of a kind that is read."""
    path = PurePosixPath(name)
    if path.name.startswith(".") or "__MACOSX" in path.parts:
        return HIDDEN, ""
    return OTHER_KIND, path.suffix.lower() or "without an ending"


def abbreviate(text: object, longest: int = _MAX_LENGTH) -> str:
    """Return a text for a message: on one line, with a mark where it was cut."""
    return filenames.abbreviate(" ".join(str(text).split()), longest)
