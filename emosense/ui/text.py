"""Texts from outside, made safe for Markdown."""

from __future__ import annotations


def plain(name: str) -> str:
    """Keep a file name from being read as Markdown."""
    return "".join("\\" + c if c in "\\`*_{}[]()#+!|~$:<>" else c for c in name)


def counted(n: int, noun: str) -> str:
    """Return a number with its noun, e.g. ``1 face`` or ``2 faces``."""
    return f"{n:,} {noun}" if n == 1 else f"{n:,} {noun}s"
