"""``python -m emosense.inference FD [CORES]``: the inference process, started by the client."""

import os
import signal
import sys
from multiprocessing.connection import Connection

from emosense.runtime.environment import set_tensorflow_defaults
from emosense.worker.server import serve


def main(arguments: list[str]) -> None:
    """Answer requests on the pipe whose file descriptor is the first argument."""
    # A Ctrl-C at the terminal reaches this process too, but its client decides when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if len(arguments) > 1 and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in arguments[1].split(",")})
    set_tensorflow_defaults()
    # Imported after the affinity is set: libraries start one thread per core when they load.
    from emosense.inference.handlers import all_handlers

    serve(Connection(int(arguments[0])), all_handlers())


if __name__ == "__main__":
    main(sys.argv[1:])
