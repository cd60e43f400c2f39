"""Security headers of every answer."""

from __future__ import annotations

from typing import Final
from urllib.parse import quote

CONTENT_SECURITY_POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        # Streamlit's index.html has a script of its own, and its components' scripts are modules
        # from blob: URLs.
        "script-src 'self' 'unsafe-inline' blob:",
        "style-src 'self' 'unsafe-inline'",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "frame-src 'self' blob: data:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
"""Content Security Policy, level 3 (W3C): nothing is loaded from or sent to other hosts."""

SECURITY_HEADERS: Final = {
    "content-security-policy": CONTENT_SECURITY_POLICY,
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(self), microphone=(), geolocation=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
"""Headers of every answer, by lowercase name (RFC 9110); an answer's own header is replaced."""

PRIVATE: Final = {"cache-control": "private, no-store"}
"""Headers of answers that no cache may keep (RFC 9111)."""


def attachment(source: str, suffix: str) -> dict[str, str]:
    """Return the header of a file for download (RFC 6266), named after what it was made from.

    Args:
        source: name of the file that it was made from.
        suffix: what stands in place of the end of that name.

    >>> attachment("a b.mp4", "-emosense.csv")
    {'content-disposition': "attachment; filename*=UTF-8''a%20b-emosense.csv"}
    """
    name = quote(f"{source.rsplit('.', 1)[0]}{suffix}", safe="")
    return {"content-disposition": f"attachment; filename*=UTF-8''{name}"}
