"""Uploads of labelled photos, the confirmation of their classes, and the start of an evaluation."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO, Final, cast

import streamlit as st

from emosense import settings
from emosense.emotions import EMOTIONS
from emosense.errors import EmoSenseError, ServerBusy
from emosense.evaluation_set.labels import LEFT_OUT, ClassMapping, Labels, propose_mapping
from emosense.evaluation_set.source import has_pixels, open_archive, uploads_source
from emosense.formatting import pluralize
from emosense.jobs.evaluation_jobs import (
    DatasetEvaluationJob,
    EvaluationJob,
    LabelledPhoto,
    PhotoEvaluationJob,
)
from emosense.media.archive import PhotoArchive
from emosense.media.file_kind import HEAD_BYTES, file_kind
from emosense.ui.components.job_list import show_refusal
from emosense.ui.components.markdown import escape_markdown
from emosense.ui.components.model_picker import loadable_models, model_labels
from emosense.ui.components.tables import edit_column
from emosense.ui.models.own_set.session import OpenedUploads, SessionEvaluations

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

_ROUND: Final = "own_set_round"
_MAX_CLASSES: Final = 200
_PACKED: Final = (b"\x1f\x8b", b"BZh", b"\xfd7zXZ")
_SOURCES: Final = {"files": "files", "folder": "a folder"}
_FACES: Final = {"find": "find them in the photos", "cropped": "the photos are cropped faces"}


def upload_and_start(evaluations: SessionEvaluations) -> bool:
    """Show the uploader, the classes to confirm, the options and the button that starts.

    Returns:
        Whether there is an upload.
    """
    number = st.session_state.setdefault(_ROUND, 0)
    kind = st.segmented_control(
        "Upload",
        list(_SOURCES),
        default="files",
        format_func=_SOURCES.__getitem__,
        required=True,
        key="own_set_kind",
    )
    limit, megabytes = settings.MAX_EVALUATION_PHOTOS.whole(), settings.MAX_BATCH_MB.whole()
    uploads = st.file_uploader(
        "A folder with a folder of photos per emotion"
        if kind == "folder"
        else f"A zip archive, photos with a CSV table, or FER2013's csv: up to {limit:,} photos and "
        f"{megabytes} MB",
        accept_multiple_files="directory" if kind == "folder" else True,
        max_upload_size=megabytes,
        key=f"own_set_uploads_{kind}_{number}",
    )
    if not uploads:
        evaluations.opened = None
        return False
    try:
        opened = _opened(evaluations, uploads, megabytes)
        job = _confirmed_photos(opened) if opened.source else _confirmed_dataset(opened)
    except EmoSenseError as error:
        st.error(escape_markdown(str(error)), icon=":material/error:")
        return True
    if job is not None:
        _start(evaluations, job, uploads)
    return True


def _start(
    evaluations: SessionEvaluations, job: EvaluationJob, uploads: Sequence[UploadedFile]
) -> None:
    try:
        if isinstance(job, DatasetEvaluationJob):
            evaluations.start_dataset(job, cast(BinaryIO, uploads[0]), uploads[0].size)
        else:
            evaluations.submit(job, [upload.getvalue() for upload in uploads])
    except ServerBusy as error:
        show_refusal(evaluations, "own_set", error)
        return
    st.session_state[_ROUND] += 1
    evaluations.opened = None
    st.rerun()


def _opened(
    evaluations: SessionEvaluations, uploads: Sequence[UploadedFile], megabytes: int
) -> OpenedUploads:
    """Look into the uploads once, not again at every rerun."""
    files = tuple(upload.file_id for upload in uploads)
    if evaluations.opened is None or evaluations.opened.files != files:
        evaluations.opened = None  # the earlier ones, if these cannot be opened
        evaluations.opened = _open(uploads, megabytes)
    return evaluations.opened


def _open(uploads: Sequence[UploadedFile], megabytes: int) -> OpenedUploads:
    ids = tuple(upload.file_id for upload in uploads)
    size = sum(upload.size for upload in uploads)
    if size > megabytes * 2**20:
        raise EmoSenseError(
            f"Expected uploads of at most {megabytes} MB together. Received: {size / 2**20:.0f} MB."
        )
    limits = settings.archive_limits(settings.MAX_EVALUATION_PHOTOS)
    packed = [upload for upload in uploads if _is_archive(upload)]
    archives = [
        (upload.name, open_archive(upload.name, cast(Any, upload), limits)) for upload in packed
    ]
    if len(uploads) == 1 and _is_dataset(uploads[0], dict(archives).get(uploads[0].name)):
        return OpenedUploads(ids, uploads[0].name, None, None)
    files = [(upload.name, upload.getvalue) for upload in uploads if upload not in packed]
    source = uploads_source(files, archives, limits)
    labels = source.labels()
    if len(labels.counts) > _MAX_CLASSES:
        raise EmoSenseError(
            f"Expected at most {_MAX_CLASSES} classes. Received: {len(labels.counts)}, e.g. "
            f"{', '.join(list(labels.counts)[:5])}. Name the folders by their emotions."
        )
    folder = uploads[0].name.split("/")[0]
    name = uploads[0].name if len(uploads) == 1 else folder
    return OpenedUploads(ids, name, source, labels)


def _head(upload: UploadedFile) -> bytes:
    upload.seek(0)
    head = upload.read(HEAD_BYTES)
    upload.seek(0)
    return head


def _is_archive(upload: UploadedFile) -> bool:
    return file_kind(_head(upload)) == "archive" or upload.name.lower().endswith(".zip")


def _is_dataset(upload: UploadedFile, archive: PhotoArchive | None) -> bool:
    """Return whether an upload, opened if it is an archive, is FER2013's csv, packed or not."""
    if archive is not None:
        return not archive.photos
    head = _head(upload)
    return head.startswith(_PACKED) or (
        Path(upload.name).suffix.lower() == ".csv" and has_pixels(head)
    )


