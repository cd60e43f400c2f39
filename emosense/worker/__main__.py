"""``python -m emosense.worker FD [CORES]``: the inference process, started by the client."""

import os
import sys
from multiprocessing.connection import Connection

from emosense.worker.process import serve

if __name__ == "__main__":
    if len(sys.argv) > 2 and hasattr(os, "sched_setaffinity"):
        # Before any library counts the cores to make as many threads.
        os.sched_setaffinity(0, {int(core) for core in sys.argv[2].split(",")})
    serve(Connection(int(sys.argv[1])))
