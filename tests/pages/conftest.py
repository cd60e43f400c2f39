"""Shared fixtures of the pages' tests."""

import shutil

import pytest

from emosense.services import services


@pytest.fixture
def with_tiny(small_run, tmp_path, monkeypatch):
    """The folder of a tiny model that the test trained itself, beside the project's own."""
    shutil.copytree(small_run / "models" / "tiny", tmp_path / "tiny")
    monkeypatch.setenv("EMOSENSE_MODELS", str(tmp_path))
    services().close()  # with it the inference process that does not know the model
    yield tmp_path / "tiny"
    services().close()
