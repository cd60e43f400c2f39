"""Small applications behind the policy middleware, for tests."""

from starlette.requests import Request
from starlette.responses import PlainTextResponse

from emosense.asgi.middleware import USER, PolicyMiddleware
from emosense.asgi.policy import PolicyTable, RoutePolicy
from emosense.asgi.rate_limit import RateLimiter
from emosense.asgi.response_budget import ResponseBudget


class Access:
    login_required = False

    def api_holder(self, authorization):
        return "holder of a key" if authorization == "Bearer secret" else None

    def is_host_allowed(self, host):
        return host == "localhost"

    def is_origin_allowed(self, origin, host):
        return origin == f"http://{host}"

    def login(self, headers):
        return headers.get("x-test-login")


async def echo(scope, receive, send):
    """Answer with the user and the size of the body."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.accept"})
        return
    body = await Request(scope, receive).body()
    await PlainTextResponse(f"{scope[USER]} {len(body)}")(scope, receive, send)


def wrapped(*rows, access=None, app=echo, max_connections=100, budget=None):
    table = PolicyTable((RoutePolicy(path="/"), *rows))
    return PolicyMiddleware(
        app,
        table,
        access or Access(),
        RateLimiter(max_connections),
        budget or ResponseBudget(100, 2**30),
    )
