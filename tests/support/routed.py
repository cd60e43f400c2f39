"""Pages in Streamlit's AppTest, with the links between them."""

from streamlit.testing.v1 import AppTest

from emosense.settings import bundled_models_dir

PAGES = bundled_models_dir().parent / "pages"


def routed(page):
    """Return a page that can link to others, as app.py runs it; not yet run."""
    script = f"""
import runpy
from emosense.ui.navigation import navigate
navigate()
runpy.run_path({str(PAGES / f"{page}.py")!r})
"""
    return AppTest.from_string(script, default_timeout=180)
