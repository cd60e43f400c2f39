"""Texts from outside, made safe for Markdown."""

from __future__ import annotations


def escape_markdown(name: str) -> str:
    """Keep a file name from being read as Markdown."""
    return "".join("\\" + c if c in "\\`*_{}[]()#+!|~$:<>" else c for c in name)
