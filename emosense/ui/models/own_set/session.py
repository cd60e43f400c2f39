"""The test sets of a browser session."""

from __future__ import annotations

import shutil
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from emosense.asgi.budget import Holding
from emosense.evaluation_set.labels import Labels
from emosense.evaluation_set.result import EvaluationSet
from emosense.evaluation_set.source import PhotoSource
from emosense.filesystem.disk import check_free_space
from emosense.jobs.evaluation_jobs import DatasetEvaluationJob, EvaluationJob
from emosense.services import services
from emosense.ui.session.cleanup import session_resource
from emosense.ui.session.jobs import SessionJobs
from emosense.ui.session.user import session_account

OWN: Final = "own-"
"""Prefix of the keys of a session's own test sets."""
_CHUNK_BYTES: Final = 2**20


@dataclass(frozen=True)
class OpenedUploads:
    """Uploads that were looked into.

    Attributes:
        files: their ids.
        name: name of the data set.
        source: its photos; None for FER2013's csv.
        labels: the photos' classes; None for FER2013's csv.

    >>> OpenedUploads(("1",), "fer2013.csv", None, None).name
    'fer2013.csv'
    """

    files: tuple[str, ...]
    name: str
    source: PhotoSource | None
    labels: Labels | None


class SessionEvaluations(SessionJobs[EvaluationJob]):
    """The evaluations that one browser session started, and the test sets that they made.

    Attributes:
        opened: the uploads that are in the uploader now; None without any.

    >>> issubclass(SessionEvaluations, SessionJobs)
    True
    """

    def __init__(self) -> None:
        super().__init__(services().photos)
        self._files: dict[EvaluationJob, tuple[Path, Holding]] = {}
        self.opened: OpenedUploads | None = None

    def start_dataset(self, job: DatasetEvaluationJob, content: BinaryIO, size: int) -> int:
        """Write a data set to disk, queue the job that reads it and return its number.

        Args:
            job: the job; its path is set here.
            content: binary stream of the file.
            size: size of the file in bytes.

        Raises:
            EmoSenseError: there is no room for it.
        """
        spool, space = services().spool, services().spool_budget.hold(session_account())
        folder = spool.new_folder()
        try:
            space.resize(size)
            check_free_space(folder, job.name, size)
            # With its endings, by which compressed files and archives are known.
            job.path = folder / ("data-set" + "".join(Path(job.name).suffixes[-2:])[:16])
            content.seek(0)
            with job.path.open("wb") as file:
                shutil.copyfileobj(content, file, _CHUNK_BYTES)
            self._files[job] = folder, space
            job.on_end = lambda: self._remove_file(job)
            return self.submit(job)
        except BaseException:
            self._files.pop(job, None)
            spool.remove(folder)
            space.release()
            raise

    def forget_uploads(self, session: str, files: Collection[str]) -> None:
        """Close the opened uploads, whose photos are read from memory: their view was left."""
        if self.opened is not None and not set(files).isdisjoint(self.opened.files):
            self.opened = None

    def _remove_file(self, job: EvaluationJob) -> None:
        if (held := self._files.pop(job, None)) is not None:
            services().spool.remove(held[0])
            held[1].release()

    @property
    def sets(self) -> dict[str, EvaluationSet]:
        """The session's own test sets with predictions, by their keys."""
        found: dict[str, EvaluationSet] = {}
        for number, job in self.jobs.items():
            if not job.is_finished:
                continue
            if isinstance(job, DatasetEvaluationJob):
                found |= {
                    f"{OWN}{number}-{split}": evaluation_set
                    for split, evaluation_set in job.results.items()
                }
            elif job.result is not None and len(job.result):
                found[f"{OWN}{number}"] = job.result
        return {key: own for key, own in found.items() if own.probabilities}

    def shipped_images(self, split: str, fingerprint: str) -> EvaluationSet | None:
        """Return the images of a shipped test split, once the visitor has given them.

        Args:
            split: ``PublicTest`` or ``PrivateTest``.
            fingerprint: fingerprint of the data that the networks were tested on.
        """
        for job in self.jobs.values():
            if not isinstance(job, DatasetEvaluationJob) or not job.is_finished:
                continue
            if job.fingerprint == fingerprint and split in job.results:
                return job.results[split]
        return None


def session_evaluations() -> SessionEvaluations:
    """Return this browser session's test sets."""
    return session_resource(SessionEvaluations)
