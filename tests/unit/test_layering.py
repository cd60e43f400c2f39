"""The rules that keep the layout honest."""

import ast
import pickle
import re
import subprocess
import sys
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from emosense import settings
from emosense.batch import messages as batch_messages
from emosense.emotions import EMOTIONS
from emosense.errors import EmoSenseError
from emosense.evaluation_set.result import MeasuredFace
from emosense.results import (
    Box,
    Face,
    FrameResult,
    KeyMoment,
    PhotoResult,
    TrackedFace,
    VideoInfo,
    VideoResult,
)
from emosense.settings import SETTINGS
from emosense.worker import messages
from emosense.worker.protocol import Request, Response, StreamRequest, StreamUpdate

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ("tensorflow", "keras", "cv2", "h5py", "onnx", "onnxruntime", "skimage", "av", "scipy")


def module_name(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_name(path): path for path in (ROOT / "emosense").rglob("*.py")}


def imports_of(name):
    """All modules of ours that one imports, wherever in it, also for types only."""
    found = set()
    for node in ast.walk(ast.parse(MODULES[name].read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                member = f"{node.module}.{alias.name}"
                found.add(member if member in MODULES else node.module)
        elif isinstance(node, ast.Import):
            found.update(alias.name for alias in node.names)
    return {other for other in found if other in MODULES and other != name}


IMPORTS = {name: imports_of(name) for name in MODULES}


def floors():
    """Package or top module -> its floor, from docs/architecture.md."""
    text = (ROOT / "docs" / "architecture.md").read_text()
    (block,) = re.findall(r"```floors\n(.*?)```", text, re.S)
    lines = block.strip().splitlines()
    return {name: number for number, line in enumerate(lines) for name in line.split()}


def test_every_package_has_a_floor():
    rooms = {name.split(".")[1] for name in MODULES if name.count(".")} - {"__main__"}
    assert rooms == set(floors())


@pytest.mark.parametrize("name", sorted(n for n in MODULES if n.count(".")))
def test_imports_go_up_the_list_only(name):
    room, floor = name.split(".")[1], floors()
    if room == "__main__":
        return
    for other in IMPORTS[name]:
        if other != "emosense":  # its version; what it offers is loaded lazily
            other_room = other.split(".")[1]
            same = other_room == room
            assert same or floor[other_room] < floor[room], f"{name} imports {other}"


def test_no_two_modules_import_each_other():
    def reaches(start, goal, seen):
        for other in IMPORTS[start] - seen:
            seen.add(other)
            if other == goal or reaches(other, goal, seen):
                return True
        return False

    lazy = {"emosense"}  # __getattr__ loads what it offers when it is asked for
    circles = [name for name in MODULES if name not in lazy and reaches(name, name, set(lazy))]
    assert circles == []


def test_only_ui_imports_streamlit():
    for name, path in MODULES.items():
        if not name.startswith("emosense.ui"):
            assert not re.search(r"^\s*(import|from) streamlit", path.read_text(), re.M), name


def loaded_after(code):
    """Which heavy packages a fresh process has loaded after running ``code``."""
    code += f"\nimport sys\nprint([name for name in {HEAVY} if name in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return out.stdout.strip().splitlines()[-1]


def test_what_a_page_imports_is_light():
    names = [n for n in MODULES if n.startswith(("emosense.ui", "emosense.charts"))]
    assert loaded_after("\n".join(f"import {name}" for name in names)) == "[]"


def test_the_command_line_starts_light():
    code = (
        "from emosense.cli.main import main\n"
        "try: main(['photo', '--help'])\n"
        "except SystemExit: pass\n"
        "import sys; assert 'pydantic' not in sys.modules and 'numpy' not in sys.modules"
    )
    assert loaded_after(code) == "[]"


BOX = Box(0, 0, 8, 8)
FACE = Face(BOX, ((0, 0),) * 5, 0.9, (1.0,) + 6 * (0.0,), full_box=BOX)
INFO = VideoInfo(640, 360, 8.0, 200, 25.0, "h264", 0, False)
FRAME = FrameResult(0, 0.0, (TrackedFace(1, FACE),))
PHOTO = PhotoResult("a.jpg", 9, 9, (FACE,), "cnn8", "YuNet")
VIDEO = VideoResult("a.mp4", INFO, (FRAME,), 1, "cnn8", "YuNet")
MOMENT = KeyMoment(1, EMOTIONS[0], 0.9, 0, 0.0, b"jpeg")
RECEIVED = [
    messages.PhotoAnalysis(result=PHOTO, preview=b"jpeg", crops=(b"jpeg",), inputs=np.zeros(1)),
    messages.FaceExplanation(picture=b"jpeg", summary="No single part."),
    messages.VideoPreview(info=INFO, preview=b"jpeg"),
    messages.VideoProgress(frames=[FRAME], frames_read=1),
    messages.LiveFrame(frame=FRAME, width=640, height=480),
    messages.VideoSummary(result=VIDEO, notes=[], key_moments=(MOMENT,)),
    messages.EncodingProgress(time=1.0),
    messages.EncodedVideo(notes=[]),
    messages.Throughput(device="CPU", faces_per_second={1: 2.0}),
    messages.DatasetFaces(fingerprint="a", images={}, labels={}, notes=()),
    MeasuredFace(0, 640, 480),
    np.zeros(1, np.float32),
    [{"file": "a.jpg", "person": 0}],
    "YuNet",
    b"png",
    None,
]
"""One of each kind of value that comes from an inference process."""


def answer_types():
    """The types of all answers and updates that a message names."""
    found = set()
    for module in (messages, batch_messages):
        for message in vars(module).values():
            own = isinstance(message, type) and message.__module__ == module.__name__
            if own and issubclass(message, Request | StreamRequest):
                bases = getattr(message, "__orig_bases__", ())
                found.update(argument for base in bases for argument in get_args(base))
    return found


def test_an_example_of_every_answer_is_here():
    kinds = {getattr(t, "__origin__", t) for t in answer_types()}
    assert len(kinds) > 5
    assert kinds == {type(value) for value in RECEIVED}


def test_unpickling_an_answer_loads_nothing_heavy():
    """One process takes them one after another, and says after which one something is loaded."""
    named = []
    for value in RECEIVED:
        for message in (Response(value=value), StreamUpdate(value=value)):
            data = pickle.dumps(message)
            assert pickle.loads(data) == message
            named.append((type(value).__name__, data))
    code = (
        "import pickle, sys\n"
        f"for name, data in {named!r}:\n"
        "    pickle.loads(data)\n"
        f"    found = [heavy for heavy in {HEAVY} if heavy in sys.modules]\n"
        "    assert not found, (name, found)"
    )
    assert loaded_after(code) == "[]"


def all_errors(base=EmoSenseError):
    return [base, *(error for child in base.__subclasses__() for error in all_errors(child))]


def test_unpickling_an_error_loads_nothing_heavy():
    data = pickle.dumps([Response(error=error("message")) for error in all_errors()])
    assert loaded_after(f"import pickle; pickle.loads({data!r})") == "[]"


def test_import_sets_none_of_our_variables():
    code = (
        "import os\n"
        "ours = ('TF_ENABLE_ONEDNN_OPTS', 'TF_CPP_MIN_LOG_LEVEL', 'KERAS_BACKEND')\n"
        "for name in ours: os.environ.pop(name, None)\n"
        "import emosense.analyzer, emosense.cli.main, emosense.ui.application\n"
        "assert not [n for n in os.environ if n in ours or n.startswith('EMOSENSE')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_settings_read_the_environment(monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_PHOTO_MB", "3")
    assert settings.MAX_PHOTO_MB.number() == 3
    monkeypatch.setenv("EMOSENSE_MAX_PHOTO_MB", "many")
    with pytest.raises(EmoSenseError, match="EMOSENSE_MAX_PHOTO_MB: expected a number"):
        settings.MAX_PHOTO_MB.number()
    for wrong in ("inf", "nan", "-1", "0", "1,5"):
        monkeypatch.setenv("EMOSENSE_MAX_PHOTO_MB", wrong)
        with pytest.raises(EmoSenseError, match=rf"above 0.*{wrong!r}"):
            settings.MAX_PHOTO_MB.number()


def test_former_names_of_settings_count(monkeypatch):
    monkeypatch.delenv("EMOSENSE_BACKEND", raising=False)
    monkeypatch.setenv("EMOSENSE_ENGINE", "opencv")
    assert settings.BACKEND.text() == "opencv"
    monkeypatch.setenv("EMOSENSE_BACKEND", "onnx")
    assert settings.BACKEND.text() == "onnx"


def test_every_setting_is_documented():
    readme = (ROOT / "README.md").read_text()
    for setting in SETTINGS:
        assert f"`{setting.name}`" in readme, setting.name
        assert setting.help in readme, setting.name
