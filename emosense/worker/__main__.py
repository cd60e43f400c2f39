"""``python -m emosense.worker FD [CORES]``: the inference process, started by the client."""

import os
import signal
import sys
from multiprocessing.connection import Connection

from emosense.worker.process import serve

if __name__ == "__main__":
    if len(sys.argv) > 2 and hasattr(os, "sched_setaffinity"):
        # Before any library counts the cores to make as many threads.
        os.sched_setaffinity(0, {int(core) for core in sys.argv[2].split(",")})
    # A Ctrl-C at the terminal reaches this process too: whoever started it decides when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    serve(Connection(int(sys.argv[1])))
