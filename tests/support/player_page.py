"""The player alone on a page, served by its own routes."""

import json
import threading
from contextlib import contextmanager

import uvicorn
from playwright.sync_api import expect
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from emosense.export.formats import EXPORTS
from emosense.ui.player.clips import Clip, clips
from emosense.ui.player.routes import player_routes
from emosense.video.edits import Edits
from support.app_server import free_port
from support.counted_clips import HEIGHT, WIDTH
from support.faces import face_of, video_of
from support.waiting import wait_until

RATE = 25
PEOPLE = [(1,)] * 10 + [()] * 2 + [(2,)] * 10 + [(2, 3)] * 6 + [(4,)] * 12
"""People in the 40 frames of the clip of a :class:`PlayerPage`."""

PAGE = """<!doctype html><title>player</title><link rel=stylesheet href=/player/assets/player.css>
<div class=player style="width: 640px"></div>
<script type=module>
import { start } from "/player/assets/player.js";
window.stop = start(document.querySelector(".player"), DATA);
window.player = window.stop.player;
</script>"""


@contextmanager
def player_server():
    """Serve players at http://.../?{"address": ...} in a thread; give the address."""

    async def index(request):
        data = {"root": "/player", "name": "clip", **json.loads(request.query_params["data"])}
        return HTMLResponse(PAGE.replace("DATA", json.dumps(data)))

    port = int(free_port())
    app = Starlette(routes=[Route("/", index), *player_routes()])
    server = uvicorn.Server(uvicorn.Config(app, port=port, log_level="warning"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    wait_until(lambda: server.started, "the server does not start", timeout=60)
    try:
        yield f"http://localhost:{port}"
    finally:
        server.should_exit = True
        thread.join()


class PlayerPage:
    """A player on a page, and what the server has: the clip, its edits, and its frames so far.

    Attributes:
        known: number of frames that are analysed; all, and the analysis is over, unless a test sets it.
    """

    def __init__(self, page, players, path):
        emotions = {1: "happy", 2: "sad", 3: "neutral", 4: "angry"}
        frames = [
            {p: face_of(emotions[p], 0.3 + 0.01 * n, sure=n % 3 > 0, x=60 * p) for p in people}
            for n, people in enumerate(PEOPLE)
        ]
        self.page, self.result, self.edits = page, video_of(*frames, step=1 / RATE), Edits()
        self.known = len(PEOPLE)
        self.address = clips.add(
            Clip(
                path,
                "video/mp4",
                lambda: self.result.frames[: self.known],
                lambda: self.known == len(PEOPLE),
                result=lambda: self.result if self.known == len(PEOPLE) else None,
                edits=lambda: self.edits,
                edit=lambda edits: setattr(self, "edits", edits),
            )
        )
        self.url = players

    def open(self):
        """Show the player, and wait until everything is there."""
        self.show()
        self.wait_until_complete()
        self.page.wait_for_function("() => document.querySelector('video').readyState >= 2")
        return self

    def show(self, page=None):
        """Show the player, on a page of its own or on another one."""
        data = {
            "address": self.address,
            "width": WIDTH,
            "height": HEIGHT,
            "framesPerSecond": RATE,
            "duration": len(PEOPLE) / RATE,
            "exports": [(name, export.label) for name, export in EXPORTS.items()],
        }
        (page or self.page).goto(f"{self.url}/?data={json.dumps(data)}")

    def wait_until_complete(self):
        expect(self.page.locator(".player")).to_have_attribute("data-frames", str(len(PEOPLE)))

    def go_to(self, frame):
        self.page.evaluate(
            "(time) => { document.querySelector('video').currentTime = time }", (frame + 0.3) / RATE
        )
        expect(self.page.locator("canvas.overlay")).to_have_attribute("data-frame", str(frame))

    def button(self, name, **options):
        return self.page.get_by_role("button", name=name, **options)

    def rename(self, name, person, new):
        self.button(f"Rename {name}").click()
        self.page.get_by_label(f"Name of person {person}").fill(new)
        self.page.keyboard.press("Enter")

    def people(self):
        """(name, seconds) of the panel's rows."""
        rows = self.page.locator(".person")
        return [
            tuple(rows.nth(i).locator(part).inner_text() for part in (".name", ".seen"))
            for i in range(rows.count())
        ]

    def wait_until_saved(self):
        expect(self.page.locator(".player")).to_have_attribute("data-saving", "")

    def exported(self, name):
        self.page.locator("details.exports").evaluate("(details) => { details.open = true }")
        with self.page.expect_download() as download:
            self.page.locator(f"[data-export={name}]").click()
        return download.value, download.value.path().read_text("utf-8-sig")
