"""Our conversion of ``.keras`` files to ONNX beside Keras' own export: time, size, equal answers.

    python benchmarks/onnx_export.py [MODEL ...]

Each runs in a process of its own, since what counts is what an inference process would load.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np

from emosense.networks.registry import find_model, list_models
from emosense.runtime.onnx_session import onnx_session

OURS = """
import resource, sys, time
start = time.perf_counter()
from pathlib import Path
from emosense.networks.keras_to_onnx import keras_to_onnx
Path(sys.argv[2]).write_bytes(keras_to_onnx(Path(sys.argv[1]).read_bytes()))
seconds = time.perf_counter() - start
print(f"{seconds:.2f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")
"""
KERAS = """
import resource, sys, time
start = time.perf_counter()
import keras, numpy
model = keras.saving.load_model(sys.argv[1], compile=False)
model(numpy.zeros((1, 48, 48, 1)))
model.export(sys.argv[2], format="onnx", verbose=False)
seconds = time.perf_counter() - start
print(f"{seconds:.2f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f}")
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=list(list_models()))
    print("| model | conversion | seconds | memory, MB | graph, MB | largest difference |")
    print("|---|---|---|---|---|---|")
    faces = np.random.default_rng(0).integers(0, 256, (64, 48, 48), np.uint8)
    scaled = faces[..., np.newaxis].astype(np.float32) / np.float32(255)
    for name in parser.parse_args().models:
        weights = find_model(name).file("weights.keras")
        answers = []
        with tempfile.TemporaryDirectory() as folder:
            for title, code, given in (("ours", OURS, faces), ("Keras", KERAS, scaled)):
                path = Path(folder) / f"{title}.onnx"
                command = [sys.executable, "-c", code, str(weights), str(path)]
                out = subprocess.run(command, capture_output=True, text=True, check=False)
                if out.returncode:
                    print(f"| {name} | {title} | {out.stderr.strip().splitlines()[-1]} | | | |")
                    continue
                seconds, memory = out.stdout.split()[-2:]
                session = onnx_session(path.read_bytes())
                answers.append(session.run(None, {session.get_inputs()[0].name: given})[0])
                difference = np.abs(answers[-1] - answers[0]).max()
                size = path.stat().st_size / 1e6
                print(
                    f"| {name} | {title} | {seconds} | {memory} | {size:.1f} | {difference:.1e} |",
                    flush=True,
                )


if __name__ == "__main__":
    main()
