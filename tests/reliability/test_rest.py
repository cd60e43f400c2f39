"""The REST API of a running server: the pages' answers for programs, and nothing for strangers."""

import contextlib
import csv
import io
import json
import os
import re
import shutil
import subprocess
import sys
import urllib.parse
from pathlib import Path

import av
import pytest
import requests
from PIL import Image
from support.app_server import ROOT, started_server
from support.streamlit_client import BrowserSession
from support.synthetic_video import wall, write_clip
from support.waiting import wait_until

from emosense import Analyzer, VideoOptions
from emosense.asgi.headers import SECURITY_HEADERS
from emosense.export.spreadsheet import csv_file
from emosense.export.video import to_csv, to_json
from emosense.export.webvtt import to_webvtt
from emosense.media.sample_clip import write_sample_clip
from emosense.networks.registry import find_model
from emosense.rest.schemas import Photos

KEY, OTHER_KEY = "0123456789-abcdef", "fedcba9876543210.~"
MINE, OTHERS = ({"Authorization": f"Bearer {key}"} for key in (KEY, OTHER_KEY))
README = (ROOT / "README.md").read_text("utf-8")


@pytest.fixture(scope="module")
def spool(tmp_path_factory):
    return tmp_path_factory.mktemp("spool")


@pytest.fixture(scope="module")
def server(spool):
    with started_server(
        TMPDIR=str(spool),
        EMOSENSE_API_KEY=f"{KEY}, {OTHER_KEY}",
        EMOSENSE_MAX_PHOTO_MB="2",
        EMOSENSE_MAX_SESSION_UPLOAD_MB="8",
        EMOSENSE_MAX_SESSION_RESULTS="2",
        STREAMLIT_SERVER_MAX_UPLOAD_SIZE="8",
    ) as server:
        yield server


@pytest.fixture(scope="module")
def api(server):
    return f"{server.url}/api/v1"


@pytest.fixture(scope="module")
def clip(tmp_path_factory):
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_sample_clip(path)
    return path


def post_photos(api, *files, headers=MINE, **options):
    parts = [("files", file) for file in files]
    return requests.post(f"{api}/photos", headers=headers, files=parts, data=options)


def post_video(api, clip, headers=MINE, **options):
    return requests.post(
        f"{api}/videos", headers=headers, files={"file": ("clip.mp4", clip)}, data=options
    )


def is_problem(answer, status):
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.json()["status"] == status
    assert answer.json()["detail"]
    return answer.json()


def ended(api, id):
    def job():
        return requests.get(f"{api}/jobs/{id}", headers=MINE).json()

    wait_until(lambda: job()["state"] in ("done", "failed"), lambda: f"the job is {job()}", 200)
    return job()


@pytest.fixture
def job(api, clip):
    """A finished job of the whole clip."""
    id = post_video(api, clip.read_bytes(), per_second=0).json()["id"]
    yield ended(api, id)
    requests.delete(f"{api}/jobs/{id}", headers=MINE)


def test_photos_have_the_numbers_of_the_page_and_of_python(server, api, astronaut_png):
    described = post_photos(api, ("a.png", astronaut_png))
    Photos.model_validate_json(described.content)  # neither more nor less than the description
    (answer,) = described.json()["photos"]
    by_python = Analyzer().photo(io.BytesIO(astronaut_png)).as_dict()
    assert answer == json.loads(json.dumps({**by_python, "source": "a.png"}))
    with BrowserSession(server.url) as session:
        session.upload(("a.png", astronaut_png, "image/png"))
        (by_page,) = json.loads(session.download("All faces as JSON"))
    assert answer == by_page
    card = find_model(answer["model"]).card
    versions = answer["model_version"], answer["calibration_version"]
    assert versions == (card.version, card.calibration.version)
    (face,) = answer["faces"]
    assert face["verdict"] == "happy"
    assert sum(face["probabilities"].values()) == pytest.approx(1)


