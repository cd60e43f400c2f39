"""``python -m emosense.inference FD [CORES]``: the inference process, started by the client."""

import os
import signal
import sys
from multiprocessing.connection import Connection

from emosense.inference.handlers import all_handlers
from emosense.worker.server import serve


def main(arguments: list[str]) -> None:
    """Answer requests on the pipe whose file descriptor is the first argument."""
    if len(arguments) > 1 and hasattr(os, "sched_setaffinity"):
        # Before any library counts the cores to make as many threads.
        os.sched_setaffinity(0, {int(core) for core in arguments[1].split(",")})
    # A Ctrl-C at the terminal reaches this process too: whoever started it decides when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    # Before TensorFlow is loaded: its optimised kernels on, its chatter off.
    os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "1")
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    # Photos and videos have a process each; neither may take the whole GPU for itself.
    os.environ.setdefault("TF_FORCE_GPU_ALLOW_GROWTH", "true")
    serve(Connection(int(arguments[0])), all_handlers())


if __name__ == "__main__":
    main(sys.argv[1:])
