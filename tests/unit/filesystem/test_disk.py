"""Free disk space that a file may take."""

from types import SimpleNamespace

import pytest

from emosense.errors import MediaTooLarge
from emosense.filesystem.disk import check_free_space


def test_a_file_takes_half_of_the_free_disk_at_most(tmp_path, monkeypatch):
    usage = SimpleNamespace(free=100 * 2**20)
    monkeypatch.setattr("emosense.filesystem.disk.shutil.disk_usage", lambda _: usage)
    check_free_space(tmp_path, "a.mp4", 50 * 2**20)
    with pytest.raises(MediaTooLarge, match=r"a.mp4: expected at most 50 MB.*Received: 51 MB"):
        check_free_space(tmp_path, "a.mp4", 51 * 2**20)
    # What is written of it already is free no more.
    usage.free = 60 * 2**20
    check_free_space(tmp_path, "a.mp4", 49 * 2**20, written=40 * 2**20)
