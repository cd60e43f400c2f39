"""What ``import emosense`` offers."""

import re
import tomllib
from importlib.metadata import distributions
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

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


def locked(file):
    """The extras of each package in a lock, by the package's name."""
    text = (ROOT / file).read_text().lower()
    pins = re.findall(
        r"^([\w.-]+)(?:\[([\w,-]+)\])?==\S+ \\\n    --hash=sha256:[0-9a-f]{64}", text, re.M
    )
    assert len(pins) == text.count("==")
    return {canonicalize_name(name): {*extras.split(",")} - {""} for name, extras in pins}


def test_the_locks_hold_every_dependency():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    extras = project["optional-dependencies"]["dev"]
    for file, wanted in (
        ("requirements.txt", project["dependencies"]),
        ("requirements-dev.txt", [*project["dependencies"], *extras]),
    ):
        pins = locked(file)
        for requirement in map(Requirement, wanted):
            assert requirement.extras <= pins[canonicalize_name(requirement.name)], file


def test_the_locks_pin_packages_with_the_extras_that_others_ask_for():
    """Without them, pip looks for the newest version that has them, which has no hash."""
    pins = locked("requirements-dev.txt")
    asked = 0
    for package in distributions():
        if canonicalize_name(package.name) not in pins:
            continue
        for requirement in map(Requirement, package.requires or ()):
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                name = canonicalize_name(requirement.name)
                assert requirement.extras <= pins[name], (package.name, str(requirement))
                asked += bool(requirement.extras)
    assert asked