def test_each_photo_has_its_result_or_error_in_order(api, astronaut_png):
    big = astronaut_png + bytes(2 * 2**20)
    answer = post_photos(
        api,
        ("text.jpg", b"rubbish"),
        ("a.png", astronaut_png),
        ("empty.png", b""),
        ("big.png", big),
        ("cut.png", astronaut_png[:1000]),
        ("ä/../b.png", astronaut_png),
        model="cnn8",
    )
    photos = answer.json()["photos"]
    assert [photo["source"] for photo in photos][:5] == [
        *("text.jpg", "a.png", "empty.png", "big.png", "cut.png")
    ]
    assert [photo.get("error", {}).get("status") for photo in photos] == [
        *(415, None, 422, 413, 422, None)
    ]
    assert {photo["model"] for photo in photos if "model" in photo} == {"cnn8"}
    assert all("errors" not in photo["error"] for photo in photos if "error" in photo)


def test_no_face_is_an_empty_list(api):
    png = io.BytesIO()
    Image.fromarray(wall()).save(png, "PNG")
    (photo,) = post_photos(api, ("wall.png", png.getvalue())).json()["photos"]
    assert photo["faces"] == []
    assert (photo["width"], photo["height"]) == wall().shape[1::-1]


def test_options_reach_the_detector(api, astronaut_png):
    for options in ({"threshold": "0.99"}, {"min_face": "400"}):
        (photo,) = post_photos(api, ("a.png", astronaut_png), **options).json()["photos"]
        assert photo["faces"] == []
    upside_down = io.BytesIO()
    Image.open(io.BytesIO(astronaut_png)).rotate(180).save(upside_down, "PNG")
    for turned in ("true", True, "1"):
        files = ("a.png", upside_down.getvalue())
        (photo,) = post_photos(api, files, turned=turned).json()["photos"]
        assert len(photo["faces"]) == 1


@pytest.mark.parametrize(
    ("options", "field"),
    [
        ({"threshold": "nan"}, "threshold"),
        ({"threshold": "0"}, "threshold"),
        ({"min_face": "1.5"}, "min_face"),
        ({"long_side": "5000"}, "long_side"),
        ({"turned": "maybe"}, "turned"),
        ({"model": "nothing"}, "model"),
        ({"model": "../cnn8"}, "model"),
        ({"url": "https://example.org/a.jpg"}, "url"),
        ({"files": "/etc/passwd"}, "files"),
    ],
)
def test_wrong_fields_are_named(api, astronaut_png, options, field):
    problem = is_problem(post_photos(api, ("a.png", astronaut_png), **options), 422)
    assert problem["detail"].startswith(field)
    assert str(ROOT) not in problem["detail"]


@pytest.mark.parametrize(
    "value", ["https://example.org/a.jpg", "file:///etc/passwd", "/etc/passwd"]
)
def test_urls_and_paths_are_no_files(api, value):
    fields = {"files": (None, value)}
    problem = is_problem(requests.post(f"{api}/photos", headers=MINE, files=fields), 422)
    assert problem["detail"].startswith("files")
    fields = {"file": (None, value)}
    is_problem(requests.post(f"{api}/videos", headers=MINE, files=fields), 422)


@pytest.mark.parametrize("kind", ["application/json", "application/x-www-form-urlencoded", ""])
@pytest.mark.parametrize("path", ["photos", "videos"])
def test_other_content_types_are_refused(api, path, kind):
    headers = {**MINE, "Content-Type": kind}
    is_problem(requests.post(f"{api}/{path}", headers=headers, data=b"{}"), 415)


@pytest.mark.parametrize("body", [b"", b"--x", b"--x\r\n\r\n", bytes(1000)])
def test_malformed_bodies_are_no_fault_of_the_server(api, body):
    headers = {**MINE, "Content-Type": "multipart/form-data; boundary=x"}
    answer = requests.post(f"{api}/photos", headers=headers, data=body)
    is_problem(answer, answer.status_code)
    assert answer.status_code in (400, 422)
    headers["Content-Type"] = "multipart/form-data"
    is_problem(requests.post(f"{api}/photos", headers=headers, data=body), 400)


@pytest.mark.parametrize("charset", ["punycode", "unicode_escape", "utf-7", "nonsense"])
def test_forms_in_other_encodings_are_refused(api, charset, astronaut_png):
    headers = {**MINE, "Content-Type": f"multipart/form-data; charset={charset}; boundary=x"}
    head = b'--x\r\nContent-Disposition: form-data; name="files"; filename="\\ud800.png"\r\n\r\n'
    body = head + astronaut_png + b"\r\n--x--\r\n"
    is_problem(requests.post(f"{api}/photos", headers=headers, data=body), 415)
    headers["Content-Type"] = "multipart/form-data; boundary=x"
    assert requests.post(f"{api}/photos", headers=headers, data=body).status_code == 200


