"""Limits of uvicorn, which Streamlit starts without a way to set them.

Written for uvicorn 0.54; ``tests/contract/test_streamlit_internals.py`` checks that they hold.
"""

from __future__ import annotations

import gc
from typing import Final

import uvicorn

UVICORN_VERSION: Final = "0.54"
"""The version that obeys these limits."""
MAX_MESSAGE_BYTES: Final = 2**20
"""Largest message of a browser over a WebSocket; Streamlit's own limit is 200 MB."""
MAX_CONNECTIONS: Final = 1000
"""Open connections beyond which requests are answered with 503."""
KEEP_ALIVE_SECONDS: Final = 15
"""Time after which a connection without a request is closed."""
SHUTDOWN_SECONDS: Final = 5
"""Time that open connections get when the server ends."""
MAX_HEADER_BYTES: Final = 2**15
"""Largest head of a request that has not come to its end."""


def limit_server() -> int:
    """Limit the uvicorn servers of this process; connections that are made from now on obey.

    Returns:
        The number of servers that were found: 0 where another ASGI server runs the app.
    """
    # uvicorn gives an application no reference to its server.
    configs = [value for value in gc.get_objects() if type(value) is uvicorn.Config]
    for config in configs:
        config.ws_max_size = MAX_MESSAGE_BYTES
        config.limit_concurrency = MAX_CONNECTIONS
        config.timeout_keep_alive = KEEP_ALIVE_SECONDS
        config.timeout_graceful_shutdown = SHUTDOWN_SECONDS
        config.h11_max_incomplete_event_size = MAX_HEADER_BYTES
    return len(configs)
