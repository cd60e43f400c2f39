"""Uploads: only to issued ids, and within the memory that is meant for them."""

import pytest
from starlette.requests import Request
from starlette.responses import PlainTextResponse

from emosense.asgi.middleware import USER
from emosense.asgi.refusal import Refusal
from emosense.asgi.uploads import UploadBudget, UploadMiddleware

MB = 2**20


class Store:
    def __init__(self, **sizes):
        self.held = {name: size * MB for name, size in sizes.items()}
        self.ended = False

    def is_issued(self, session, file):
        return (session, file) == ("a", "1") and not self.ended

    def sizes(self):
        return self.held


def budget(store, session=100, server=200):
    return UploadBudget(store, session * MB, server * MB)


def uploading(store, limits, stored=True):
    async def keep(scope, receive, send):
        body = await Request(scope, receive).body()
        if stored:
            store.held["a"] = len(body)
        await PlainTextResponse("kept")(scope, receive, send)

    app = UploadMiddleware(keep, store, limits)

    async def with_user(scope, receive, send):
        scope[USER] = "ann"
        try:
            await app(scope, receive, send)
        except Refusal as refusal:
            await refusal.answer(scope, receive, send)

    return with_user


@pytest.mark.parametrize("path", ["a/2", "b/1", "a/", "a/1/", "", "a", "//a/1", "a%2F1"])
@pytest.mark.parametrize("method", ["PUT", "DELETE", "POST"])
def test_ids_that_the_server_did_not_give_are_refused(ask, path, method):
    store = Store()
    answer = ask(uploading(store, budget(store)), f"/_stcore/upload_file/{path}", method)
    assert answer.status == 403
    assert not store.held


