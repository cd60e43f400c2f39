"""Tables of results with formatted probabilities."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from emosense.formatting import probability_percent

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler


def percent_table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> Styler:
    """Return a table that shows probabilities in percent and sorts them as numbers.

    Args:
        rows: one dict per row, all with the same keys.
        columns: columns that hold probabilities, in 0..1.
    """
    import pandas as pd  # takes a quarter of a second: only when a table is shown

    return pd.DataFrame(rows).style.format(dict.fromkeys(columns, probability_percent))
