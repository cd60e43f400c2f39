"""When a disconnected browser session is closed."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from itertools import count
from types import SimpleNamespace

from emosense.ui.session import cleanup


def test_only_the_last_disconnect_counts(monkeypatch):
    closed = []
    server = SimpleNamespace(
        get_app_session=lambda name: SimpleNamespace(session_state=State()),
        is_active_session=lambda name: False,
        close_session=closed.append,
    )
    monkeypatch.setattr(cleanup.runtime, "exists", lambda: True)
    monkeypatch.setattr(cleanup.runtime, "get_instance", lambda: server)

    async def scenario():
        clock = count()
        monkeypatch.setattr(asyncio.get_running_loop(), "time", lambda: float(next(clock)))
        cleanup._SessionWatcher("a").on_disconnect()
        first = cleanup._closing["a"]
        cleanup._SessionWatcher("b").on_disconnect()
        cleanup._SessionWatcher("a").on_disconnect()  # it reconnected, and disconnects again
        last = cleanup._closing["a"]
        assert first.cancelled()
        assert last.when() > first.when()
        assert not cleanup._closing["b"].cancelled()
        last._run()
        assert closed == ["a"]
        assert list(cleanup._closing) == ["b"]
        cleanup._closing.pop("b").cancel()

    # In a separate thread: browser tests leave the main thread with a running event loop.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(lambda: asyncio.run(scenario())).result()


class State(dict):
    @property
    def filtered_state(self):
        return {}
