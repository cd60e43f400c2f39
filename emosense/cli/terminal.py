"""Lines on the terminal. Names of files are foreign text: none of it reaches the terminal as a command.

Control sequences could rename the window, hide lines or fill the clipboard (CWE-150).
"""

from __future__ import annotations

import sys
import unicodedata

_NOT_PRINTED = {"Cc", "Cs", "Zl", "Zp"}
_BIDIRECTIONAL = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}


def escaped(text: str) -> str:
    r"""Return text with its control characters, line ends and lone surrogates as Python writes them.

    So are the characters that turn the direction of writing (Unicode Standard Annex 9).

    >>> escaped("caf\u00e9\x1b[2J.jpg")
    'café\\x1b[2J.jpg'
    """
    return "".join(ascii(c)[1:-1] if _is_unsafe(c) else c for c in text)


def print_line(text: str, *, error: bool = False) -> None:
    """Print a line, :func:`escaped`, on standard output or on standard error."""
    print(escaped(text), file=sys.stderr if error else sys.stdout)


def print_error(text: str) -> None:
    """Print a line on standard error, after the program's name."""
    print_line(f"emosense: {text}", error=True)


def _is_unsafe(character: str) -> bool:
    return (
        unicodedata.category(character) in _NOT_PRINTED
        or unicodedata.bidirectional(character) in _BIDIRECTIONAL
    )
