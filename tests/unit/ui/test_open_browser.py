"""`make run` opens the app in a browser, and only if there is a screen."""

import http.server
import threading

import pytest
import streamlit as st

from emosense.ui import open_browser


@pytest.fixture
def server(monkeypatch):
    """A server that answers, with the port that Streamlit knows; returns what is opened."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.end_headers()

        def log_message(self, *arguments):
            pass

    opened, done = [], threading.Event()

    def browse(url):
        opened.append(url)
        done.set()

    monkeypatch.setattr(open_browser.webbrowser, "open", browse)
    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        options = {"server.port": running.server_port, "server.headless": False}
        monkeypatch.setattr(st, "get_option", options.get)
        yield opened, done, options
        running.shutdown()


def test_the_address_of_the_server_is_opened_when_it_answers(server, monkeypatch):
    opened, done, options = server
    monkeypatch.setenv("EMOSENSE_OPEN_BROWSER", "yes")
    open_browser.open_browser()
    assert done.wait(60)
    assert opened == [f"http://localhost:{options['server.port']}/"]


@pytest.mark.parametrize(("wish", "headless"), [("yes", True), ("no", False), ("", False)])
def test_no_browser_is_opened_unasked_or_without_a_screen(server, monkeypatch, wish, headless):
    _, _, options = server
    monkeypatch.setenv("EMOSENSE_OPEN_BROWSER", wish)
    options["server.headless"] = headless
    started = []
    monkeypatch.setattr(open_browser.threading, "Thread", started.append)
    open_browser.open_browser()
    assert not started