def test_a_form_that_is_cut_off_loses_nothing_in_silence(api, astronaut_png):
    def part(name, content, file=""):
        head = f'--x\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'
        return head.encode() + content + b"\r\n"

    photo = part("files", astronaut_png, '; filename="a.png"')
    whole = photo + photo + part("min_face", b"400") + b"--x--"
    headers = {**MINE, "Content-Type": "multipart/form-data; boundary=x"}
    for end in (b"", b"\r\n", b"\r\nan epilogue"):
        answer = requests.post(f"{api}/photos", headers=headers, data=whole + end)
        assert [len(photo["faces"]) for photo in answer.json()["photos"]] == [0, 0]
    for length in (len(whole) - 1, len(whole) - 5, len(whole) - 20, len(photo) + 3000, len(photo)):
        is_problem(requests.post(f"{api}/photos", headers=headers, data=whole[:length]), 400)


def test_fields_that_stand_twice_are_named(api, astronaut_png, clip):
    parts = [("files", ("a.png", astronaut_png)), *(2 * [("model", (None, "cnn8"))])]
    problem = is_problem(requests.post(f"{api}/photos", headers=MINE, files=parts), 422)
    assert problem["detail"] == "model: expected one. Received: 2"
    parts = 2 * [("file", ("a.mp4", clip.read_bytes()))]
    problem = is_problem(requests.post(f"{api}/videos", headers=MINE, files=parts), 422)
    assert problem["detail"] == "file: expected one. Received: 2"


def test_forms_of_many_or_long_fields_are_refused(api, astronaut_png):
    for options in (
        {str(number): "x" for number in range(100)},
        {"model": 2000 * "x"},
    ):
        is_problem(post_photos(api, ("a.png", astronaut_png), **options), 400)
    unknown = {f"{number}{4000 * 'x'}": "x" for number in range(20)}
    answer = post_photos(api, ("a.png", astronaut_png), **unknown)
    assert len(is_problem(answer, 422)["errors"]) == 10
    assert len(answer.text) < 5000


def test_bodies_are_bounded_also_without_a_length(api, astronaut_png):
    is_problem(post_photos(api, ("a.png", bytes(10 * 2**20))), 413)

    def parts():
        yield b'--x\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
        for _ in range(160):
            yield bytes(2**16)

    headers = {**MINE, "Content-Type": "multipart/form-data; boundary=x"}
    for path in ("photos", "videos"):
        # It answers in the middle of the body and closes the connection, which may hide the answer.
        with contextlib.suppress(requests.ConnectionError):
            is_problem(requests.post(f"{api}/{path}", headers=headers, data=parts()), 413)
    # What was counted is free again.
    assert post_photos(api, ("a.png", astronaut_png)).status_code == 200


@pytest.mark.parametrize(
    "header",
    [
        *(
            None,
            "",
            "Bearer",
            "Bearer ",
            f"Basic {KEY}",
            KEY,
            f"Bearer {KEY}x",
            f"Bearer {KEY[:-1]}",
        ),
        *(f"Bearer {KEY.upper()}", f"Bearer {KEY}, {OTHER_KEY}", "Bearer None", f"Token {KEY}"),
    ],
)
def test_nobody_gets_in_without_a_key(api, header, astronaut_png):
    headers = {} if header is None else {"Authorization": header}
    for method, path in (
        *(("POST", "photos"), ("POST", "videos"), ("GET", "models"), ("GET", "jobs")),
        *(("GET", "jobs/a"), ("DELETE", "jobs/a"), ("GET", "nothing"), ("PUT", "photos")),
    ):
        answer = requests.request(method, f"{api}/{path}", headers=headers)
        is_problem(answer, 401)
        assert answer.headers["www-authenticate"] == "Bearer"
    with_query = requests.get(f"{api}/models", params={"key": KEY, "api_key": KEY}, headers=headers)
    is_problem(with_query, 401)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_scheme_has_any_case(api, scheme):
    headers = {"Authorization": f"{scheme} {KEY}"}
    assert requests.get(f"{api}/models", headers=headers).status_code == 200