def test_an_issued_id_takes_its_file_and_other_paths_are_not_counted(ask):
    store = Store()
    app = uploading(store, budget(store, session=1))
    assert ask(app, "/_stcore/upload_file/a/1", "PUT", [bytes(MB // 2)] * 2).body == b"kept"
    assert ask(app, "/models", "GET", [bytes(3 * MB)]).body == b"kept"


def test_an_upload_ends_with_its_session(ask):
    store = Store()
    limits = budget(store)
    reached = []

    async def keep(scope, receive, send):
        await receive()
        store.ended = True
        reached.append("the end of the session")
        await receive()
        reached.append("the next part")

    async def with_user(scope, receive, send):
        scope[USER] = "ann"
        try:
            await UploadMiddleware(keep, store, limits)(scope, receive, send)
        except Refusal as refusal:
            await refusal.answer(scope, receive, send)

    answer = ask(with_user, "/_stcore/upload_file/a/1", "PUT", [bytes(MB)] * 3)
    assert answer.status == 403
    assert reached == ["the end of the session"]
    assert not limits._arriving


def test_the_sum_of_a_session_is_counted_while_its_bytes_arrive(ask):
    store = Store(a=1)
    limits = budget(store, session=3)
    answer = ask(uploading(store, limits), "/_stcore/upload_file/a/1", "PUT", [bytes(MB)] * 3)
    assert answer.status == 413
    assert "Expected at most 3 MB of uploads of one page" in answer.body.decode()
    assert store.held == {"a": MB}
    assert not limits._arriving  # what was refused is not counted any longer


def test_uploads_at_the_same_time_count_together():
    limits = budget(Store(), session=10)
    limits.add("a", "ann", 6 * MB)
    with pytest.raises(Refusal):
        limits.add("a", "ann", 5 * MB)
    limits.remove("a", 11 * MB)
    limits.add("a", "ann", 10 * MB)


def test_one_user_leaves_room_to_others():
    limits = budget(Store(), session=1000, server=300)
    limits.add("a", "ann", 90 * MB)
    with pytest.raises(Refusal) as refused:
        limits.add("a2", "ann", 1)
    assert refused.value.status == 503
    assert "90 MB of them yours" in str(refused.value)
    limits.remove("a2", 1)
    limits.add("b", "bob", 45 * MB)


def test_twenty_greedy_users_leave_room_for_a_newcomer():
    limits = budget(Store(), session=1000, server=2000)
    for attacker in range(20):
        with pytest.raises(Refusal):
            for _ in range(2000):
                limits.add(f"s{attacker}", f"u{attacker}", MB)
        limits.remove(f"s{attacker}", MB)  # the part that was refused is not kept
    limits.add("new", "newcomer", 16 * MB)


def test_stored_uploads_of_sessions_count_for_the_user_who_sent_them():
    store = Store()
    limits = budget(store, session=1000, server=300)
    for session in ("a", "b"):
        limits.add(session, "ann", 45 * MB)
        store.held[session] = 45 * MB
        limits.remove(session, 45 * MB)
    with pytest.raises(Refusal):
        limits.add("c", "ann", 30 * MB)


def test_sessions_that_are_gone_are_forgotten():
    store = Store()
    limits = budget(store)
    limits.add("a", "ann", MB)
    limits.remove("a", MB)
    assert not limits._users


def test_uploads_of_an_api_key_count_until_they_are_answered(ask):
    """One request after the other has the whole room; at the same time they share it."""
    store, seen = Store(), []
    limits = budget(store, session=1)

    async def answer(scope, receive, send):
        body = await Request(scope, receive).body()
        try:
            limits.add(scope[USER], scope[USER], MB // 2, "API key")  # of another request
        except Refusal as refusal:
            seen.append((refusal.status, refusal.retry_after))
        limits.remove(scope[USER], MB // 2)
        await PlainTextResponse(f"{len(body)}")(scope, receive, send)

    app = UploadMiddleware(answer, store, limits)

    async def with_user(scope, receive, send):
        scope[USER] = "holder of a key"
        await app(scope, receive, send)

    for _ in range(3):
        assert ask(with_user, "/api/v1/photos", "POST", [bytes(MB)]).body == f"{MB}".encode()
    assert seen == [(429, 2)] * 3
    assert ask(with_user, "/api/v2/photos", "POST", [bytes(3 * MB)]).status == 200  # not ours


def test_memory_of_answered_requests_is_returned_once_it_is_much(ask):
    store, trims = Store(), []

    async def answer(scope, receive, send):
        await Request(scope, receive).body()
        await PlainTextResponse(f"{len(trims)}")(scope, receive, send)

    limits = budget(store, server=2000)
    app = UploadMiddleware(answer, store, limits, on_freed=lambda: trims.append("trimmed"))

    async def with_user(scope, receive, send):
        scope[USER] = "ann"
        await app(scope, receive, send)

    body = [bytes(40 * MB)]
    answers = [ask(with_user, "/api/v1/photos", "POST", body).body for _ in range(5)]
    assert answers == [b"0", b"0", b"1", b"1", b"2"]  # never before the answer
    ask(with_user, "/_stcore/upload_file/a/1", "PUT", [bytes(70 * MB)])  # is kept for its page
    assert len(trims) == 2


@pytest.mark.parametrize("path", ["/_stcore/upload_file/a/1", "/api/v1/photos", "/api/v1/videos"])
@pytest.mark.parametrize(
    ("charset", "status"),
    [
        *((None, 200), ("utf-8", 200), ("UTF8", 200), ('"utf_8"', 200)),
        *(("punycode", 415), ("unicode_escape", 415), ("latin-1", 415), ("utf-7", 415)),
    ],
)
def test_forms_are_decoded_as_utf_8_alone(ask, path, charset, status):
    """Python's other codecs take hours for some texts, or make no text of them."""
    store = Store()
    method = "PUT" if "stcore" in path else "POST"
    kind = "multipart/form-data" + (f"; charset={charset}" if charset else "") + "; boundary=x"
    answer = ask(uploading(store, budget(store)), path, method, [b"1"], content_type=kind)
    assert answer.status == status
