"""Video page: upload a clip, follow its people, see how their expressions change."""

from emosense import settings
from emosense.ui.routing import require_router, show_title
from emosense.ui.video_input import choose_video, show_start
from emosense.ui.video_session import session_videos, shared_jobs
from emosense.ui.video_view import show_empty, show_jobs

require_router()

show_title("How do expressions change?", "Video")
videos = session_videos()
upload = choose_video(videos)
if upload is not None:
    shared_jobs().warm(settings.MODEL.text())
    show_start(videos, upload)
elif not videos.jobs:
    show_empty()
show_jobs(videos)
