"""Every request fulfils its row of the policy table, or is refused before any code sees it."""

import json
import re
from contextlib import ExitStack
from http import HTTPStatus

import pytest
from support.policy_app import Access, wrapped

from emosense.asgi.headers import SECURITY_HEADERS
from emosense.asgi.middleware import LOGIN_FULFILLED
from emosense.asgi.policy import PolicyTable, RoutePolicy, route_policies
from emosense.asgi.rate_limit import RateLimiter
from emosense.asgi.refusal import Refusal


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "", None])
def test_foreign_hosts_are_refused(ask, host):
    answer = ask(wrapped(), host=host)
    assert answer.status == 403
    assert "name of this server" in answer.body.decode()


def test_any_host_is_answered_where_the_policy_says_so(ask):
    app = wrapped(RoutePolicy(path="/healthz", any_host=True))
    assert ask(app, "/healthz", host="10.0.0.7").status == 200
    assert ask(app, "/healthz/", host="10.0.0.7").status == 403
    assert ask(app, "/healthz2", host="10.0.0.7").status == 403


@pytest.mark.parametrize(
    "origin", ["https://evil.example", "null", "http://localhost:1", "file://"]
)
@pytest.mark.parametrize("kind", ["http", "websocket"])
def test_foreign_origins_are_refused(ask, origin, kind):
    answer = ask(
        wrapped(RoutePolicy(path="/ws", max_connections=1)), "/ws", kind=kind, origin=origin
    )
    if kind == "http":
        assert answer.status == 403
    else:
        assert answer.messages[-1]["type"] == "websocket.close"
        assert answer.messages[-1]["code"] == 1008


def test_another_port_of_the_host_is_another_origin_where_the_policy_says_so(ask):
    class Lenient(Access):
        def is_origin_allowed(self, origin, host):
            return True

    app = wrapped(RoutePolicy(path="/api/", same_origin=True), access=Lenient())
    for origin in ("http://localhost:1", "http://localhost/x", "localhost", "null", "", "http://["):
        assert ask(app, "/api/a", origin=origin).status == 403
        assert ask(app, "/", origin=origin).status == 200
    for origin in ("http://localhost", "https://localhost", None):
        assert ask(app, "/api/a", origin=origin).status == 200


def test_the_own_origin_and_none_are_answered(ask):
    assert ask(wrapped(), origin="http://localhost").status == 200
    assert ask(wrapped()).status == 200


def test_login_is_asked_for_only_where_it_is_required(ask):
    class WithLogin(Access):
        login_required = True

    row = RoutePolicy(path="/media/", login=True)
    assert ask(wrapped(row), "/media/a").status == 200
    assert ask(wrapped(row, access=WithLogin()), "/media/a").status == 401
    assert ask(wrapped(row, access=WithLogin()), "/").status == 200
    answer = ask(wrapped(row, access=WithLogin()), "/media/a", x_test_login="ann")
    assert answer.body == b"ann 0"


@pytest.mark.parametrize("header", [None, "Bearer wrong", "é"])
def test_a_wrong_api_key_is_refused(ask, header):
    row = RoutePolicy(path="/api/", api_key=True)
    answer = ask(wrapped(row), "/api/a", authorization=header)
    assert answer.status == 401
    assert answer.headers["www-authenticate"] == "Bearer"


def test_who_has_an_api_key_is_its_holder_from_any_address(ask):
    row = RoutePolicy(path="/api/", api_key=True)
    for client in ("203.0.113.7", "203.0.113.8"):
        answer = ask(wrapped(row), "/api/a", authorization="Bearer secret", client=client)
        assert answer.body == b"holder of a key 0"


