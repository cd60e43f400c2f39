"""Progress bars on standard error, by rich; nothing moves where that is no terminal."""

from __future__ import annotations

import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn


def progress_bar(*columns: ProgressColumn) -> Progress:
    """Return a progress bar with more columns, which disappears at its end.

    Args:
        columns: shown after description, bar and percentage, before the time left.
    """
    return Progress(
        TextColumn("{task.description}", markup=False),  # the name of a file
        BarColumn(bar_width=24),
        TextColumn("{task.percentage:>3.0f} %"),
        *columns,
        TimeRemainingColumn(),
        console=Console(file=sys.stderr, highlight=False),
        transient=True,
        disable=not sys.stderr.isatty(),
    )
