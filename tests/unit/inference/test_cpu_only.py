"""Inference processes that leave the GPU to others."""

import subprocess
import sys

import pytest

CODE = """
import os, sys
from multiprocessing import Pipe
from emosense.inference.__main__ import main
ours, theirs = Pipe()
ours.close()  # the process ends at once: nobody asks
main([str(os.dup(theirs.fileno())), *sys.argv[1:]])
print(os.environ["CUDA_VISIBLE_DEVICES"])
"""


@pytest.mark.parametrize(("options", "devices"), [([], "0"), (["--cpu"], "-1")])
def test_the_option_hides_the_gpu(options, devices, monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    done = subprocess.run(
        [sys.executable, "-c", CODE, *options], stdout=subprocess.PIPE, text=True, check=True
    )
    assert done.stdout.split() == [devices]
