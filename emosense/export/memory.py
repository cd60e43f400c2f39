"""Memory that is needed while a file of results is made."""

from __future__ import annotations

from typing import Final

CSV_BYTES: Final = 600
JSON_BYTES: Final = 5500
PARQUET_BYTES: Final = 4000
CAPTION_BYTES: Final = 250
"""Bytes per face for a file of each kind; measured, and a little more."""
