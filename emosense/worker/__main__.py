"""``python -m emosense.worker FD``: the inference process, started by the client."""

import sys
from multiprocessing.connection import Connection

from emosense.worker.process import serve

if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
