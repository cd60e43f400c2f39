"""Foreign text in Streamlit's Markdown: names of files and models, texts of cards, messages about them.

Streamlit's pages parse GitHub Flavored Markdown with directives (``:red[...]``) and mathematics, and
then search the parsed texts once more: for addresses, which become links (www, http, e-mail), emoji
(``:smile:``), icons (``:material/face:``) and arrows (``->``). A backslash is gone by then. What the second
search would find is therefore split by an empty directive, which shows nothing.
"""

from __future__ import annotations

import re
import unicodedata
from typing import Final

_SPLIT: Final = ":small[]"
"""An empty span: the texts on both of its sides are searched by themselves."""

_MARKUP: Final = re.compile(
    r"""
    (?P<escaped> [\\`*~$\[\]<]          # code, emphasis, mathematics, links, HTML
      | &(?=[\#\w])                     # a character reference
      | ^[-+\#=>|]                      # a list, heading, quotation or table
      | (?<![A-Z0-9])_ | _(?![A-Z0-9])  # emphasis; a setting's name is none
    )
    | (?P<number> ^\d{1,9})(?=[.)](\s|$))  # a numbered list
    | (?P<split> :(?!\s))               # a directive, an emoji, an icon, an address
    | (?P<address> @ | (?i:(?<=www)(?=\.)))
    | (?P<arrow> (?<=[-<>=~])(?=[-<>=~]))
    """,
    re.VERBOSE,
)

_DIRECTIONS: Final = dict.fromkeys((*range(0x202A, 0x202F), *range(0x2066, 0x206A)), "\ufffd")
"""Characters that change the direction of the text after them (Unicode UAX #9)."""


def escape_markdown(text: str) -> str:
    r"""Return Markdown that shows a text as it is, in one line, with no link, picture or style.

    Args:
        text: any text, e.g. a file name or an error message.

    >>> escape_markdown("my-album.zip"), escape_markdown("*a*.jpg")
    ('my-album.zip', '\\*a\\*.jpg')
    >>> escape_markdown("Expected a photo. Received: www.example.com.jpg")
    'Expected a photo. Received: www:small[].example.com.jpg'
    """
    line = "".join(" " if _breaks_line(c) else c for c in text.translate(_DIRECTIONS))
    # Blanks at the start would make a code block, and at both ends keep ** beside them from being bold.
    return _MARKUP.sub(_escape, line.strip()) or _SPLIT


def code_span(text: str) -> str:
    """Return Markdown that shows a text in one line as code, whatever it holds.

    >>> code_span("emosense models"), code_span("a`b")
    ('`emosense models`', '`` a`b ``')
    """
    line = "".join(" " if _breaks_line(c) else c for c in text.translate(_DIRECTIONS)).strip()
    # A longer row of backticks than any within; blanks beside one at the ends are not shown.
    fence = "`" * (1 + max(map(len, re.findall("`+", line)), default=0))
    space = " " if "`" in line or not line else ""
    return f"{fence}{space}{line}{space}{fence}"


def _escape(match: re.Match[str]) -> str:
    found = match[0]
    if match["escaped"]:
        return f"\\{found}"
    if match["number"]:
        return f"{found}\\"
    return f"\\{found}{_SPLIT}" if match["split"] else f"{found}{_SPLIT}"


def _breaks_line(character: str) -> bool:
    return unicodedata.category(character) in ("Cc", "Zl", "Zp")
