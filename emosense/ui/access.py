"""Hosts, origins and logins of the server, for the policy of requests."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import Headers

from emosense import settings
from emosense.asgi.api_keys import ApiKeys
from emosense.ui import streamlit_internals


def is_login_required() -> bool:
    """Return whether EMOSENSE_LOGIN asks for a login."""
    return settings.LOGIN.text().lower() not in ("no", "0", "false")


def user_name(info: dict[str, Any]) -> str | None:
    """Return the stable name of a user who is logged in, or None.

    Args:
        info: claims of the identity provider (OpenID Connect Core 1.0, section 5.1), with
            Streamlit's ``is_logged_in``.

    >>> user_name({"is_logged_in": True, "iss": "https://login.example.org", "sub": "17"})
    'https://login.example.org 17'
    >>> user_name({}) is None
    True
    """
    if not info.get("is_logged_in"):
        return None
    return f"{info.get('iss', '')} {info.get('sub') or info.get('email') or 'user'}".strip()


class StreamlitAccess:
    """The server's names and users, as Streamlit's configuration and login state them.

    Args:
        api_keys: who may use the REST API.

    >>> StreamlitAccess(ApiKeys()).api_holder("Bearer 0123456789abcdef") is None
    True
    """

    def __init__(self, api_keys: ApiKeys) -> None:
        self._api_keys = api_keys

    @property
    def login_required(self) -> bool:
        """Whether routes that need a login ask for one."""
        return is_login_required()

    def api_holder(self, authorization: str) -> str | None:
        """Return a name for the holder of the API key in a header; None for nobody."""
        return self._api_keys.holder(authorization)

    def is_host_allowed(self, host: str | None) -> bool:
        """Return whether a Host header is one of ``server.allowedHosts``."""
        return streamlit_internals.is_host_allowed(host)

    def is_origin_allowed(self, origin: str | None, host: str | None) -> bool:
        """Return whether an Origin header is the server's own or none."""
        return streamlit_internals.is_origin_allowed(origin, host)

    def login(self, headers: Headers) -> str | None:
        """Return the stable name of the user who is logged in, or None."""
        return user_name(streamlit_internals.user_info(headers))
