"""Answers go out in parts, as fast as they are read; who does not read is given up."""

import asyncio
from contextlib import ExitStack

import pytest
from starlette.responses import PlainTextResponse, Response, StreamingResponse
from support.policy_app import wrapped

from emosense.asgi import response as module
from emosense.asgi.policy import RoutePolicy, route_policies
from emosense.asgi.response import SLICE_BYTES
from emosense.asgi.response_budget import SMALL_RESPONSES, ResponseBudget

BODY = bytes(range(256)) * (10 * SLICE_BYTES // 256) + b"end"


class Clock:
    now = 0.0

    def monotonic(self):
        return self.now


class Reader:
    """A connection whose client needs some seconds, of a clock that stands else, for each part."""

    def __init__(self, clock=None, seconds=0.0):
        self.clock, self.seconds = clock, seconds
        self.parts = self.aborted = 0

    async def drained(self):
        self.parts += 1
        for _ in range(3):
            await asyncio.sleep(0)
        if self.clock is not None:
            self.clock.now += self.seconds

    def abort(self):
        self.aborted += 1


class NoReader(Reader):
    async def drained(self):
        self.parts += 1
        await asyncio.Event().wait()


class Part(Reader):
    """A connection whose client reads a few parts and then no more."""

    async def drained(self):
        self.parts += 1
        if self.parts > 3:
            await asyncio.Event().wait()


@pytest.fixture
def clock(monkeypatch):
    clock = Clock()
    monkeypatch.setattr(module, "time", clock)
    return clock


def bodies(answer):
    return [m for m in answer.messages if m["type"] == "http.response.body"]


def test_a_large_body_goes_out_in_parts(ask):
    answer = ask(wrapped(app=Response(BODY)), connection=Reader())
    assert answer.body == BODY
    assert max(len(message["body"]) for message in bodies(answer)) == SLICE_BYTES
    assert [message["more_body"] for message in bodies(answer)] == 10 * [True] + [False]


def test_each_part_waits_until_the_network_has_taken_the_last(ask):
    reader = Part()
    row = RoutePolicy(path="/a", send_idle_seconds=0, min_bytes_per_second=1e12)
    answer = ask(wrapped(row, app=Response(BODY)), "/a", connection=reader)
    assert len(bodies(answer)) == 3  # beside the start
    assert reader.aborted == 1


def test_a_part_of_a_body_in_several_messages_is_not_the_last(ask):
    async def parts():
        yield BODY
        yield b""
        yield BODY

    answer = ask(wrapped(app=StreamingResponse(parts())))
    assert answer.body == 2 * BODY
    assert [m for m in bodies(answer) if not m["more_body"]] == bodies(answer)[-1:]


def test_a_head_request_gets_no_body(ask):
    answer = ask(wrapped(app=Response(BODY)), method="HEAD")
    assert len(bodies(answer)) == 1
    assert answer.body == b""
    assert int(answer.headers["content-length"]) == len(BODY)


def test_who_reads_slowly_but_steadily_gets_all(ask, clock):
    seconds = SLICE_BYTES / RoutePolicy(path="/").min_bytes_per_second
    answer = ask(wrapped(app=Response(BODY)), connection=Reader(clock, seconds))
    assert answer.body == BODY
    assert clock.now > 100


def test_who_falls_behind_the_least_speed_is_given_up(ask, clock):
    seconds = 2 * SLICE_BYTES / RoutePolicy(path="/").min_bytes_per_second
    reader, budget = Reader(clock, seconds), ResponseBudget(100, 2**30)
    answer = ask(wrapped(app=Response(BODY), budget=budget), connection=reader)
    assert 0 < len(answer.body) < len(BODY)
    assert reader.aborted == 1
    assert budget.held_bytes == 0


@pytest.mark.parametrize("status", [200, 404])
def test_who_does_not_read_at_all_is_given_up(ask, status):
    """Also refusals and answers that an application refuses."""
    reader = NoReader()
    row = RoutePolicy(path="/a", send_idle_seconds=0, min_bytes_per_second=1e12)
    app = PlainTextResponse("short", status)
    ask(wrapped(row, app=app), "/a", connection=reader)
    assert reader.aborted == 1
    ask(wrapped(row, app=app), "/a", method="POST", connection=reader)
    assert reader.aborted == 2


def test_where_the_kind_of_server_is_unknown_it_closes_the_connection_itself(ask):
    row = RoutePolicy(path="/a", send_idle_seconds=0)

    async def app(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": b"1"})

    policy = wrapped(row, app=app)

    async def stuck(scope, receive, send):
        await policy(scope, receive, lambda message: asyncio.Event().wait())

    with pytest.raises(module.SlowReader, match="Expected a client that reads 4096 bytes a second"):
        ask(stuck, "/a")


def test_a_page_that_does_not_read_its_messages_is_given_up(ask):
    errors = []

    async def app(scope, receive, send):
        await send({"type": "websocket.accept"})
        try:
            await send({"type": "websocket.send", "bytes": b"12345"})
        except OSError as error:
            errors.append(error)

    row = RoutePolicy(path="/ws", max_connections=1, send_idle_seconds=0, min_bytes_per_second=1e12)
    reader = Part()
    reader.parts = 2
    ask(wrapped(row, app=app), "/ws", kind="websocket", connection=reader)
    assert reader.aborted == 1
    assert len(errors) == 1


def holding(budget, user, *sizes):
    """Let a user hold bodies of these sizes; return what ends it."""
    stack = ExitStack()
    hold = stack.enter_context(budget.response(user))
    for size in sizes:
        stack.enter_context(hold(memoryview(bytes(size))))
    return stack


def test_a_body_that_has_no_room_in_memory_is_refused_before_it_begins(ask):
    budget = ResponseBudget(100, 100 * 2**20)
    app = wrapped(app=Response(bytes(25 * 2**20)), budget=budget)
    with holding(budget, "203.0.113.7", 20 * 2**20):
        answer = ask(app)
        assert answer.status == 503
        assert "retry-after" in answer.headers
        assert [m["type"] for m in answer.messages].count("http.response.start") == 1
    assert budget.held_bytes == 0
    assert ask(app).status == 200
    assert budget.held_bytes == 0


def test_who_holds_much_leaves_room_for_others():
    budget = ResponseBudget(100, 100 * 2**20)
    with holding(budget, "ann", 15 * 2**20, 15 * 2**20):
        with pytest.raises(Exception, match="has no room for 1 MB more"):
            holding(budget, "ann", 2**20)
        with holding(budget, "bob", 15 * 2**20):
            assert budget.held_bytes == 45 * 2**20


def test_a_file_that_goes_out_often_is_in_memory_once():
    file = bytes(20 * 2**20)
    budget = ResponseBudget(100, 100 * 2**20)
    with budget.response("ann") as ann, ann(memoryview(file)), ann(memoryview(file)[5:]):
        assert budget.held_bytes == len(file)
        with budget.response("bob") as bob, bob(memoryview(file)[:7]):
            assert budget.held_bytes == len(file)
        assert budget.held_bytes == len(file)
    assert budget.held_bytes == 0


def test_many_answers_to_one_user_leave_room_for_others(ask):
    """Answers to one client end while those to another that does not read are on their way."""
    budget = ResponseBudget(200, 2**30)
    app = wrapped(
        *route_policies(max_upload_mb=1, max_connections=1), budget=budget, app=Response("a")
    )
    stacks = [holding(budget, "203.0.113.7") for _ in range(60)]
    answer = ask(app)
    assert answer.status == 503
    assert "60 of them yours" in answer.body.decode()
    assert ask(app, client="203.0.113.8").status == 200
    more = [holding(budget, "203.0.113.8") for _ in range(SMALL_RESPONSES)]
    for path in ("/healthz", "/_stcore/health"):
        assert ask(app, path).status == 200
    for stack in stacks + more:
        stack.close()
    assert ask(app).status == 200
    assert not budget._responses
