"""The middleware that applies the policy table to every request."""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import suppress
from typing import Final, Protocol

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from emosense.asgi.addresses import user_of_address
from emosense.asgi.body import LimitedBody
from emosense.asgi.connection import CONNECTION
from emosense.asgi.headers import SECURITY_HEADERS
from emosense.asgi.policy import PolicyTable, RoutePolicy
from emosense.asgi.rate_limit import RateLimiter
from emosense.asgi.refusal import Refusal
from emosense.asgi.response import LimitedResponse, SlowReader
from emosense.asgi.response_budget import ResponseBudget

USER: Final = "emosense.user"
"""Key of the user's name in a request's scope, for those who come after the policy."""
LOGIN: Final = "emosense.login"
"""Key of the stable name of a request's login; None if there is none."""
_CONTROL_CHARACTERS: Final = re.compile(r"[\x00-\x1f\x7f]")
"""In no path of ours; some routers take a path for another one from its first line break on."""
LOGIN_FULFILLED: Final = "emosense.login_fulfilled"
"""Key that tells in a request's scope whether its user is logged in, or needs no login."""


class Access(Protocol):
    """What the middleware must know about the server and its users.

    >>> class Everybody:
    ...     login_required = False
    ...     def api_holder(self, authorization): return None
    ...     def is_host_allowed(self, host): return True
    ...     def is_origin_allowed(self, origin, host): return True
    ...     def login(self, headers): return None
    >>> access: Access = Everybody()
    """

    @property
    def login_required(self) -> bool:
        """Whether routes that need a login ask for one."""
        ...

    def api_holder(self, authorization: str) -> str | None:
        """Return a name for the holder of the API key in a header; None for nobody."""
        ...

    def is_host_allowed(self, host: str | None) -> bool:
        """Return whether a Host header is one of the server's names."""
        ...

    def is_origin_allowed(self, origin: str | None, host: str | None) -> bool:
        """Return whether an Origin header is the server's own or none."""
        ...

    def login(self, headers: Headers) -> str | None:
        """Return the stable name of the user who is logged in, or None."""
        ...


class PolicyMiddleware:
    """ASGI middleware: every request fulfils its row of the policy table, or is refused.

    Args:
        app: the application that it wraps.
        table: the policy table.
        access: hosts, origins and logins of the server.
        limiter: counts requests and connections per user.
        budget: answers on their way, and the memory that they hold.
        headers: headers of every answer.

    The user of a request is the holder of its API key where the route asks for one, else the login's
    name, else the address of the client; it stands in the scope under :data:`USER`. What is allowed only after a login can be told by :data:`LOGIN_FULFILLED`
    where a route is open to everybody, as the WebSocket is.

    >>> PolicyMiddleware.__name__
    'PolicyMiddleware'
    """

    def __init__(
        self,
        app: ASGIApp,
        table: PolicyTable,
        access: Access,
        limiter: RateLimiter,
        budget: ResponseBudget,
        headers: Mapping[str, str] = SECURITY_HEADERS,
    ) -> None:
        self._app = app
        self._table = table
        self._access = access
        self._limiter = limiter
        self._budget = budget
        self._headers = headers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on if it fulfils its policy, else refuse it."""
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
            return
        policy = self._table.find(scope["path"])
        is_head = scope.get("method") == "HEAD"
        response = LimitedResponse(
            send, policy, self._headers, scope.get(CONNECTION), is_head=is_head
        )
        try:
            user, login = self._check(policy, scope)
            scope[USER], scope[LOGIN] = user, login
            scope[LOGIN_FULFILLED] = login is not None or not self._access.login_required
            if scope["type"] == "websocket":
                with self._limiter.connection(policy, user):
                    await self._app(scope, receive, response.send)
            else:
                body = LimitedBody(receive, policy, lambda size: None)
                if policy.always:
                    await self._app(scope, body, response.send)
                else:
                    with self._budget.response(user) as response.hold:
                        await self._app(scope, body, response.send)
        except Refusal as refusal:
            if response.is_started:
                raise  # the server closes the connection: nothing else can be said any more
            with suppress(SlowReader):
                await refusal.answer(
                    scope, receive, response.send, problem_json=policy.problem_json
                )
        except Exception:
            if not response.is_aborted:
                raise

    def _check(self, policy: RoutePolicy, scope: Scope) -> tuple[str, str | None]:
        """Return the user of a request that fulfils its policy, and his login."""
        headers = Headers(scope=scope)
        host, origin = headers.get("host"), headers.get("origin")
        if not policy.any_host and not self._access.is_host_allowed(host):
            raise Refusal(403, f"Expected a name of this server. Received: {host or 'none'}")
        login = self._access.login(headers)
        user = login or _address(scope)
        self._limiter.check(policy, user)
        if policy.closed or _CONTROL_CHARACTERS.search(scope["path"]):
            raise Refusal(404, "Not found.")
        if (
            origin is not None
            and not policy.foreign_origin
            and not (
                self._access.is_origin_allowed(origin, host)
                and (not policy.same_origin or _netloc(origin) == host)
            )
        ):
            raise Refusal(403, f"Expected this server's own origin. Received: {origin}")
        method = scope.get("method", "GET")
        if policy.methods is not None and method not in policy.methods:
            allowed = ", ".join(sorted(policy.methods))
            raise Refusal(
                405, f"Expected {allowed}. Received: {method}", headers={"Allow": allowed}
            )
        if policy.login and self._access.login_required and login is None:
            raise Refusal(401, "Expected a login.")
        if policy.api_key:
            user = self._api_holder(headers.get("authorization", ""))
        size = headers.get("content-length", "0")
        if not size.isdecimal() or int(size) > policy.max_body:
            raise Refusal(413, f"Expected at most {policy.max_body} bytes. Received: {size[:20]}.")
        return user, login

    def _api_holder(self, authorization: str) -> str:
        holder = self._access.api_holder(authorization)
        if holder is None:
            raise Refusal(
                401,
                "Expected the header Authorization: Bearer with a valid key.",
                headers={"WWW-Authenticate": "Bearer"},  # RFC 6750, section 3
            )
        return holder


def _netloc(origin: str) -> str:
    return origin.partition("://")[2]


def _address(scope: Scope) -> str:
    client = scope.get("client")
    return user_of_address(str(client[0])) if client else ""
