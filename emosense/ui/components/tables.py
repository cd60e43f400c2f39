"""Tables of results as people read them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from emosense.formatting import probability_percent

if TYPE_CHECKING:
    from pandas.io.formats.style import Styler


def percent_table(rows: Sequence[dict[str, Any]], columns: Sequence[str]) -> Styler:
    """Return rows as a table that shows probabilities in percent and sorts them as numbers.

    Args:
        rows: one dict per row, all with the same keys.
        columns: keys of the probabilities, in 0..1.
    """
    import pandas as pd  # a quarter of a second, which a first visit need not wait for

    return pd.DataFrame(rows).style.format(dict.fromkeys(columns, probability_percent))
