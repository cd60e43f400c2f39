"""File names and other values as text for results and messages."""

from __future__ import annotations

import reprlib


def utf8_safe(name: str) -> str:
    """Return a file name with bytes that are not UTF-8 escaped; old archives hold such names."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def abbreviate(text: str, max_length: int = 100) -> str:
    """Return a text as valid UTF-8, truncated to ``max_length`` characters for a message."""
    text = utf8_safe(text)
    return (
        text if len(text) <= max_length else f"{text[:max_length]} ... ({len(text):,} characters)"
    )


def describe_value(value: object) -> str:
    """Return the type and the truncated ``repr`` of any value, for an error message."""
    # Unlike repr, reprlib walks no long list and survives objects whose __repr__ raises.
    return f"{type(value).__name__} {abbreviate(reprlib.repr(value))}"