def test_foreign_hosts_and_origins_are_refused_with_a_key_too(api):
    origins = (
        "https://evil.example",
        "http://localhost:1",
        "http://[",
        "http://localhost:x",
        "null",
    )
    for header in ({"Host": "evil.example"}, *({"Origin": origin} for origin in origins)):
        is_problem(requests.get(f"{api}/models", headers={**MINE, **header}), 403)


@pytest.mark.parametrize(
    "path",
    [
        *("/api", "/api/", "/api/v1", "/api/v2/models", "/api/v1/", "/api/v1//models"),
        *("/api/v1/models/", "/api/v1/../v1/models", "/api/v1/%2e%2e/models", "/api/v1/models%2f"),
        *("/api/v1/jobs/..%2f..%2fetc%2fpasswd", "/api/v1/jobs/a%0ab", "/api/v1/jobs/%00"),
        *("/api/v1/docs/assets/../../../../etc/passwd", "/api/v1/docs/assets/%2e%2e%2fcore.py"),
        *("/api/v1/jobs/a/results/..%2f..%2f", "/api/v1/models;a=b", "/api/v1/MODELS"),
    ],
)
def test_tricks_with_paths_lead_nowhere(server, path):
    request = requests.Request("GET", server.url, headers=MINE).prepare()
    request.url = server.url + path  # as it is
    with requests.Session() as session:
        answer = session.send(request, allow_redirects=False)
    if path == "/api":  # a page that does not exist, which the app itself says
        assert "root:" not in answer.text
        assert "<html" in answer.text
        return
    if ".." in urllib.parse.unquote(path):
        assert (answer.status_code, answer.text) == (400, "Bad Request")  # of the web framework
    else:
        is_problem(answer, 404)


def test_each_path_tells_its_methods(api):
    for path, methods in (
        *(("photos", "POST"), ("videos", "POST"), ("models", "GET, HEAD"), ("jobs", "GET, HEAD")),
        ("jobs/a", "DELETE, GET, HEAD"),
        *((f"jobs/a/results/{name}", "GET, HEAD") for name in ("csv", "mp4")),
    ):
        for method in ("PUT", "OPTIONS", "PATCH"):
            answer = requests.request(method, f"{api}/{path}", headers=MINE)
            is_problem(answer, 405)
            assert answer.headers["allow"] == methods


def test_head_is_answered_as_get_without_content(api, job):
    as_is = {**MINE, "Accept-Encoding": "identity"}
    mp4 = f"{api}/jobs/{job['id']}/results/mp4"
    wait_until(lambda: requests.get(mp4, headers=MINE).status_code == 200, "no MP4", 200)
    paths = ("models", "jobs", "jobs/a", "nothing", f"jobs/{job['id']}")
    results = (f"jobs/{job['id']}/results/{name}" for name in ("json", "csv", "mp4"))
    for path in (*paths, *results):
        answers = [
            requests.request(method, f"{api}/{path}", headers=as_is, stream=True)
            for method in ("HEAD", "GET")
        ]
        # What compression depends on is told only where there is enough to compress.
        head, get = (
            {**answer.headers, "date": "", "vary": "", "status": answer.status_code}
            for answer in answers
        )
        assert head == get
        assert answers[0].raw.read() == b""
    is_problem(requests.get(f"{api}/photos", headers=MINE), 405)
    assert requests.head(f"{api}/photos", headers=MINE).status_code == 405


def test_every_answer_has_the_security_headers(api):
    for path in ("models", "docs", "openapi.json", "jobs/a", "nothing"):
        headers = requests.get(f"{api}/{path}", headers=MINE).headers
        assert {name: headers[name] for name in SECURITY_HEADERS} == SECURITY_HEADERS


def test_no_cache_keeps_answers(api, job):
    for path in ("models", "jobs", f"jobs/{job['id']}", f"jobs/{job['id']}/results/json"):
        answer = requests.get(f"{api}/{path}", headers=MINE)
        assert answer.headers["cache-control"] == "private, no-store"


