"""The rules that keep the layout honest."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

from emosense import settings
from emosense.settings import SETTINGS

ROOT = Path(__file__).resolve().parents[2]


def test_only_ui_imports_streamlit():
    for path in (ROOT / "emosense").rglob("*.py"):
        if "ui" not in path.relative_to(ROOT / "emosense").parts:
            assert not re.search(r"^\s*(import|from) streamlit", path.read_text(), re.M), path


def test_pages_stay_light():
    heavy = ("tensorflow", "keras", "cv2", "h5py", "onnx", "skimage")
    code = (
        "import sys\n"
        "import pkgutil, importlib, emosense.ui, emosense.ui.models, emosense.charts\n"
        "for package in (emosense.ui, emosense.ui.models, emosense.charts):\n"
        "    for module in pkgutil.iter_modules(package.__path__, package.__name__ + '.'):\n"
        "        importlib.import_module(module.name)\n"
        f"print([name for name in {heavy} if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip().endswith("[]"), out.stdout


def test_import_sets_none_of_our_variables():
    code = (
        "import os\n"
        "ours = ('TF_ENABLE_ONEDNN_OPTS', 'TF_CPP_MIN_LOG_LEVEL', 'KERAS_BACKEND')\n"
        "for name in ours: os.environ.pop(name, None)\n"
        "import emosense.analyzer, emosense.cli.main, emosense.ui.session.worker\n"
        "assert not [n for n in os.environ if n in ours or n.startswith('EMOSENSE')]"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_setting_is_documented():
    readme = (ROOT / "README.md").read_text()
    for setting in SETTINGS:
        assert f"`{setting.name}`" in readme, setting.name
        assert setting.help in readme, setting.name


def test_settings_read_the_environment(monkeypatch):
    import pytest

    from emosense.errors import EmoSenseError

    monkeypatch.setenv("EMOSENSE_MAX_PHOTO_MB", "3")
    assert settings.MAX_PHOTO_MB.number() == 3
    monkeypatch.setenv("EMOSENSE_MAX_PHOTO_MB", "many")
    with pytest.raises(EmoSenseError, match="EMOSENSE_MAX_PHOTO_MB: expected a number"):
        settings.MAX_PHOTO_MB.number()
    monkeypatch.setenv("EMOSENSE_MAX_PHOTO_MB", "inf")
    with pytest.raises(EmoSenseError, match=r"above 0.*'inf'"):
        settings.MAX_PHOTO_MB.number()


def test_the_readmes_command_help_is_the_programs():
    from emosense.cli.main import parser

    readme = (ROOT / "README.md").read_text()
    (block,) = [b for b in re.findall(r"```sh\n(.*?)```", readme, re.S) if "emosense photo" in b]
    named = set()
    for line in block.splitlines():
        _, *words = shlex.split(line.partition(">")[0], comments=True)
        parser().parse_args(words)  # ends the test if it does not know an option
        named.add(words[0])
    assert named | {"models"} == set(parser()._subparsers._group_actions[0].choices)


def test_the_readmes_figures_are_the_cards():
    from emosense.formatting import percent
    from emosense.networks.registry import list_models

    readme = (ROOT / "README.md").read_text()
    for name, model in list_models().items():
        (row,) = [line for line in readme.splitlines() if f"(`{name}`)" in line]
        card = model.card
        for part in ("PrivateTest", "PrivateTest without copies"):
            assert f"| {percent(card.metrics[part].accuracy, 1)} |" in row
        test = card.metrics["PrivateTest"]
        assert f"| {test.macro_f1:.3f} | {test.ece:.3f} |" in row
        assert f"| {card.epochs_seen} of {card.recipe.epochs} |" in row