def _confirmed_photos(opened: OpenedUploads) -> EvaluationJob | None:
    source, labels = opened.source, opened.labels
    assert source is not None
    assert labels is not None
    for note in (*source.notes, *labels.notes):
        st.caption(escape_markdown(note))
    mapping = _confirm_classes(labels)
    used = sum(count for name, count in labels.counts.items() if mapping.emotions[name] != LEFT_OUT)
    cropped = (
        st.segmented_control(
            "Faces",
            list(_FACES),
            default="find",
            format_func=_FACES.__getitem__,
            required=True,
            key="own_set_faces",
            help="Faces are found, framed and measured as on the Photo page. Of several faces in a photo "
            "the largest is used. Cropped faces, such as FER2013's, are used as they are.",
        )
        == "cropped"
    )
    models = _select_networks()
    pressed = st.button(
        f"Evaluate {pluralize(len(models), 'network')} on {pluralize(used, 'photo')}",
        type="primary",
        icon=":material/play_arrow:",
        key="own_set_start",
        disabled=not (models and used),
    )
    if not pressed:
        return None
    photos = [LabelledPhoto(label, source.photos[label.photo]) for label in labels.labels]
    return PhotoEvaluationJob(
        name=opened.name,
        models=models,
        photos=photos,
        mapping=mapping,
        cropped=cropped,
        notes=(*source.notes, *labels.notes),
    )


def _confirm_classes(labels: Labels) -> ClassMapping:
    """Show which emotion each class is taken for, to be changed, and return it."""
    mapping = propose_mapping(labels.counts)
    if mapping.unknown:
        unknown = ", ".join(escape_markdown(name) for name in mapping.unknown[:10])
        st.warning(
            f"Not recognised, and left out unless you choose an emotion below: {unknown}",
            icon=":material/help:",
        )
    if mapping.numbering:
        st.warning(
            f"Numbers mean another emotion in each data set. These are taken for {mapping.numbering}'s: "
            "please check.",
            icon=":material/help:",
        )
    names = list(mapping.emotions)
    edited = edit_column(
        {
            "class": names,
            "photos": [labels.counts[name] for name in names],
            "emotion": [mapping.emotions[name] for name in names],
        },
        "emotion",
        [*EMOTIONS, LEFT_OUT],
        titles={"class": "Your class", "photos": "Photos", "emotion": "Is the emotion"},
        width="content",
        # Streamlit knows edits by their row, which is another class's once a file is added.
        key=f"own_set_classes_{st.session_state[_ROUND]}_{hash(tuple(names))}",
    )
    if labels.unlabelled:
        st.caption(f"{pluralize(labels.unlabelled, 'photo')} without a label will be left out.")
    chosen = dict(zip(names, edited, strict=True))
    known = {name: emotion for name, emotion in chosen.items() if emotion in (*EMOTIONS, LEFT_OUT)}
    return mapping.with_choices(known)


def _confirmed_dataset(opened: OpenedUploads) -> EvaluationJob | None:
    st.caption(
        f"{escape_markdown(opened.name)} is read as FER2013's csv. If it is the very data that the networks "
        "were tested on, its images are added to the metrics; otherwise the networks are evaluated on "
        "its test images."
    )
    models = _select_networks()
    pressed = st.button(
        f"Read {escape_markdown(opened.name)}",
        type="primary",
        icon=":material/play_arrow:",
        key="own_set_start",
        disabled=not models,
    )
    if not pressed:
        return None
    known = {name: model.card.data.fingerprint for name, model in loadable_models().items()}
    return DatasetEvaluationJob(name=opened.name, models=models, path=Path(), known=known)


def _select_networks() -> list[str]:
    usable = loadable_models()
    labels, names = model_labels(usable), list(usable)
    selected = st.pills(
        "Networks",
        names,
        selection_mode="multi",
        default=names,
        format_func=lambda name: escape_markdown(labels[name]),
        key="own_set_networks",
        wrap=True,
    )
    chosen: list[str] = list(selected)
    return sorted(chosen, key=names.index)