def test_networks_are_listed_with_their_cards(api):
    answer = requests.get(f"{api}/models", headers=MINE).json()
    assert answer["damaged"] == []
    assert [model["name"] for model in answer["models"] if model["is_default"]] == ["cnn8-tuned"]
    for model in answer["models"]:
        card = find_model(model["name"]).card
        assert model["metrics"]["PrivateTest"]["accuracy"] == card.metrics["PrivateTest"].accuracy
        assert model["calibration"]["version"] == card.calibration.version


def test_a_video_becomes_a_job_with_the_results_of_python(api, clip, tmp_path):
    answer = post_video(api, clip.read_bytes(), per_second=5, start=1, end=4)
    assert answer.status_code == 202
    id = answer.json()["id"]
    assert answer.headers["location"] == f"{urllib.parse.urlsplit(api).path}/jobs/{id}"
    job = ended(api, id)
    assert (job["state"], job["progress"], job["problem"]) == ("done", 1, None)
    assert job["expires"] > job["created"]
    with Analyzer().video(clip, VideoOptions(per_second=5, start=1, end=4)) as analysis:
        result = analysis.finish()
    assert job["frames_analysed"] == len(result.frames) > 10
    expected = {"json": to_json(result), "csv": csv_file(to_csv(result)).decode("utf-8")}
    expected["vtt"] = to_webvtt(result)
    card = find_model("cnn8-tuned").card
    for format, text in expected.items():
        path = job["results"][format]
        file = requests.get(api.replace("/api/v1", path), headers=MINE)
        file.encoding = "utf-8"
        if format == "json":
            assert file.json() == json.loads(text)
        else:
            assert file.text == text
        assert file.headers["emosense-model"] == "cnn8-tuned"
        assert file.headers["emosense-model-version"] == card.version
        assert file.headers["emosense-calibration-version"] == card.calibration.version
        assert "clip-emosense." in file.headers["content-disposition"]
    assert requests.delete(f"{api}/jobs/{id}", headers=MINE).status_code == 204
    is_problem(requests.get(f"{api}/jobs/{id}", headers=MINE), 404)


