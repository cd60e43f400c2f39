"""A server that tells of every file that it opens for writing, and of every connection."""

import os

# Python tells of every file that it opens, and of every connection (PEP 578): in the server and in
# its inference processes.
AUDIT = """
import os, sys

asked = open({path!r}, "a", buffering=1)


def tell(event, arguments):
    if event == "open":
        path, mode, flags = arguments
        writes = flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        if writes and path not in (None, os.devnull) and not str(path).endswith((".pyc", ".lock")):
            if ".pyc." not in str(path):
                print("file", path, file=asked)
    elif event in ("os.mkdir", "os.rename"):
        print(event, arguments[0], file=asked)
    elif event in ("socket.connect", "socket.sendto"):
        print("connection", arguments[1], file=asked)
    elif event == "socket.getaddrinfo" and arguments[0] not in ("localhost", "127.0.0.1", None, ""):
        print("name", arguments[0], file=asked)


sys.addaudithook(tell)
"""


def audited(folder, told):
    """Return variables for a server and its processes that write what they do into a file."""
    (folder / "sitecustomize.py").write_text(AUDIT.format(path=str(told)))
    path = os.pathsep.join(filter(None, [str(folder), os.environ.get("PYTHONPATH")]))
    return {"PYTHONPATH": path, "PYTHONDONTWRITEBYTECODE": "1"}
