"""EmoSense: the app's router. Start it with ``streamlit run app.py``."""

from emosense.ui.routing import navigate

navigate().run()
