"""Batch page: hundreds of photos at once, one table, the faces of each emotion."""

from emosense.ui.batch_input import choose_and_start
from emosense.ui.batch_session import session_batches
from emosense.ui.batch_view import show_empty, show_jobs
from emosense.ui.routing import require_router, show_title

require_router()

show_title("What do all these faces express?", "Batch")
batches = session_batches()
if not choose_and_start(batches) and not batches.jobs:
    show_empty()
show_jobs(batches)