def test_programs_read_why_they_are_refused(ask):
    """As problem details (RFC 9457), whatever the reason."""
    row = RoutePolicy(path="/api/", problem_json=True, rate="5/hour", max_body=3)
    app = wrapped(row, RoutePolicy(path="/api/closed", problem_json=True, closed=True))
    for status, options in (
        (403, {"host": "evil.example"}),
        (403, {"origin": "https://evil.example"}),
        (405, {"method": "POST"}),
        (413, {"content_length": "4"}),
        (404, {"path": "/api/closed"}),
        (429, {}),
    ):
        if status == 429:
            for _ in range(5):
                ask(app, "/api/a")
        answer = ask(app, **{"path": "/api/a", **options})
        assert answer.headers["content-type"] == "application/problem+json"
        problem = json.loads(answer.body)
        assert (answer.status, problem["status"]) == (status, status)
        assert problem["title"] == HTTPStatus(status).phrase
        assert problem["detail"]


@pytest.mark.parametrize("path", ["/a\nb", "/a\rb", "/\x00", "/a\x7f", "/api/v1/jobs/\n"])
def test_paths_with_control_characters_are_nowhere(ask, path):
    rows = route_policies(max_upload_mb=1, max_connections=1, max_session_mb=1, api=True)
    assert ask(wrapped(*rows), path, authorization="Bearer secret").status == 404


def test_without_a_rest_api_none_of_its_paths_is_found(ask):
    rows = route_policies(max_upload_mb=1, max_connections=1, max_session_mb=1, api=False)
    for path in ("photos", "videos", "jobs/a", "models", "docs", "docs/assets/a", "openapi.json"):
        answer = ask(wrapped(*rows), f"/api/v1/{path}", authorization="Bearer secret")
        assert answer.status == 404


def test_closed_paths_are_not_found(ask):
    app = wrapped(*route_policies(max_upload_mb=1, max_connections=1))
    for path in ("/_stcore/metrics", "/_stcore/agent/mcp"):
        assert ask(app, path).status == 404


def test_other_methods_are_refused(ask):
    answer = ask(wrapped(), method="POST")
    assert answer.status == 405
    assert "Received: POST" in answer.body.decode()
    assert answer.headers["allow"] == "GET, HEAD, OPTIONS"


def test_a_body_is_counted_while_it_is_read(ask):
    row = RoutePolicy(path="/in", methods=frozenset({"POST"}), max_body=10)
    assert ask(wrapped(row), "/in", "POST", [b"12345", b"67890"]).body == b"203.0.113.7 10"
    answer = ask(wrapped(row), "/in", "POST", [b"12345", b"67890", b"1"])
    assert answer.status == 413
    assert ask(wrapped(row), "/in", "POST", content_length="11").status == 413
    assert ask(wrapped(row), "/in", "POST", content_length="-1").status == 413
    assert ask(wrapped(row), "/in", "POST", content_length="²").status == 413


def test_a_body_that_stands_still_is_given_up(ask):
    row = RoutePolicy(path="/in", methods=frozenset({"POST"}), idle_seconds=0)
    answer = ask(wrapped(row), "/in", "POST", body=())
    assert answer.status == 408


def test_a_body_that_trickles_is_given_up(ask):
    row = RoutePolicy(
        path="/in", methods=frozenset({"POST"}), grace_seconds=0, min_bytes_per_second=1e12
    )
    answer = ask(wrapped(row), "/in", "POST", [b"1", b"2"])
    assert answer.status == 408
    assert re.search(r"Received: \d+ bytes in", answer.body.decode())


def test_too_many_requests_of_one_user_are_refused_and_others_are_not(ask):
    app = wrapped(RoutePolicy(path="/a", rate="2/hour"))
    assert [ask(app, "/a").status for _ in range(3)] == [200, 200, 429]
    assert int(ask(app, "/a").headers["retry-after"]) >= 1
    assert ask(app, "/").status == 200
    assert ask(app, "/a", client="203.0.113.8").status == 200
    assert ask(app, "/a", x_test_login="ann").status == 200  # a login counts for itself


def test_refused_hosts_do_not_use_up_anybodys_requests(ask):
    app = wrapped(RoutePolicy(path="/a", rate="1/hour"))
    for _ in range(3):
        assert ask(app, "/a", host="evil.example").status == 403
    assert ask(app, "/a").status == 200


