"""The keys of the REST API, and whether it is open."""

from __future__ import annotations

import hashlib
import hmac
import re
from dataclasses import dataclass
from typing import Final

from emosense import settings
from emosense.errors import EmoSenseError

_LEAST_LENGTH: Final = 16
_KEY: Final = re.compile(rf"[A-Za-z0-9._~+/-]{{{_LEAST_LENGTH},}}=*")
"""The characters that RFC 6750, section 2.1, allows."""
_LOCAL: Final = "local"


@dataclass(frozen=True)
class ApiKeys:
    """Who may use the REST API.

    Attributes:
        keys: the keys; each holder of one has what he began with it, and nobody else's.
        is_local: whether everybody may who reaches the server, where there is no key.

    >>> keys = ApiKeys(("0123456789abcdef", "fedcba9876543210"))
    >>> keys.holder("Bearer 0123456789abcdef") == keys.holder("Bearer fedcba9876543210")
    False
    >>> keys.holder("Bearer wrong") is None
    True
    """

    keys: tuple[str, ...] = ()
    is_local: bool = False

    @property
    def is_on(self) -> bool:
        """Whether there is a REST API at all."""
        return self.is_local or bool(self.keys)

    def holder(self, authorization: str) -> str | None:
        """Return a name for the holder of a key, which does not tell the key; None for nobody.

        All keys are compared, each in constant time.

        Args:
            authorization: the header ``Authorization``, as ``Bearer KEY`` (RFC 6750).
        """
        if not self.keys:
            return _LOCAL if self.is_local else None
        scheme, _, given = authorization.partition(" ")
        received = _digest(given.strip())
        equal = [hmac.compare_digest(received, _digest(key)) for key in self.keys]
        if scheme.lower() != "bearer" or not any(equal):
            return None
        return f"API key {received.hex()[:16]}"


def read_api_keys() -> ApiKeys:
    """Return the keys of EMOSENSE_API_KEY, and whether EMOSENSE_API opens the API without one.

    Raises:
        EmoSenseError: a key is too short or has a character that headers do not carry; or
            EMOSENSE_API has a value that nobody knows.
    """
    keys = tuple(dict.fromkeys(re.findall(r"[^,\s]+", settings.API_KEY.text())))
    for number, key in enumerate(keys, start=1):
        if not _KEY.fullmatch(key):  # the message does not tell the key
            raise EmoSenseError(
                f"EMOSENSE_API_KEY: expected keys of at least {_LEAST_LENGTH} letters, digits and "
                f"-._~+/, separated by commas. Received: {len(key)} characters as key {number}."
            )
    api = settings.API.text().lower()
    if api not in ("key", _LOCAL):
        raise EmoSenseError(f"EMOSENSE_API: expected key or local. Received: {api!r}")
    return ApiKeys(keys, api == _LOCAL)


def _digest(key: str) -> bytes:
    return hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
