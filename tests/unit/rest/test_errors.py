"""Errors of the REST API behind the policy, as the app's server has them."""

import json
from contextlib import suppress

import pytest
from fastapi import FastAPI, HTTPException
from starlette.responses import Response
from support.policy_app import wrapped

from emosense.asgi.policy import RoutePolicy
from emosense.asgi.removable_file import RemovableFileResponse
from emosense.asgi.response_budget import ResponseBudget
from emosense.errors import ModelDamaged, NoRoom, WorkerError
from emosense.rest.errors import add_error_handlers, file_problem

SECRET = "/srv/models/cnn8/card.json"


@pytest.fixture
def app(tmp_path):
    app = FastAPI()
    add_error_handlers(app)

    @app.get("/api/large")
    def large():
        return Response(bytes(20 * 2**20))

    @app.get("/api/removed")
    def removed():
        (tmp_path / "a.mp4").write_bytes(b"x")
        file = (tmp_path / "a.mp4").stat()
        (tmp_path / "a.mp4").unlink()
        return RemovableFileResponse(tmp_path / "a.mp4", stat_result=file)

    @app.get("/api/{name}")
    def fail(name: str):
        raise {
            "damaged": ModelDamaged(f"{SECRET} cannot be read."),
            "fault": RuntimeError(SECRET),
            "full": NoRoom("There is no room."),
            "gone": HTTPException(404, "There is no such job."),
        }[name]

    app.state.routes = []
    return app


def asked(ask, app, path, **options):
    row = RoutePolicy(path="/api/", problem_json=True)
    answer = ask(wrapped(row, app=app, **options), f"/api{path}")
    assert answer.headers["content-type"] == "application/problem+json"
    return answer, json.loads(answer.body)


def test_an_answer_that_finds_no_room_is_refused_before_it_begins(ask, app, caplog):
    answer, problem = asked(ask, app, "/large", budget=ResponseBudget(100, 10 * 2**20))
    assert answer.status == problem["status"] == 503
    assert int(answer.headers["retry-after"]) >= 1
    assert not caplog.records


def test_a_file_that_is_removed_before_it_is_sent_is_gone(ask, app, caplog):
    answer, problem = asked(ask, app, "/removed")
    assert answer.status == problem["status"] == 404
    assert not caplog.records


@pytest.mark.parametrize(("path", "status"), [("/full", 429), ("/gone", 404)])
def test_what_is_wrong_is_told(ask, app, path, status):
    answer, problem = asked(ask, app, path)
    assert answer.status == problem["status"] == status
    assert problem["detail"].startswith("There is no ")
    assert ("retry-after" in answer.headers) == (status == 429)


def test_faults_of_the_server_are_logged_and_tell_nothing_of_its_inside(ask, app, caplog):
    answer, problem = asked(ask, app, "/damaged")
    assert answer.status == 500
    assert SECRET not in problem["detail"]
    assert SECRET in caplog.text
    assert SECRET not in file_problem(WorkerError(f"Unexpected fault: {SECRET}"))["detail"]


def test_an_unforeseen_fault_is_a_problem_too(ask, app, caplog):

    async def as_a_server(scope, receive, send):
        with suppress(RuntimeError):  # which it would log
            await app(scope, receive, send)

    answer, _ = asked(ask, as_a_server, "/fault")
    assert answer.status == 500
    assert SECRET not in answer.body.decode()
    assert SECRET in caplog.text
