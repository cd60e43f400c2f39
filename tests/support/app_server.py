"""Starts the app's server and Chromium, for the browser tests and the benchmarks."""

import os
import shutil
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

from support.waiting import wait_until

ROOT = Path(__file__).resolve().parents[2]
FLAGS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


@dataclass(frozen=True)
class Server:
    """A running server: its address, and the id of its process."""

    url: str
    pid: int


@contextmanager
def running_server(**environment: str) -> Iterator[str]:
    """Run the app on a free port, with more environment variables, and give its address."""
    with started_server(output=None, **environment) as server:
        yield server.url


@contextmanager
def started_server(
    *runner: str, output: Path | None = None, script: str = "app.py", **environment: str
) -> Iterator[Server]:
    """As :func:`running_server`, for those who need to know the process.

    Args:
        runner: module, with arguments, that runs Streamlit; see :mod:`support.gated`.
        script: path of the app.
        environment: more variables; STREAMLIT_SERVER_PORT chooses the port.
    """
    port = environment.get("STREAMLIT_SERVER_PORT") or free_port()
    command = [sys.executable, "-m", *runner, "streamlit", "run", script]
    command += ["--server.headless", "true", "--server.port", str(port)]
    log = None if output is None else output.open("wb")
    with (
        log or nullcontext(),
        subprocess.Popen(
            command,
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=log,
            stderr=None if log is None else subprocess.STDOUT,
        ) as process,
    ):
        try:
            url = f"http://localhost:{port}"
            wait_until(lambda: _answers(url, process), "the server did not answer", timeout=200)
            yield Server(url, process.pid)
        finally:
            process.terminate()


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _answers(url: str, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None, "the server ended"
    try:
        with urllib.request.urlopen(f"{url}/healthz"):
            return True
    except OSError:
        return False


def chromium_path() -> str:
    """Return the path of Debian's Chromium, or of the one that CHROMIUM names."""
    path = os.environ.get("CHROMIUM") or shutil.which("chromium")
    assert path, "no Chromium: install it (apt-get install chromium) or set CHROMIUM"
    return path


@contextmanager
def running_chromium(*flags: str) -> Iterator[Browser]:
    """Run Chromium, with further flags."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium_path(), args=[*FLAGS, *flags])
        yield browser
        browser.close()
