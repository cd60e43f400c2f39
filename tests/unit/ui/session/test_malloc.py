"""The server's threads share few heaps."""

import os
import platform
import subprocess
import sys

import pytest

THREADS = """
import ctypes, re, sys, tempfile, threading
from emosense.ui.session.malloc import limit_malloc_arenas

if sys.argv[1] == "shared":
    limit_malloc_arenas()
libc = ctypes.CDLL(None)
libc.fopen.restype = libc.malloc.restype = ctypes.c_void_p
met = threading.Barrier(12)


def work():
    libc.malloc(5000)
    met.wait()


threads = [threading.Thread(target=work) for _ in range(12)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
with tempfile.NamedTemporaryFile() as told:
    file = ctypes.c_void_p(libc.fopen(told.name.encode(), b"w"))
    libc.malloc_info(0, file)
    libc.fclose(file)
    print(len(re.findall(rb"<heap nr=", told.read())))
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="is about glibc's allocator")
def test_threads_share_two_heaps_instead_of_one_each():
    def heaps(how):
        done = subprocess.run(
            [sys.executable, "-c", THREADS, how],
            env={k: v for k, v in os.environ.items() if not k.startswith(("MALLOC_", "GLIBC_"))},
            check=True,
            capture_output=True,
            text=True,
        )
        return int(done.stdout)

    assert heaps("own") > 4
    assert heaps("shared") == 2
