"""Other programs use the folders in which the app and its packages lie: it goes on answering."""

import subprocess
import sys
from pathlib import Path

import pytest
from support.app_server import ROOT, started_server
from support.streamlit_client import BrowserSession

# Opens every file again and again, as imports of other processes do; a line for each round.
READ = """
import os, sys

while True:
    for top in sys.argv[1:]:
        for folder, _, names in os.walk(top):
            for name in names:
                try:
                    with open(os.path.join(folder, name), "rb") as file:
                        file.read(1)
                except OSError:
                    pass  # gone meanwhile
    print("all read", flush=True)
"""


@pytest.fixture(scope="module")
def server():
    with started_server() as server:
        yield server


def test_a_page_answers_while_every_file_is_read(server, astronaut_png):
    command = [sys.executable, "-c", READ, sys.prefix, str(ROOT)]
    with (
        BrowserSession(server.url) as session,
        subprocess.Popen(command, stdout=subprocess.PIPE) as reader,
    ):
        try:
            for turn in range(10):
                session.upload((f"{turn}.png", astronaut_png, "image/png"))
                assert "**1. happy**" in session.text
                assert not session.faults
            for _ in range(2):
                reader.stdout.readline()
                session.run()
                assert "**1. happy**" in session.text
        finally:
            reader.kill()


@pytest.mark.skipif(not Path("/proc/self/fdinfo").is_dir(), reason="needs Linux's /proc")
def test_no_folder_is_watched(server):
    """The server would be told of each file that anybody opens in a watched folder."""
    with BrowserSession(server.url):
        assert watched_folders(server.pid) == 0


def watched_folders(pid):
    folder = Path(f"/proc/{pid}/fdinfo")
    return sum(path.read_text().count("inotify wd:") for path in folder.iterdir())