def test_the_video_with_boxes_is_made_when_it_is_asked_for(api, job, tmp_path):
    url = f"{api}/jobs/{job['id']}/results/mp4"
    assert job["encoding"] is None
    first = requests.get(url, headers=MINE)
    assert first.status_code == 202
    assert int(first.headers["retry-after"]) >= 1
    wait_until(lambda: requests.get(url, headers=MINE).status_code == 200, "no video", 200)
    file = requests.get(url, headers=MINE)
    part = requests.get(url, headers={**MINE, "Range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, b"ftyp")
    for range_, status in (
        *(("bytes=0-", 206), ("bytes=0-9999999999", 206), ("bytes=99999999-", 416)),
        *(("bytes=" + 99 * "9" + "-", 200), ("bytes=-5", 200), ("x", 200), ("bytes=0-1,5-6", 200)),
        *(("bytes=5-2", 200), ("bytes=0-" + 5000 * "9", 200)),
    ):
        answer = requests.get(url, headers={**MINE, "Range": range_})
        assert answer.status_code == status, range_
        if status == 416:
            assert is_problem(answer, 416)
            assert answer.headers["content-range"] == f"bytes */{len(file.content)}"
        else:
            assert answer.content == file.content
    (tmp_path / "a.mp4").write_bytes(file.content)
    with av.open(tmp_path / "a.mp4") as video:
        assert sum(1 for _ in video.decode(video=0)) == job["frames_analysed"] == 150
    assert requests.get(f"{api}/jobs/{job['id']}", headers=MINE).json()["encoding"] == {
        **{"state": "done", "progress": 1, "error": None}
    }


def test_jobs_of_others_do_not_exist(api, job):
    for path in ("", "/results/json", "/results/csv", "/results/vtt", "/results/mp4"):
        is_problem(requests.get(f"{api}/jobs/{job['id']}{path}", headers=OTHERS), 404)
    is_problem(requests.delete(f"{api}/jobs/{job['id']}", headers=OTHERS), 404)
    assert requests.get(f"{api}/jobs", headers=OTHERS).json() == {"jobs": []}
    assert [each["id"] for each in requests.get(f"{api}/jobs", headers=MINE).json()["jobs"]] == [
        job["id"]
    ]


def test_a_job_goes_with_its_files_whenever_it_is_deleted(api, spool, tmp_path):
    def files():
        return [path for path in spool.rglob("*") if path.name == "video"]

    assert files() == []
    clip = write_clip(tmp_path / "a.mp4", [wall()] * 400)
    running = post_video(api, clip.read_bytes(), per_second=0).json()
    assert len(files()) == 1
    is_problem(requests.get(f"{api}/jobs/{running['id']}/results/xyz", headers=MINE), 422)
    assert requests.delete(f"{api}/jobs/{running['id']}", headers=MINE).status_code == 204
    is_problem(requests.delete(f"{api}/jobs/{running['id']}", headers=MINE), 404)
    assert files() == []


@pytest.mark.parametrize(
    ("content", "status"), [(b"", 422), (b"rubbish", 415), (bytes(10_000), 415)]
)
def test_what_is_no_video_leaves_nothing(api, spool, content, status):
    is_problem(post_video(api, content), status)
    assert not [path for path in spool.rglob("*") if path.name == "video"]
    assert requests.get(f"{api}/jobs", headers=MINE).json() == {"jobs": []}


def test_a_stretch_must_begin_before_it_ends(api, clip):
    problem = is_problem(post_video(api, clip.read_bytes(), start=3, end=2), 422)
    assert problem["detail"].startswith("end: expected more than the start")


def test_more_videos_than_one_key_may_keep_are_refused(api, clip):
    ids = [post_video(api, clip.read_bytes()).json()["id"] for _ in range(2)]
    answer = post_video(api, clip.read_bytes())
    assert (
        "Expected at most 2 videos that are kept for one API key"
        in is_problem(answer, 429)["detail"]
    )
    assert int(answer.headers["retry-after"]) >= 1
    other = post_video(api, clip.read_bytes(), headers=OTHERS)
    assert other.status_code == 202
    requests.delete(f"{api}/jobs/{other.json()['id']}", headers=OTHERS)
    for id in ids:
        assert requests.delete(f"{api}/jobs/{id}", headers=MINE).status_code == 204


def test_many_photos_at_once_are_all_answered_or_told_to_come_again(api, astronaut_png):
    """Never a fault, and never the answer of another photo."""
    from concurrent.futures import ThreadPoolExecutor

    def ask(number):
        return post_photos(api, (f"{number}.png", astronaut_png))

    with ThreadPoolExecutor(32) as clients:
        answers = list(clients.map(ask, range(64)))
    assert {answer.status_code for answer in answers} <= {200, 429}
    right = [i for i, answer in enumerate(answers) if answer.status_code == 200]
    assert right
    for number in right:
        (photo,) = answers[number].json()["photos"]
        assert photo["source"] == f"{number}.png"
        assert photo["faces"][0]["verdict"] == "happy"
    assert all("retry-after" in answer.headers for answer in answers if answer.status_code == 429)


def test_the_description_needs_no_other_host(api):
    page = requests.get(f"{api}/docs").text
    for address in re.findall(r'(?:src|href)="([^"]+)"', page):
        assert address.startswith("/api/v1/docs/assets/")
        assert requests.get(api.replace("/api/v1", address)).status_code == 200
    described = requests.get(f"{api}/openapi.json").json()
    assert described["openapi"].startswith("3.1")
    assert described["servers"] == [{"url": "/api/v1"}]
    assert ">>>" not in json.dumps(described)


def test_the_server_does_what_its_description_says(api, job, tmp_path):
    """All checks of schemathesis, with a job that exists for those paths that ask about one."""
    config = tmp_path / "schemathesis.toml"
    config.write_text(
        '[[operations]]\ninclude-method = "GET"\n'
        f'parameters = {{ "path.job_id" = "{job["id"]}" }}\n'
    )
    command = [Path(sys.executable).with_name("schemathesis"), "--config-file", config, "run"]
    command += [f"{api}/openapi.json", "--header", f"Authorization: Bearer {KEY}"]
    command += ["--max-examples", "10", "--seed", "1", "--phases", "coverage,fuzzing"]
    # What makes bytes a photo or a video is more than a description can say.
    command += ["--exclude-checks", "positive_data_acceptance", "--no-color"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stdout
    assert "8 selected / 8 total" in done.stdout


def through(server):
    """The host and port of a server."""
    return server.url.removeprefix("http://").split(":")


@pytest.fixture
def files(tmp_path, monkeypatch, astronaut_png, clip):
    """A folder with the files that the README's examples name."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EMOSENSE_API_KEY", KEY)
    for name in ("a.jpg", "b.jpg", "portrait.jpg"):
        Path(name).write_bytes(astronaut_png)
    shutil.copy(clip, "clip.mp4")
    return tmp_path


@pytest.mark.skipif(shutil.which("curl") is None, reason="needs curl")
def test_the_readmes_curl_runs(server, api, files):
    (block,) = [b for b in re.findall(r"```sh\n(.*?)```", README, re.S) if "curl" in b]
    # The README's port leads to this server's.
    (files / ".curlrc").write_text(f'connect-to = "localhost:8501:{":".join(through(server))}"\n')
    environment = {**os.environ, "HOME": str(files)}
    done = subprocess.run(
        ["sh", "-e", "-c", block], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    decoder = json.JSONDecoder()
    photos, end = decoder.raw_decode(done.stdout)
    job, _ = decoder.raw_decode(done.stdout[end:].lstrip())
    assert [photo["source"] for photo in photos["photos"]] == ["a.jpg", "b.jpg"]
    assert [photo["faces"][0]["verdict"] for photo in photos["photos"]] == ["happy", "happy"]
    assert requests.delete(f"{api}/jobs/{job['id']}", headers=MINE).status_code == 204


def test_the_readmes_python_runs(server, api, files, monkeypatch, capsys):
    (block,) = [b for b in re.findall(r"```python\n(.*?)```", README, re.S) if "requests" in b]
    send = requests.adapters.HTTPAdapter.send

    def to_this_server(adapter, request, **options):
        request.url = request.url.replace("http://localhost:8501", server.url)
        return send(adapter, request, **options)

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", to_this_server)
    names = {}
    exec(compile(block, "README.md", "exec"), names)
    assert capsys.readouterr().out.startswith("happy 0.98")
    rows = list(csv.DictReader(io.StringIO(names["rows"].removeprefix("\ufeff"))))
    assert {row["emotion"] for row in rows} == {"happy"}
    assert requests.get(f"{api}/jobs", headers=MINE).json() == {"jobs": []}


def test_every_route_is_below_the_path_that_the_app_has(clip, astronaut_png):
    environment = {"STREAMLIT_SERVER_BASE_URL_PATH": "tools/faces", "EMOSENSE_API_KEY": KEY}
    with started_server(**environment) as server:
        root = f"{server.url}/tools/faces"
        for path, kind in (
            *(("healthz", "application/json"), ("api/v1/openapi.json", "application/json")),
            *(("player/assets/player.js", "text/javascript"), ("", "text/html")),
            *(("camera/assets/camera.js", "text/javascript"), ("api/v1/docs", "text/html")),
            ("api/v1/docs/assets/swagger-ui.css", "text/css"),
        ):
            answer = requests.get(f"{root}/{path}")
            assert (answer.status_code, answer.headers["content-type"].split(";")[0]) == (200, kind)
        assert "/tools/faces/api/v1/openapi.json" in requests.get(f"{root}/api/v1/docs").text
        is_problem(requests.get(f"{root}/api/v1/models"), 401)
        (photo,) = post_photos(f"{root}/api/v1", ("a.png", astronaut_png)).json()["photos"]
        assert photo["faces"][0]["verdict"] == "happy"
        location = post_video(f"{root}/api/v1", clip.read_bytes()).headers["location"]
        assert location.startswith("/tools/faces/api/v1/jobs/")
        assert requests.delete(server.url + location, headers=MINE).status_code == 204


def test_no_log_tells_a_key(tmp_path):
    log = tmp_path / "log"
    with started_server(output=log, EMOSENSE_API_KEY=KEY) as server:
        for header in (MINE, OTHERS, {"Authorization": f"Bearer {KEY}x"}):
            requests.get(f"{server.url}/api/v1/models", headers=header)
    assert KEY not in log.read_text()
