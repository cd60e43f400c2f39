"""Nothing is reported to anybody, and every sentence about privacy has a test."""

import ast
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
import streamlit as st

from emosense.settings import bundled_models_dir
from emosense.ui.session import cleanup

ROOT = bundled_models_dir().parent

ANALYSE = """
import os, sys

asked = []
sys.addaudithook(
    lambda event, what: asked.append((event, str(what)))
    if event in ("socket.connect", "socket.getaddrinfo", "socket.sendto") else None
)
from emosense import Analyzer
from emosense.samples import sample_photo

assert Analyzer().photo(sample_photo()).faces[0].emotion == "happy"
open_files = [os.path.join("/proc/self/fd", number) for number in os.listdir("/proc/self/fd")]
# Of Python's sockets all that was asked for, of native libraries' what is still open.
print(asked + [target for path in open_files if (target := os.path.realpath(path)).count("socket:")])
"""


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="needs Linux's /proc")
def test_an_analysis_opens_no_connection_and_leaves_no_file(tmp_path):
    home = tmp_path / "home"
    home.mkdir()
    # Libraries that report on their use keep still where they see a build server.
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment |= {"HOME": str(home), "XDG_CACHE_HOME": str(home / "cache")}
    environment |= {"TMPDIR": str(home)}
    done = subprocess.run(
        [sys.executable, "-c", ANALYSE], env=environment, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
    assert list(home.rglob("*")) == []


def test_libraries_are_told_to_report_nothing():
    """Those that would: Streamlit, ONNX Runtime, Ray. Streamlit reads its file in the app's folder."""
    config = (ROOT / ".streamlit" / "config.toml").read_text("utf-8")
    assert re.search(r"^\[browser\]\ngatherUsageStats = false$", config, re.M)
    source = (ROOT / "emosense" / "runtime" / "onnx_session.py").read_text("utf-8")
    assert "disable_telemetry_events()" in source
    ray = (ROOT / "emosense" / "batch" / "pools" / "ray.py").read_text("utf-8")
    assert 'os.environ["RAY_USAGE_STATS_ENABLED"] = "0"' in ray


def test_a_session_ends_within_two_minutes_after_its_page_was_closed():
    config = (ROOT / ".streamlit" / "config.toml").read_text("utf-8")
    assert "disconnectedSessionTTL" not in config
    assert 60 < cleanup._TTL_FRACTION * st.get_option("server.disconnectedSessionTTL") <= 120


def test_the_container_keeps_nothing_outside():
    """No volume; an unprivileged user; temporary files where the container has them."""
    text = (ROOT / "Containerfile").read_text("utf-8")
    assert "VOLUME" not in text
    assert "TMPDIR" not in text
    assert re.search(r"^USER emosense$", text, re.M)


class Promise(NamedTuple):
    """A sentence about privacy, the file where it stands, and the tests that hold it."""

    file: str
    sentence: str
    tests: tuple[str, ...]


BROWSER = "tests/browser/conftest.py::page"
"""The fixture of all browser tests: it lets no page ask another host."""
NO_CONNECTION = (
    "tests/unit/test_privacy.py::test_an_analysis_opens_no_connection_and_leaves_no_file"
)
NO_REPORTS = "tests/unit/test_privacy.py::test_libraries_are_told_to_report_nothing"
NOT_ON_DISK = "tests/reliability/test_uploads.py::test_a_photo_is_never_written_to_disk"
NO_FILE = (
    "tests/reliability/test_uploads.py::test_photos_and_archives_open_no_file_and_no_connection"
)
VIDEO_GOES = "tests/browser/test_video.py::test_nothing_stays_on_disk_when_the_browser_leaves"
FORGOTTEN = (
    "tests/reliability/test_soak.py::test_uploads_are_forgotten_soon_after_the_page_is_closed"
)
TWO_MINUTES = (
    "tests/unit/test_privacy.py::test_a_session_ends_within_two_minutes_after_its_page_was_closed"
)
TAKEN_BACK = "tests/reliability/test_soak.py::test_a_video_that_was_taken_back_leaves_the_disk"
CRASH = "tests/reliability/test_faults.py::test_a_killed_server_leaves_nothing_behind"
OWNERS = (
    "tests/unit/filesystem/test_temporary_folder.py"
    "::test_a_living_owner_keeps_its_folder_and_a_killed_one_does_not"
)
OWN_FILES = "tests/unit/filesystem/test_temporary_folder.py::test_files_are_for_this_user_only"
LOGS = "tests/reliability/test_uploads.py::test_logs_hold_no_names_of_files"
HOSTS = "tests/reliability/test_hostile_requests.py::test_foreign_hosts_and_origins_are_refused_everywhere"
LOGIN = "tests/browser/test_login.py"
TEXTS = "tests/browser/test_foreign_text.py"
OWNER = "tests/unit/asgi/test_owner.py"
RELOAD = "tests/browser/test_owner.py::test_an_analysis_outlives_reloads_and_is_seen_in_all_tabs"
LAST_PAGE = "tests/browser/test_owner.py::test_the_last_page_of_a_browser_takes_its_videos_with_it"
CAMERA = "tests/browser/test_camera.py::test_pictures_open_no_file_and_no_connection"
DESCRIPTION = "tests/reliability/test_rest.py::test_the_description_needs_no_other_host"
JOB_GOES = (
    "tests/reliability/test_rest.py::test_a_job_goes_with_its_files_whenever_it_is_deleted",
    "tests/unit/rest/test_video_store.py::test_a_video_expires_some_time_after_its_end",
)
GONE = (VIDEO_GOES, FORGOTTEN, TWO_MINUTES)

PROMISES = (
    Promise(
        "docs/camera.md",
        "Pictures of the camera are analysed in the memory of the machine that runs the app and never "
        "written to disk.",
        (CAMERA,),
    ),
    Promise(
        "emosense/ui/camera/view.py",
        "Pictures of the camera are analysed in the memory of the machine that runs this app and never "
        "written to disk; a recording keeps numbers.",
        (CAMERA,),
    ),
    Promise("README.md", "Nothing leaves the machine.", (NO_CONNECTION, NO_FILE, BROWSER)),
    Promise(
        "README.md",
        "Uploaded photos are never written to disk; uploaded videos are, for as long as their page "
        "is open, or their job kept by REST.",
        (NOT_ON_DISK, NO_FILE, VIDEO_GOES, TAKEN_BACK, *JOB_GOES),
    ),
    Promise(
        "README.md",
        "What was uploaded on a page is gone two minutes after it was closed.",
        GONE,
    ),
    Promise("README.md", "(with a page to try it, that needs no other host)", (DESCRIPTION,)),
    Promise("docs/rest.md", "Both need no other host.", (DESCRIPTION,)),
    Promise(
        "docs/rest.md",
        "Keys are compared in constant time, and no log, page or message tells one.",
        (
            "tests/unit/asgi/test_api_keys.py::test_every_key_is_compared_in_constant_time",
            "tests/unit/asgi/test_api_keys.py::test_weak_and_malformed_keys_end_the_start_without_being_told",
            "tests/reliability/test_rest.py::test_no_log_tells_a_key",
        ),
    ),
    Promise(
        "docs/rest.md",
        "Photos are held in memory until their answer is sent and never written to disk.",
        (NOT_ON_DISK,),
    ),
    Promise(
        "docs/rest.md",
        "Videos lie on the server's disk until their job is deleted, or until "
        "`EMOSENSE_MAX_API_RESULT_MINUTES` after its end; `expires` tells when.",
        JOB_GOES,
    ),
    Promise("docs/rest.md", "With the server's end all of it goes.", (CRASH,)),
    Promise(
        "README.md",
        "No library reports on you: their usage statistics are switched off.",
        (NO_REPORTS, NO_CONNECTION),
    ),
    Promise(
        "SECURITY.md",
        "The server listens on localhost, answers to local names only (against DNS rebinding), "
        "checks XSRF tokens and allows no other origins.",
        (HOSTS, "tests/contract/test_streamlit_internals.py::test_origins"),
    ),
    Promise(
        "SECURITY.md",
        "Zip archives are never unpacked to disk, names in them lead nowhere, entries are unpacked "
        "one at a time up to a limit.",
        (NO_FILE, "tests/unit/media/test_archive.py::test_names_cannot_traverse_paths"),
    ),
    Promise(
        "SECURITY.md",
        "FFmpeg may open the uploaded file and nothing else: no playlists, no network.",
        ("tests/unit/media/test_video_reader.py::test_what_is_no_video_is_refused",),
    ),
    Promise(
        "SECURITY.md",
        "Names of files, texts of models and values of addresses are shown as plain text, never as "
        "HTML, Markdown, links, emoji or icons, and cannot become formulas in a CSV, also not in one "
        "that a table's own button makes.",
        (
            f"{TEXTS}::test_names_of_photos_in_messages",
            f"{TEXTS}::test_texts_of_models",
            f"{TEXTS}::test_values_in_addresses",
            f"{TEXTS}::test_a_tables_own_csv_and_clipboard_hold_no_formula",
        ),
    ),
    Promise(
        "SECURITY.md",
        "They lie in a folder that only its user can read and whose lock the process holds; the next "
        "process removes those of ended ones, and never a living one's.",
        (OWN_FILES, OWNERS, CRASH),
    ),
    Promise("SECURITY.md", "No telemetry.", (NO_REPORTS, NO_CONNECTION)),
    Promise(
        "SECURITY.md",
        "No usage statistics of Streamlit, ONNX Runtime or Ray; no request to any other host (a "
        "browser test and a unit test watch), save the identity provider's where a login is set up.",
        (NO_REPORTS, NO_CONNECTION, NO_FILE, BROWSER),
    ),
    Promise(
        "SECURITY.md",
        "Logs hold no names of files and nothing of what is in them; a traceback of an unforeseen "
        "fault may.",
        (LOGS,),
    ),
    Promise(
        "docs/deployment.md",
        "The image runs as an unprivileged user, keeps uploads in a folder that is gone with the "
        "container, and has a health check.",
        ("tests/unit/test_privacy.py::test_the_container_keeps_nothing_outside",),
    ),
    Promise(
        "docs/deployment.md",
        "Every answer has a Content Security Policy that lets pages load nothing from other hosts, "
        "and the headers that keep other sites from framing the app.",
        ("tests/unit/asgi/test_middleware.py::test_nothing_is_loaded_from_other_hosts", BROWSER),
    ),
    Promise(
        "docs/deployment.md",
        "Without the section in the secrets nobody gets in.",
        (
            "tests/pages/test_pages.py"
            "::test_every_page_links_to_responsible_use_and_asks_for_a_login_if_required",
            f"{LOGIN}::test_without_a_provider_nobody_gets_in",
        ),
    ),
    Promise(
        "docs/deployment.md",
        "Each page says who is logged in and has a button to log out, which ends the provider's "
        "session too if it offers that (`end_session_endpoint`).",
        (f"{LOGIN}::test_log_in_use_a_page_and_log_out",),
    ),
    Promise(
        "docs/deployment.md",
        "The login is a signed cookie of 30 days: to end all logins at once, change `cookie_secret`.",
        (f"{LOGIN}::test_a_changed_cookie_is_refused", f"{LOGIN}::test_forged_cookies_are_refused"),
    ),
    Promise(
        "docs/deployment.md",
        "With its first page each browser gets a cookie, `emosense_owner`: 128 random bits that end with "
        "the browser.",
        (f"{OWNER}::test_the_first_page_gives_a_session_cookie_of_128_bits", RELOAD),
    ),
    Promise(
        "docs/deployment.md",
        "`/player/clips/...` answers the owner alone, and others with 404, also those who know the address.",
        ("tests/unit/ui/player/test_routes.py::test_a_clip_is_for_its_owner_alone", RELOAD),
    ),
    Promise(
        "docs/deployment.md",
        "What he has is removed two minutes after the last of his pages was closed.",
        (LAST_PAGE, TWO_MINUTES),
    ),
    Promise(
        "docs/deployment.md",
        "An owner belongs to the login that it began with: another login of the same browser finds "
        "nothing of it, and a log-out ends it at once.",
        (
            f"{OWNER}::test_another_login_of_the_same_browser_is_another_owner",
            f"{OWNER}::test_a_log_out_ends_the_owner_and_his_cookie",
        ),
    ),
    Promise(
        "docs/deployment.md",
        "A browser that takes no cookies has its videos until the page is reloaded, and no player.",
        (
            "tests/unit/ui/player/test_routes.py"
            "::test_a_clip_of_a_browser_without_cookies_is_for_nobody",
        ),
    ),
    Promise(
        "docs/responsible-use.md",
        "Nothing that you upload leaves the machine that runs the app, or stays on it.",
        (NO_FILE, BROWSER, *GONE),
    ),
    Promise(
        "docs/responsible-use.md",
        "Photos are held in memory; videos lie on its disk.",
        (NOT_ON_DISK, NO_FILE, VIDEO_GOES),
    ),
    Promise(
        "docs/responsible-use.md",
        "Both are gone about two minutes after the page was closed.",
        GONE,
    ),
    Promise(
        "docs/responsible-use.md",
        "The app asks no other server for anything (save the identity provider, where one is set up "
        "for a login), and reports to nobody; the libraries that would are told not to.",
        (NO_CONNECTION, NO_FILE, NO_REPORTS, BROWSER),
    ),
    Promise(
        "docs/video.md",
        "Uploads and results lie in a folder that only the server's user can read and that is the "
        "server's by a lock.",
        (OWN_FILES, OWNERS),
    ),
    Promise(
        "docs/video.md",
        "They are deleted when the job is removed, two minutes after the browser's last page was "
        "closed, when the server ends, and, after a crash, when the next server starts.",
        (TAKEN_BACK, VIDEO_GOES, CRASH),
    ),
    Promise(
        "docs/reliability.md",
        "its inference processes end; the next server removes the videos it left on disk",
        (CRASH,),
    ),
    Promise(
        "docs/architecture.md",
        "Uploads are forgotten two minutes after their page was closed.",
        GONE,
    ),
    Promise(
        "pages/about.py",
        "Your photos and videos are analysed on the machine that runs this app and nowhere else.",
        (NO_CONNECTION, NO_FILE),
    ),
    Promise(
        "pages/about.py",
        "Photos are held in memory and never written to disk.",
        (NOT_ON_DISK, NO_FILE),
    ),
    Promise("pages/about.py", "Videos lie on its disk while the page is open.", (VIDEO_GOES,)),
    Promise("pages/about.py", "Both are gone about two minutes after it was closed.", GONE),
    Promise(
        "emosense/ui/photo/view.py",
        "Photos are analysed on the machine that runs this app, are never written to its disk, and "
        "are forgotten two minutes after you close this page.",
        (NOT_ON_DISK, NO_FILE, FORGOTTEN, TWO_MINUTES),
    ),
    Promise(
        "emosense/ui/video/view.py",
        "Videos are analysed on the machine that runs this app and are deleted two minutes after you "
        "close the app's last page.",
        (VIDEO_GOES, TWO_MINUTES, NO_CONNECTION),
    ),
)

ABOUT_PRIVACY = re.compile(
    r"leaves the machine|stays on it|telemetry|usage statistics|reports (on|to)|reported to (any|no)body"
    r"|never (written|unpacked)|(on|from|to) (its |the |their )?disk\b|held in memory|forgotten|two minutes"
    r"|(deleted|removed) when|only (its|the server's|this) user|readable by|nowhere else|on the machine that"
    r"|other (servers?|hosts?)\b|\blogs? (hold|no)|\bcookies?\b|anonym|confidential|nobody (else|gets)"
    r"|goes with the container|gone with the container|plain text",
    re.I,
)
"""Words of sentences that promise something about privacy."""

OTHER_SENTENCES = {
    "docs/architecture.md": ("`spool` (uploaded videos on disk", "videos on disk: `jobs/spool.py`"),
    "docs/training.md": ("Archives are read as they are",),
    "docs/deployment.md": ("are shared in the same way", "A proxy that keeps answers on its disk"),
    "README.md": (
        "so only for one that nobody else reaches",
        "videos on disk of one page or API key",
        "all videos on disk, in MB",
    ),
}
"""Of where something is done in the code, of data sets, which nobody uploads, and of limits."""

FILES = sorted(
    [
        *("README.md", "SECURITY.md", "CONTRIBUTING.md"),
        *(str(path.relative_to(ROOT)) for path in (ROOT / "docs").glob("*.md")),
        *(str(path.relative_to(ROOT)) for path in (ROOT / "pages").glob("*.py")),
        *(str(path.relative_to(ROOT)) for path in (ROOT / "emosense" / "ui").rglob("*.py")),
    ]
)
FILES.remove("emosense/ui/streamlit_internals.py")  # shows nothing


def text_of(file):
    """The words of a document, or those that a module of pages shows, in one line."""
    text = (ROOT / file).read_text("utf-8")
    if file.endswith(".py"):
        text = "\n".join(shown_texts(ast.parse(text)))
    return plain(re.sub(r"\n\s*\n", "\n\n", text))


def plain(text):
    return " ".join(text.replace("**", "").split())


def shown_texts(tree):
    """All texts of a module but docstrings; those of one expression together."""
    docstrings = {
        id(node.value)
        for node in ast.walk(tree)
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)
    }

    def visit(node):
        if isinstance(node, ast.Constant):
            if isinstance(node.value, str) and id(node) not in docstrings:
                yield node.value
        elif isinstance(node, ast.JoinedStr | ast.BinOp):
            yield "".join(text for child in ast.iter_child_nodes(node) for text in visit(child))
        else:
            for child in ast.iter_child_nodes(node):
                yield from visit(child)

    return visit(tree)


