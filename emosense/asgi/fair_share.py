"""How much of something shared, as memory, one holder may take."""

from __future__ import annotations

import math
from typing import Final

_GENERAL_FRACTION: Final = 0.6


def has_room(own: int, total: int, capacity: int, small: int) -> bool:
    """Return whether a holder may hold this much.

    Of 60 % of the capacity one may hold at most as much as is left free: the dynamic threshold of
    Choudhury and Hahne, "Dynamic queue length thresholds for shared-memory packet switches" (1998).
    Alone he may use half of it, and each further one half of the rest. The other 40 % are for those
    who hold little, so that greedy ones cannot keep them out.

    Args:
        own: what the holder would have, e.g. in bytes.
        total: what all would have.
        capacity: what there is.
        small: what counts as little.

    >>> has_room(own=30, total=30, capacity=100, small=5)
    True
    >>> has_room(own=31, total=31, capacity=100, small=5)
    False
    >>> has_room(own=5, total=95, capacity=100, small=5)
    True
    """
    if own <= small and total <= capacity:
        return True
    return own <= _GENERAL_FRACTION * capacity - total


def largest_addition(own: int, total: int, capacity: int, small: int) -> int:
    """Return how many more bytes a holder may hold by :func:`has_room`; below 0 for none.

    Args:
        own: bytes that the holder has.
        total: bytes that all have.
        capacity: size of the memory in bytes.
        small: what counts as little, in bytes.

    >>> largest_addition(own=10, total=10, capacity=100, small=5)
    20
    >>> largest_addition(own=1, total=80, capacity=100, small=5)
    4
    """
    by_threshold = math.floor((_GENERAL_FRACTION * capacity - total - own) / 2)
    return max(by_threshold, min(small - own, capacity - total))
