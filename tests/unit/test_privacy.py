"""Nothing is reported to anybody: no connection, no file beside what was asked for."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

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
