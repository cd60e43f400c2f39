"""An upload passes through no file, not even a nameless one."""

import io
import os

import numpy as np
from PIL import Image
from support.app_server import running_server
from support.streamlit_client import BrowserSession

# Temporary files without a name cannot be seen from outside: the server tells of them.
SPY = """
import tempfile

rollover = tempfile.SpooledTemporaryFile.rollover


def told(self):
    open({path!r}, "a").close()
    rollover(self)


tempfile.SpooledTemporaryFile.rollover = told
"""


def test_a_photo_is_never_written_to_disk(tmp_path):
    noise = np.random.default_rng(0).integers(0, 256, (3000, 3000, 3), np.uint8)
    photo = io.BytesIO()
    Image.fromarray(noise).save(photo, "bmp")
    told = tmp_path / "written"
    (tmp_path / "sitecustomize.py").write_text(SPY.format(path=str(told)))
    path = os.pathsep.join(filter(None, [str(tmp_path), os.environ.get("PYTHONPATH")]))
    with running_server(PYTHONPATH=path) as url, BrowserSession(url) as session:
        session.upload(("noise.bmp", photo.getvalue(), "image/bmp"))
        assert "No face found" in session.text
    assert not told.exists()
