"""README, docs and docstrings say what is so: their code runs, their figures are the cards'."""

import doctest
import importlib
import inspect
import os
import re
import shlex
import sys
from pathlib import Path

import pytest

from emosense.formatting import percent
from emosense.networks.registry import list_models

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text()
MODULES = sorted(
    ".".join(path.relative_to(ROOT).with_suffix("").parts)
    for path in (ROOT / "emosense").rglob("*.py")
    if path.stem not in ("__init__", "__main__")
)
KERAS = ("emosense.faces.backends.keras", "emosense.training.trainer")


def public_classes(module):
    return [
        item
        for name, item in vars(module).items()
        if inspect.isclass(item) and item.__module__ == module.__name__ and name[0] != "_"
    ]


@pytest.mark.usefixtures("memory")
@pytest.mark.parametrize("name", MODULES)
def test_examples_of_docstrings_run(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    module = importlib.import_module(name)
    flags = doctest.ELLIPSIS | doctest.NORMALIZE_WHITESPACE
    assert doctest.testmod(module, optionflags=flags).failed == 0


@pytest.mark.parametrize("name", [name for name in MODULES if name not in KERAS])
def test_every_public_class_has_an_example(name):
    for item in public_classes(importlib.import_module(name)):
        assert ">>> " in (item.__doc__ or ""), f"{name}.{item.__name__}"


def test_the_readmes_python_runs(tmp_path, monkeypatch, astronaut_png):
    """Block after block, as a reader would type them, with files of the names that they use."""
    from emosense.media.sample_clip import write_sample_clip

    monkeypatch.chdir(tmp_path)
    for name in ("portrait.jpg", "a.jpg", "b.jpg"):
        Path(name).write_bytes(astronaut_png)
    write_sample_clip(Path("clip.mp4"))
    blocks = re.findall(r"```python\n(.*?)```", README, re.S)
    blocks = [block for block in blocks if "import requests" not in block]  # needs a server
    assert len(blocks) >= 2
    names: dict[str, object] = {}
    for block in blocks:
        exec(compile(block, "README.md", "exec"), names)
    assert names["result"].frames  # of the video
    assert Path("boxes.mp4").stat().st_size > 1000


def test_the_readmes_commands_are_the_programs():
    from emosense.cli.main import COMMANDS, parser

    (block,) = [b for b in re.findall(r"```sh\n(.*?)```", README, re.S) if "emosense photo" in b]
    named = set()
    for line in block.splitlines():
        _, *words = shlex.split(line.partition(">")[0], comments=True)
        parser().parse_args(words)  # ends the test if it does not know an option
        named.add(words[0])
    assert named | {"models"} == set(COMMANDS)


def test_the_readmes_figures_are_the_cards():
    for name, model in list_models([ROOT / "models"]).items():
        (row,) = [line for line in README.splitlines() if f"(`{name}`)" in line]
        card = model.card
        for split in ("PrivateTest", "PrivateTest without copies"):
            assert f"| {percent(card.metrics[split].accuracy, 1)} |" in row
        test = card.metrics["PrivateTest"]
        assert f"| {test.macro_f1:.3f} | {test.ece:.3f} |" in row
        assert f"| {card.epochs_seen} of {card.recipe.epochs} |" in row


def documents():
    return [*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md")]


@pytest.mark.parametrize("path", documents(), ids=lambda path: path.name)
def test_links_and_paths_in_documents_lead_somewhere(path):
    text = path.read_text()
    for target in re.findall(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)", text):
        assert (path.parent / target).exists(), target
    for named in re.findall(r"`((?:emosense|tests|pages|benchmarks|docs)/[\w/.-]*[\w/])`", text):
        assert (ROOT / named).exists(), named


def test_places_in_the_architecture_exist():
    text = (ROOT / "docs" / "architecture.md").read_text()
    for named in re.findall(r"`(\w+/[\w/]+\.py)`", text):
        assert any((ROOT / root / named).exists() for root in (".", "emosense")), named


def test_python_is_the_one_that_is_asked_for():
    assert sys.version_info[:2] >= (3, 11), os.fspath(ROOT)
