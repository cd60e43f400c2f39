"""The policy table: what a request must fulfil, per route, before any code sees it.

One row per kind of route; a new route gets a row here and needs no checks of its own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

_MB: Final = 2**20


@dataclass(frozen=True, kw_only=True)
class RoutePolicy:
    """The policy of the requests to a path, or to all paths below it.

    Attributes:
        path: a path, e.g. "/healthz"; with a slash at its end it stands for all paths below it.
            Of several rows that match, the longest path counts.
        methods: allowed HTTP methods; others are answered with 405. WebSockets count as "GET". None
            leaves it to the route.
        any_host: whether every Host header is allowed, not only the server's own names.
        same_origin: whether only pages of the very host and port may call it, of those that the server
            else takes for its own.
        foreign_origin: whether pages of other origins may call it (Origin header, RFC 6454).
        login: whether a login is needed where the setting EMOSENSE_LOGIN asks for one.
        api_key: whether the header ``Authorization: Bearer KEY`` must hold a key of the REST API.
        problem_json: whether refusals are problem details (RFC 9457), as programs read them.
        closed: whether every request is answered with 404.
        max_body: maximum size of a request's body in bytes, counted while it is read.
        idle_seconds: maximum time between two parts of a body.
        min_bytes_per_second: least average speed of a body once :attr:`grace_seconds` are over, and
            of an answer.
        grace_seconds: time from the start of a body until its average speed counts.
        send_idle_seconds: how far the reader of an answer may be behind the least speed, in seconds.
        rate: maximum number of requests of one user, as ``limits`` writes it: "600/minute".
        max_connections: maximum number of open WebSockets of one user.
        always: whether it is answered however many other answers are on their way.
        compress: whether answers are stored and sent compressed (gzip).

    >>> RoutePolicy(path="/healthz").max_body
    65536
    """

    path: str
    methods: frozenset[str] | None = frozenset({"GET", "HEAD", "OPTIONS"})
    any_host: bool = False
    same_origin: bool = False
    foreign_origin: bool = False
    login: bool = False
    api_key: bool = False
    problem_json: bool = False
    closed: bool = False
    max_body: int = 2**16
    idle_seconds: float = 20.0
    min_bytes_per_second: float = 4096.0
    grace_seconds: float = 20.0
    send_idle_seconds: float = 60.0
    rate: str = "3000/minute"
    max_connections: int = 0
    always: bool = False
    compress: bool = False


UPLOADS: Final = "/_stcore/upload_file/"
"""The paths that Streamlit's upload widgets send files to."""

API: Final = "/api/v1/"
"""The paths of the REST API."""

STREAM: Final = "/_stcore/stream"
"""Path of Streamlit's WebSocket."""


def route_policies(
    *, max_upload_mb: int, max_connections: int, max_session_mb: int = 0, api: bool = False
) -> tuple[RoutePolicy, ...]:
    """Return the policy table.

    Args:
        max_upload_mb: size of the largest upload, in MB.
        max_connections: maximum number of open WebSockets of one user.
        max_session_mb: maximum sum of the uploads of one page or API key, in MB.
        api: whether there is a REST API.
    """
    return (
        *_api_policies(api, max_session_mb, max_upload_mb),
        # Pages: every path that no other row takes is answered with index.html.
        RoutePolicy(path="/", compress=True),
        # Whoever watches the server restarts it if these do not answer.
        RoutePolicy(path="/healthz", any_host=True, always=True),
        RoutePolicy(path="/_stcore/health", always=True),
        RoutePolicy(path="/static/", rate="12000/minute", compress=True),
        RoutePolicy(path="/_stcore/"),
        # Counts sessions and memory of the server, which is nobody's business.
        RoutePolicy(path="/_stcore/metrics", closed=True),
        RoutePolicy(path="/_stcore/agent/", closed=True),
        RoutePolicy(path=STREAM, rate="240/minute", max_connections=max_connections),
        RoutePolicy(
            path=UPLOADS,
            methods=frozenset({"PUT", "DELETE", "OPTIONS"}),
            login=True,
            max_body=(max_upload_mb + 1) * _MB,  # the file and the frame of its form
        ),
        # The player's scripts; clips and their results, by addresses that nobody can guess.
        RoutePolicy(
            path="/player/",
            methods=frozenset({"GET", "HEAD", "PUT", "OPTIONS"}),
            login=True,
            max_body=2**18,  # a project file
        ),
        RoutePolicy(path="/player/assets/", compress=True),
        # A live camera: its frames come over a WebSocket, at an address that nobody can guess.
        RoutePolicy(
            path="/camera/stream/", login=True, rate="60/minute", max_connections=max_connections
        ),
        RoutePolicy(path="/camera/assets/", compress=True),
        # Pictures and downloads of results.
        RoutePolicy(path="/media/", login=True),
        RoutePolicy(path="/auth/", rate="120/minute"),
        RoutePolicy(path="/oauth2callback", rate="120/minute"),
    )


def _api_policies(is_on: bool, max_session_mb: int, max_upload_mb: int) -> list[RoutePolicy]:
    def row(path: str, **options: Any) -> RoutePolicy:
        if not is_on:
            options["closed"] = True
        # Its routes know which methods each path has (RFC 9110, section 15.5.6).
        rate = "12000/minute"  # more than the processes answer
        options |= {"methods": None, "problem_json": True, "same_origin": True}
        return RoutePolicy(path=path, rate=rate, **options)

    return [
        row("/api/", closed=True),
        row(API, api_key=True),
        row(f"{API}photos", api_key=True, max_body=max_session_mb * _MB),
        row(f"{API}videos", api_key=True, max_body=min(max_upload_mb + 1, max_session_mb) * _MB),
        # What the API is, which is no secret where there is one; browsers send no key for it.
        row(f"{API}openapi.json", compress=True),
        row(f"{API}docs", compress=True),
        row(f"{API}docs/", compress=True),
    ]


class PolicyTable:
    """Finds the policy of a path.

    Args:
        rows: the policies; one of them has the path "/".
        base_path: path that all paths of the app begin with, e.g. "/emosense"; empty for none.

    >>> table = PolicyTable(route_policies(max_upload_mb=500, max_connections=50))
    >>> table.find("/_stcore/metrics").closed
    True
    >>> table.find("/models").path
    '/'
    """

    def __init__(self, rows: tuple[RoutePolicy, ...], base_path: str = "") -> None:
        self._rows = sorted(rows, key=lambda row: len(row.path), reverse=True)
        self._base_path = f"/{base_path.strip('/')}" if base_path.strip("/") else ""

    def find(self, path: str) -> RoutePolicy:
        """Return the row of a path."""
        relative = path.removeprefix(self._base_path)
        return next((row for row in self._rows if _matches(row, relative)), self._rows[-1])


def _matches(row: RoutePolicy, path: str) -> bool:
    return path.startswith(row.path) if row.path.endswith("/") else path == row.path
