"""Batch page: hundreds of photos at once, with one table and the faces of each emotion."""

from emosense.ui.batch.input import upload_and_start
from emosense.ui.batch.session import session_batches
from emosense.ui.batch.view import show_empty, show_jobs
from emosense.ui.navigation import require_router, show_title

require_router()

show_title("What do all these faces express?", "Batch")
batches = session_batches()
if not upload_and_start(batches) and not batches.jobs:
    show_empty()
show_jobs(batches)
