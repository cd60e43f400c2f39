"""The answer to a request that does not fulfil its policy."""

from __future__ import annotations

from collections.abc import Mapping

from starlette.responses import PlainTextResponse, Response
from starlette.types import Receive, Scope, Send

from emosense.asgi.problem import problem_response

_POLICY_VIOLATION = 1008  # RFC 6455, section 7.4.1
_TRY_AGAIN_LATER = 1013  # IANA's registry of WebSocket close codes


class Refusal(Exception):
    """A request is refused.

    Args:
        status: HTTP status code (RFC 9110).
        reason: what was expected and what came.
        retry_after: seconds after which the request may be tried again; None says nothing.
        headers: further headers of the answer.

    >>> str(Refusal(403, "Expected the app's own origin."))
    "Expected the app's own origin."
    """

    def __init__(
        self,
        status: int,
        reason: str,
        retry_after: float | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(reason)
        self.status = status
        self.retry_after = retry_after
        self.headers = dict(headers or {})

    async def answer(
        self, scope: Scope, receive: Receive, send: Send, *, problem_json: bool = False
    ) -> None:
        """Send the refusal as the response to an HTTP request or to a WebSocket's opening.

        Args:
            scope: scope of the request.
            receive: receives its body.
            send: sends the answer.
            problem_json: whether it is answered with problem details instead of a text.
        """
        if scope["type"] == "websocket":
            code = _TRY_AGAIN_LATER if self.status == 429 else _POLICY_VIOLATION
            await send({"type": "websocket.close", "code": code, "reason": str(self)[:120]})
            return
        await self.response(problem_json=problem_json)(scope, receive, send)

    def response(self, *, problem_json: bool) -> Response:
        """Return the refusal as a response; see :meth:`answer`."""
        headers = {"Connection": "close", **self.headers}
        if self.retry_after is not None:
            headers["Retry-After"] = str(max(1, round(self.retry_after)))
        if problem_json:
            return problem_response(self.status, str(self), headers)
        return PlainTextResponse(str(self), self.status, headers)
