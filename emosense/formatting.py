"""Formatting of numbers for people, the same on pages, in pictures and in the terminal."""

from __future__ import annotations

from typing import Final

_TOLERANCE: Final = 1e-12
"""Rounding error of a sum of floats."""


def percent(fraction: float, digits: int = 0) -> str:
    """Return a fraction in percent, e.g. ``62 %`` or, with one digit, ``62.4 %``.

    Rounding never makes a fraction look like all or nothing: .998 is ``>99 %``, .002 is ``<1 %``.
    Only 0 and 1 are ``0 %`` and ``100 %``, up to the rounding error of a sum of floats.

    Args:
        fraction: fraction in 0..1.
        digits: decimal places.
    """
    step = 10.0**-digits
    rounded = round(100 * fraction, digits)
    if fraction < 1 - _TOLERANCE and rounded >= 100:
        return f">{100 - step:.{digits}f} %"
    if fraction > _TOLERANCE and rounded <= 0:
        return f"<{step:.{digits}f} %"
    return f"{rounded:.{digits}f} %"


def probability_percent(probability: float, digits: int = 0) -> str:
    """Return a network's probability in percent, in the format of :func:`percent`.

    It is never ``0 %`` or ``100 %``, even where float32 has rounded the probability to 0 or 1: no
    network is certain.

    Args:
        probability: probability in 0..1.
        digits: decimal places.
    """
    return percent(min(max(probability, 1e-9), 1 - 1e-9), digits)


def pluralize(n: int, noun: str) -> str:
    """Return a number with its noun, e.g. ``1 face`` or ``2 faces``."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"


def format_p_value(p: float) -> str:
    """Return a p-value with two significant digits, small ones as ``< 0.0001``.

    >>> format_p_value(0.0312), format_p_value(3e-9)
    ('0.031', '< 0.0001')
    """
    return f"{p:.2g}" if p >= 1e-4 else "< 0.0001"
