"""EmoSense: the app's router. Start it with ``streamlit run app.py``."""

from emosense.ui.routing import navigate, show_footer

navigate().run()
show_footer()
