"""``python -m emosense.inference FD [options]``: the inference process, started by the client."""

import argparse
import os
import signal
import sys
from multiprocessing.connection import Connection

from emosense.runtime.environment import set_tensorflow_defaults
from emosense.runtime.gpu_driver import hide_gpu
from emosense.worker.server import serve


def main(arguments: list[str]) -> None:
    """Answer requests on the pipe whose file descriptor is the first argument."""
    parser = argparse.ArgumentParser(prog="emosense.inference")
    parser.add_argument("pipe", type=int, help="file descriptor of the pipe")
    parser.add_argument("--cores", default="", help="numbers of the processor cores to use")
    parser.add_argument("--memory", type=int, help="maximum resident memory in bytes")
    parser.add_argument("--nice", type=int, default=0, help="niceness, 0..19")
    parser.add_argument("--cpu", action="store_true", help="leave the GPU to other processes")
    options = parser.parse_args(arguments)
    # A Ctrl-C at the terminal reaches this process too, but its client decides when it ends.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if options.cores and hasattr(os, "sched_setaffinity"):
        os.sched_setaffinity(0, {int(core) for core in options.cores.split(",")})
    if options.nice and hasattr(os, "nice"):
        os.nice(options.nice)
    set_tensorflow_defaults()
    if options.cpu:
        hide_gpu()
    # Imported after the affinity is set: libraries start one thread per core when they load.
    from emosense.inference.handlers import all_handlers
    from emosense.inference.memory_limit import MemoryLimit

    serve(Connection(options.pipe), all_handlers(MemoryLimit(options.memory)))


if __name__ == "__main__":
    main(sys.argv[1:])
