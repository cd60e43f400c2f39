"""The player alone on a page, served by its own routes."""

import json
import threading
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.responses import HTMLResponse
from starlette.routing import Route

from emosense.ui.player.routes import player_routes
from support.app_server import free_port
from support.waiting import wait_until

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