def test_open_websockets_are_bounded_per_user_and_in_all(ask):
    inner = []

    async def holding(scope, receive, send):
        """Open three more while this one is open."""
        await send({"type": "websocket.accept"})
        if not inner:
            inner.append(None)
            for name in ("ann", "bob", "cid"):
                messages = []

                async def keep(message, messages=messages):
                    messages.append(message["type"])

                headers = [(b"host", b"localhost"), (b"x-test-login", name.encode())]
                more = {**scope, "headers": headers}
                await app(more, receive, keep)
                inner.append(messages[-1])

    row = RoutePolicy(path="/ws", max_connections=1)
    app = wrapped(row, app=holding, max_connections=2)
    answer = ask(app, "/ws", kind="websocket", x_test_login="ann")
    assert answer.messages[-1]["type"] == "websocket.accept"
    assert inner[1:] == ["websocket.close", "websocket.accept", "websocket.accept"]
    assert not app._limiter._connections  # closed ones do not count


@pytest.fixture
def opened():
    """A function that opens WebSockets of a user until one is refused, and returns how many."""
    row = RoutePolicy(path="/ws", max_connections=60)
    with ExitStack() as stack:

        def opened(limiter, user):
            for count in range(1000):
                try:
                    stack.enter_context(limiter.connection(row, user))
                except Refusal as refusal:
                    assert refusal.status == 429
                    return count
            raise AssertionError("none was refused")

        yield opened


def test_a_user_alone_may_open_as_many_pages_as_he_may_have(opened):
    assert opened(RateLimiter(200), "ann") == 60


def test_users_with_many_pages_leave_room_for_a_newcomer(opened):
    limiter = RateLimiter(200)
    greedy = [opened(limiter, f"greedy {number}") for number in range(10)]
    assert greedy[:3] == [60, 30, 15]
    assert min(greedy) == 4
    assert opened(limiter, "newcomer") == 4


def test_pages_are_bounded_in_all(opened):
    limiter = RateLimiter(200)
    assert sum(opened(limiter, str(number)) for number in range(200)) == 200
    row = RoutePolicy(path="/ws", max_connections=60)
    with (
        pytest.raises(Refusal, match="The server has 200 open pages, 0 of them yours"),
        limiter.connection(row, "new"),
    ):
        pass


def test_the_scope_tells_whether_a_login_is_fulfilled(ask):
    told = []

    async def tell(scope, receive, send):
        told.append(scope[LOGIN_FULFILLED])

    class WithLogin(Access):
        login_required = True

    ask(wrapped(app=tell))
    ask(wrapped(app=tell, access=WithLogin()))
    ask(wrapped(app=tell, access=WithLogin()), x_test_login="ann")
    assert told == [True, False, True]


def test_routes_without_websockets_refuse_them(ask):
    answer = ask(wrapped(), "/anything", kind="websocket")
    assert answer.messages[-1]["type"] == "websocket.close"


@pytest.mark.parametrize("host", ["localhost", "evil.example"])
def test_every_answer_has_the_security_headers(ask, host):
    answer = ask(wrapped(), host=host)
    for name, value in SECURITY_HEADERS.items():
        assert answer.headers[name] == value


def test_nothing_is_loaded_from_other_hosts():
    policy = SECURITY_HEADERS["content-security-policy"]
    sources = {word for part in policy.split("; ") for word in part.split()[1:]}
    assert sources <= {
        "'self'",
        "'none'",
        "'unsafe-inline'",
        "'wasm-unsafe-eval'",
        "data:",
        "blob:",
    }


def test_the_base_path_belongs_to_no_row():
    table = PolicyTable(route_policies(max_upload_mb=1, max_connections=1), "/face/")
    assert table.find("/face/_stcore/metrics").closed
    assert table.find("/face/static/a.js").path == "/static/"
    assert table.find("/face").path == "/"
