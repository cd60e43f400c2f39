"""Processor time and peak memory of what the inference process does with a photo.

    python -m support.photo_cost FILE

prints one JSON line per operation, from a process of its own, whose peaks are the operation's.
"""

import ctypes
import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Cost:
    """What one operation took.

    Attributes:
        seconds: processor time.
        megabytes: peak of the process's resident memory (VmHWM).
        error: message of the error that it raised; empty if it was done.
    """

    seconds: float
    megabytes: float
    error: str


def measure(path):
    """Return the costs of ``answer``, ``annotated`` and ``why`` for a photo, by name."""
    run = subprocess.run(
        [sys.executable, "-m", "support.photo_cost", str(path)],
        capture_output=True,
        text=True,
        check=True,
        timeout=600,
        cwd=Path(__file__).resolve().parents[1],
    )
    lines = [json.loads(line) for line in run.stdout.splitlines()]
    return {name: Cost(*values) for name, *values in lines}


def _status(key):
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) / 1024 for line in lines if line.startswith(key))


def main(path):
    from emosense.errors import EmoSenseError
    from emosense.inference.analyzers import AnalyzerCache
    from emosense.inference.photo import analyze_photo, annotate_photo, explain_face
    from emosense.samples import sample_photo
    from emosense.worker.messages import AnalyzePhoto, AnnotatePhoto, ExplainFace

    analyzers = AnalyzerCache()
    analyzer = analyzers.get("cnn8")
    result = analyzer.photo(sample_photo())
    analyzer.explain(sample_photo(), result.faces[0])
    data = Path(path).read_bytes()
    requests = {
        "answer": lambda: analyze_photo(AnalyzePhoto(data=data, name="a", model="cnn8"), analyzers),
        "annotated": lambda: annotate_photo(
            AnnotatePhoto(data=data, result=result, image_format="PNG")
        ),
        "why": lambda: explain_face(
            ExplainFace(data=data, face=result.faces[0], model="cnn8", side=240), analyzers
        ),
    }
    for name, request in requests.items():
        ctypes.CDLL(None).malloc_trim(0)
        Path("/proc/self/clear_refs").write_text("5")  # resets VmHWM to what is resident now
        started, error = time.process_time(), ""
        try:
            request()
        except EmoSenseError as raised:
            error = str(raised)
        print(
            json.dumps([name, time.process_time() - started, _status("VmHWM"), error]), flush=True
        )


if __name__ == "__main__":
    main(sys.argv[1])
