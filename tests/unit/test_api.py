"""What ``import emosense`` offers."""

import re
import tomllib
from pathlib import Path

import emosense

ROOT = Path(__file__).resolve().parents[2]


def test_everything_that_is_offered_is_there():
    assert dir(emosense) == sorted(emosense.__all__)
    for name in emosense.__all__:
        assert getattr(emosense, name) is not None


def test_the_version_is_one():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert project["version"] == emosense.__version__
    changelog = (ROOT / "CHANGELOG.md").read_text()
    assert re.search(r"^## (\S+)", changelog, re.M)[1] == emosense.__version__
    assert f"version: {emosense.__version__}\n" in (ROOT / "CITATION.cff").read_text()


def test_the_locks_hold_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]["dev"]
    for file, wanted in (
        ("requirements.txt", project["dependencies"]),
        ("requirements-dev.txt", [*project["dependencies"], *extras]),
    ):
        text = (ROOT / file).read_text().lower()
        locked = dict(
            re.findall(r"^([\w.-]+)==(\S+) \\\n    --hash=sha256:[0-9a-f]{64}", text, re.M)
        )
        for requirement in wanted:
            name = re.match(r"[\w-]+", requirement)[0].lower()
            assert name in {key.replace("_", "-") for key in locked}, (file, name)
        assert len(locked) == text.count("==")
