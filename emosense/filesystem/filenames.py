"""Names of files, as results can hold them."""

from __future__ import annotations

import reprlib


def utf8_safe(name: str) -> str:
    """Return a file's name so that it can be written as UTF-8: old archives hold others."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")


def abbreviate(text: str, most: int = 100) -> str:
    """Return what came, short enough to be quoted in a message and writable as UTF-8."""
    text = utf8_safe(text)
    return text if len(text) <= most else f"{text[:most]} ... ({len(text):,} characters)"


def describe_value(value: object) -> str:
    """Return type and beginning of any value, for a message about what came."""
    # Unlike repr, it walks no long list and survives objects that fail at describing themselves.
    return f"{type(value).__name__} {abbreviate(reprlib.repr(value))}"
