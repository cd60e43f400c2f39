"""Video page: the expressions of each person in an uploaded video over time."""

from emosense.ui.navigation import require_router, show_title
from emosense.ui.video.input import show_start, upload_videos
from emosense.ui.video.session import owner_videos
from emosense.ui.video.view import show_empty, show_jobs

require_router()

show_title("How do expressions change?", "Video")
videos = owner_videos()
uploads = upload_videos(videos)
if uploads:
    show_start(videos, uploads)
elif not videos.jobs:
    show_empty()
show_jobs(videos)
