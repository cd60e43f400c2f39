"""Compares EmoSense with ``fer`` on labelled photos: accuracy, calibration, faces found, and time.

    python benchmarks/peers.py --data FOLDER [--models emosense-s cnn8-tuned] [--fer-python PATH]

FOLDER has a folder of photos per emotion (happy/1.jpg), of any size. Both are given the same decoded
pictures, photo by photo in turns, so that load hits them alike; of several faces the largest counts.
fer runs as its documentation shows, ``FER(mtcnn=False).detect_emotions``, in a process of its own:
its requirements do not go with ours. To install it in a virtual environment that sees ours:

    python -m venv fervenv
    fervenv/bin/pip install --no-deps fer==25.10.3 facenet-pytorch tqdm
    python -c "import sysconfig; print(sysconfig.get_path('purelib'))" \\
        > "$(fervenv/bin/python -c "import sysconfig; print(sysconfig.get_path('purelib'))")/ours.pth"
    python benchmarks/peers.py --data FOLDER --fer-python fervenv/bin/python
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np

from emosense import Analyzer
from emosense.emotions import EMOTIONS
from emosense.evaluation.metrics import compute_metrics
from emosense.evaluation_set.labels import LEFT_OUT, propose_mapping
from emosense.evaluation_set.source import folder_source
from emosense.media.images import RgbImage, read_photo

# Reads paths of (h, w, 3) uint8 BGR pictures, answers with the time of a repetition and the faces.
FER_PROCESS = """
import json, os, sys, time
answers = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)  # what libraries print must not come between the answers
import numpy as np
from fer.fer import FER
detector = FER(mtcnn=False)
for line in sys.stdin:
    picture = np.load(line.rstrip("\\n"))
    start = time.perf_counter()
    faces = detector.detect_emotions(picture)
    milliseconds = 1000 * (time.perf_counter() - start)
    found = [[[float(x) for x in face["box"]], face["emotions"]] for face in faces]
    print(json.dumps({"milliseconds": milliseconds, "faces": found}, default=float), file=answers, flush=True)
"""

Face = tuple[float, list[float]]
"""Area of a face's box in pixels, and its probabilities in the order of EMOTIONS."""
Analyse = Callable[[RgbImage], tuple[float, list[Face]]]
"""Returns the time that a picture took, in milliseconds, and its faces."""


@dataclass
class Measured:
    """What one program said about all photos."""

    labels: list[int] = field(default_factory=list)
    probabilities: list[list[float]] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    faces: int = 0
    without_face: int = 0
    several: int = 0

    def add(self, label: int, milliseconds: float, faces: list[Face]) -> None:
        self.milliseconds.append(milliseconds)
        self.faces += len(faces)
        self.without_face += not faces
        self.several += len(faces) > 1
        if faces:
            self.labels.append(label)
            self.probabilities.append(max(faces)[1])

    def row(self, name: str) -> str:
        photos, found = len(self.milliseconds), len(self.labels)
        cells = [name, "0.0 %", "-", "-", "-"]
        if found:
            metrics = compute_metrics(np.array(self.labels), np.array(self.probabilities))
            recalls = [each.recall for each in metrics.per_class.values() if each.support]
            cells[1:] = [
                f"{100 * metrics.accuracy * found / photos:.1f} %",
                f"{100 * metrics.accuracy:.1f} %",
                f"{100 * statistics.mean(recalls):.1f} %",
                f"{metrics.ece:.3f}",
            ]
        cells += [f"{statistics.median(self.milliseconds):.1f}"]
        cells += [str(self.faces), str(self.without_face), str(self.several)]
        return f"| {' | '.join(cells)} |"


HEADER = (
    "| | accuracy, all photos | accuracy, found faces | mean recall, found faces | ECE, found faces | "
    "ms a photo | faces found | photos without a face | with several |\n" + "|---" * 9 + "|"
)


def ours(analyzer: Analyzer, picture: RgbImage) -> tuple[float, list[Face]]:
    start = time.perf_counter()
    result = analyzer.photo(picture)
    milliseconds = 1000 * (time.perf_counter() - start)
    faces = [(face.box.width * face.box.height, list(face.probabilities)) for face in result.faces]
    return milliseconds, faces


@contextmanager
def fer(python: Path) -> Iterator[Analyse]:
    """Start fer's process, and yield the function that asks it."""
    with (
        tempfile.TemporaryDirectory() as folder,
        subprocess.Popen(
            [python, "-c", FER_PROCESS],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        ) as process,
    ):
        assert process.stdin is not None and process.stdout is not None
        questions, answers = process.stdin, process.stdout

        def analyse(picture: RgbImage) -> tuple[float, list[Face]]:
            path = Path(folder) / "picture.npy"
            np.save(path, np.ascontiguousarray(picture[..., ::-1]))
            print(path, file=questions, flush=True)
            line = answers.readline()
            if not line:
                raise SystemExit(
                    f"fer's process ended. Does this work?  {python} -c 'import fer.fer'"
                )
            answer = json.loads(line)
            return answer["milliseconds"], [
                (box[2] * box[3], [emotions[name] for name in EMOTIONS])
                for box, emotions in answer["faces"]
            ]

        yield analyse
        questions.close()


def labelled_photos(folder: Path) -> Iterator[tuple[int, RgbImage]]:
    """Yield label and picture of each photo of the seven emotions."""
    source = folder_source(folder)
    labels = source.labels()
    mapping = propose_mapping(labels.counts)
    for label in labels.labels:
        emotion = mapping.emotions.get(label.class_name, LEFT_OUT)
        if emotion != LEFT_OUT:
            yield EMOTIONS.index(emotion), read_photo(source.photos[label.photo]())


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--models", nargs="+", default=["emosense-s", "cnn8-tuned"])
    parser.add_argument("--fer-python", type=Path)
    parser.add_argument("--repeat", type=int, default=3, help="times that each photo is analysed")
    arguments = parser.parse_args()
    programs: dict[str, Analyse] = {
        f"EmoSense, {name}": partial(ours, Analyzer(name)) for name in arguments.models
    }
    measured: dict[str, Measured] = {name: Measured() for name in programs}
    with ExitStack() as stack:
        if arguments.fer_python is None:
            print(f"Without fer. To install it{(__doc__ or '').partition('To install it')[2]}")
        else:
            programs["fer"] = stack.enter_context(fer(arguments.fer_python))
            measured["fer"] = Measured()
        for label, picture in labelled_photos(arguments.data):
            compare(programs, measured, label, picture, arguments.repeat)
    photos = len(next(iter(measured.values())).milliseconds)
    print(f"{photos} photos, {os.cpu_count()} cores\n")
    if photos:
        print("\n".join([HEADER, *(each.row(name) for name, each in measured.items())]))


def compare(
    programs: dict[str, Analyse],
    measured: dict[str, Measured],
    label: int,
    picture: RgbImage,
    repeat: int,
) -> None:
    """Analyse a photo with all programs in turns: once to warm up, then as often as wanted."""
    times: dict[str, list[float]] = {name: [] for name in programs}
    faces: dict[str, list[Face]] = {}
    for _ in range(repeat + 1):
        for name, analyse in programs.items():
            milliseconds, faces[name] = analyse(picture)
            times[name].append(milliseconds)
    for name, taken in times.items():
        measured[name].add(label, statistics.median(taken[1:]), faces[name])


if __name__ == "__main__":
    main()
