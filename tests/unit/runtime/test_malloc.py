"""The server's threads share few malloc arenas."""

import os
import platform
import subprocess
import sys

import pytest

THREADS = """
import ctypes, re, sys, tempfile, threading
from emosense.runtime.malloc import limit_malloc_arenas

if sys.argv[1] == "shared":
    limit_malloc_arenas()
libc = ctypes.CDLL(None)
libc.fopen.restype = libc.malloc.restype = ctypes.c_void_p
barrier = threading.Barrier(12)


def work():
    libc.malloc(5000)
    barrier.wait()


threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with tempfile.NamedTemporaryFile() as report:
    file = ctypes.c_void_p(libc.fopen(report.name.encode(), b"w"))
    libc.malloc_info(0, file)
    libc.fclose(file)
    print(len(re.findall(rb"<heap nr=", report.read())))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="is about glibc's allocator")
def test_threads_share_two_arenas_instead_of_one_each():
    def arenas(mode):
        process = subprocess.run(
            [sys.executable, "-c", THREADS, mode],
            env={k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))},
            check=True,
            capture_output=True,
            text=True,
        )
        return int(process.stdout)

    assert arenas("separate") > 4
    assert arenas("shared") == 2
