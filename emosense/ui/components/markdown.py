"""Escaping of untrusted text for Markdown."""

from __future__ import annotations


def escape_markdown(name: str) -> str:
    """Return a file name with Markdown's special characters escaped."""
    return "".join("\\" + c if c in "\\`*_{}[]()#+!|~$:<>" else c for c in name)
