"""Uploads of the Batch page: photos and zip archives of photos."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from functools import partial
from typing import IO, TYPE_CHECKING, Final

import streamlit as st

from emosense import settings
from emosense.errors import EmoSenseError, ServerBusy
from emosense.formatting import pluralize
from emosense.jobs.photo_jobs import PhotoItem, PhotoJob
from emosense.media.archive import PhotoArchive
from emosense.samples import ALBUM_CREDIT, sample_album
from emosense.ui.batch.session import SessionBatches
from emosense.ui.components.detector_options import select_detector_options
from emosense.ui.components.job_list import show_refusal
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.components.model_picker import select_model
from emosense.ui.components.upload_kinds import group_by_kind, redirect_uploads

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

_UPLOADS: Final = "batch_uploads_{}"
_SAMPLE: Final = "batch_sample"


def upload_and_start(batches: SessionBatches) -> bool:
    """Show the uploader, the options and the button that starts a job.

    Returns:
        Whether there are photos that can be analysed.
    """
    limit, megabytes = settings.MAX_BATCH_PHOTOS.whole(), settings.MAX_BATCH_MB.number()
    model_column, options_column, start_column = st.columns([3, 1, 1], vertical_alignment="bottom")
    with model_column:
        model = select_model()
    with options_column:
        options = select_detector_options()
    # A new key after each start empties the uploader.
    uploader_number = st.session_state.setdefault("batch_round", 0)
    uploads = st.file_uploader(
        f"Photos, or zip archives of photos: up to {limit} photos and {megabytes:.0f} MB",
        accept_multiple_files=True,
        max_upload_size=settings.MAX_BATCH_MB.whole(),
        key=_UPLOADS.format(uploader_number),
    )
    items, name = _items(uploads, limit, int(megabytes * 2**20)), ""
    if uploads:
        st.session_state[_SAMPLE] = False
        name = uploads[0].name if len(uploads) == 1 else pluralize(len(items), "photo")
    elif not batches.jobs and st.button(
        "Try a sample", icon=":material/photo_library:", key="batch_sample_button"
    ):
        st.session_state[_SAMPLE] = True
    if st.session_state.get(_SAMPLE):
        album = sample_album()
        items = [PhotoItem(photo, partial(album.__getitem__, photo)) for photo in album]
        name = "Sample"
        st.caption(ALBUM_CREDIT)
    if not items:
        return False
    started = start_column.button(
        f"Analyse {pluralize(len(items), 'photo')}",
        type="primary",
        icon=":material/play_arrow:",
        key="batch_start",
        disabled=model is None,
        width="stretch",
    )
    if started and model is not None:
        job = PhotoJob(name=name, items=items, model=model, options=options)
        try:
            batches.submit(job, [upload.getvalue() for upload in uploads])
        except ServerBusy as error:
            show_refusal(batches, "batch", error)
            return True
        st.session_state["batch_round"] = uploader_number + 1
        st.session_state[_SAMPLE] = False
        st.rerun()
    return True


def _items(uploads: Sequence[UploadedFile], limit: int, max_bytes: int) -> list[PhotoItem]:
    """Return the photos of all uploads; unusable uploads are reported and left out."""
    accepted: list[UploadedFile] = []
    size = 0
    for upload in uploads:
        size += upload.size
        if size > max_bytes:
            _show_error(
                upload.name,
                f"Expected uploads of at most {max_bytes / 2**20:.0f} MB together. This one and "
                "those after it are left out.",
            )
            break
        accepted.append(upload)
    kinds = group_by_kind(accepted)
    redirect_uploads("video", kinds["video"])
    items: list[PhotoItem] = []
    for upload in accepted:
        if upload in kinds["archive"] or upload.name.lower().endswith(".zip"):
            try:
                items += _photos_in_archive(upload)
            except EmoSenseError as error:
                _show_error(upload.name, str(error))
        elif upload not in kinds["video"]:
            items.append(PhotoItem(upload.name, upload.getvalue))
    if len(items) > limit:
        st.warning(
            f"Expected at most {limit} photos in one job. Received: {len(items)}. The first {limit} "
            "are analysed.",
            icon=":material/warning:",
        )
    return _with_unique_names(items[:limit])


def _photos_in_archive(upload: IO[bytes]) -> list[PhotoItem]:
    archive = PhotoArchive(upload, settings.archive_limits())
    if archive.skipped:
        skipped = pluralize(archive.skipped, "file") + (
            " that is no photo is" if archive.skipped == 1 else " that are no photos are"
        )
        st.caption(f"{escape_markdown(upload.name)}: {skipped} left out.")
    return [PhotoItem(photo.name, partial(archive.read, photo)) for photo in archive.photos]


def _with_unique_names(items: list[PhotoItem]) -> list[PhotoItem]:
    """Return the photos, numbering the second and further ones of the same name."""
    counts: Counter[str] = Counter()
    used: set[str] = set()
    renamed = []
    for item in items:
        name = item.name
        while name in used or not counts[item.name]:
            counts[item.name] += 1
            count = counts[item.name]
            name = item.name if count == 1 else f"{item.name} ({count})"
        used.add(name)
        renamed.append(PhotoItem(name, item.read))
    return renamed


def _show_error(name: str, message: str) -> None:
    st.error(f"**{escape_markdown(name)}**: {escape_markdown(message)}", icon=":material/error:")
