"""How numbers are written for people, the same on pages, in pictures and in the terminal."""

from __future__ import annotations

from typing import Final

_ROUNDING: Final = 1e-12


def percent(share: float, digits: int = 0) -> str:
    """Return a share of a whole in percent, e.g. ``62 %`` or, with one digit, ``62.4 %``.

    Rounding never makes a part look like all or nothing: .998 is ``>99 %``, .002 is ``<1 %``.
    Only 0 and 1 themselves are ``0 %`` and ``100 %``, but for what adding up floats costs.

    Args:
        share: fraction in 0..1.
        digits: decimal places.
    """
    step = 10.0**-digits
    rounded = round(100 * share, digits)
    if share < 1 - _ROUNDING and rounded >= 100:
        return f">{100 - step:.{digits}f} %"
    if share > _ROUNDING and rounded <= 0:
        return f"<{step:.{digits}f} %"
    return f"{rounded:.{digits}f} %"


def probability_percent(probability: float, digits: int = 0) -> str:
    """Return a network's probability in percent; see :func:`percent`.

    No network is certain, also where float32 has rounded its answer to 0 or 1.

    Args:
        probability: probability in 0..1.
        digits: decimal places.
    """
    return percent(min(max(probability, 1e-9), 1 - 1e-9), digits)


def pluralize(n: int, noun: str) -> str:
    """Return a number with its noun, e.g. ``1 face`` or ``2 faces``."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