def sentences(text):
    return [part.strip() for part in re.split(r"(?<=[.!?])\s+(?=[A-Z`|])|\s\|\s|\s- ", text)]


def functions_in(file):
    path = ROOT / file
    tree = ast.parse(path.read_text("utf-8")) if path.is_file() else ast.parse("")
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


@pytest.mark.parametrize("promise", PROMISES, ids=lambda p: f"{p.file}: {p.sentence[:40]}")
def test_every_promise_stands_where_it_is_said_and_names_its_tests(promise):
    assert plain(promise.sentence) in text_of(promise.file)
    assert promise.tests
    for test in promise.tests:
        file, _, name = test.partition("::")
        assert name in functions_in(file), test


@pytest.mark.parametrize("file", FILES)
def test_every_sentence_about_privacy_is_a_promise_with_tests(file):
    promised = [plain(promise.sentence) for promise in PROMISES if promise.file == file]
    others = OTHER_SENTENCES.get(file, ())
    unknown = [
        sentence
        for sentence in sentences(text_of(file))
        if ABOUT_PRIVACY.search(sentence)
        and not any(sentence in promise or promise in sentence for promise in promised)
        and not any(other in sentence for other in others)
    ]
    assert unknown == []


def test_a_new_sentence_would_be_found():
    text = "It is fast. Your photos are never written to disk. **We** keep nothing."
    assert [s for s in sentences(plain(text)) if ABOUT_PRIVACY.search(s)] == [
        "Your photos are never written to disk."
    ]
    assert list(shown_texts(ast.parse('"doc"\nf("a " "b", f"c {d} e")'))) == ["a b", "c  e"]
