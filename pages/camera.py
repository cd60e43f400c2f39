"""Camera page: expressions before a live camera."""

from emosense.ui.camera.session import session_camera
from emosense.ui.camera.view import show_live, show_recordings
from emosense.ui.navigation import require_router, show_title

require_router()

show_title("What does a face express right now?", "Camera")
camera = session_camera()
show_live(camera)
show_recordings(camera)
