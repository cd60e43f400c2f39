"""Series of mutated files, sent through inference processes and measured one by one."""

from __future__ import annotations

import io
import multiprocessing
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from PIL import Image

from emosense.jobs import lane_choice
from emosense.samples import sample_photo
from emosense.services import SWELLING_BYTES
from support.file_cost import FileCost, MeasuredWorker
from support.mutation.cases import PHOTOS, VIDEOS, Case, Corpus

PART = 10
"""Files that a process takes at once."""


@dataclass(frozen=True)
class Part:
    """Numbers of files of one series, and where their like is made.

    ``limited`` measures processes with the limits that the app sets, instead of none.
    """

    seed: int
    videos: bool
    numbers: range
    folder: Path
    limited: bool = False

    def corpus(self) -> Corpus:
        astronaut = np.asarray(Image.open(io.BytesIO(sample_photo())).convert("RGB"))
        return Corpus(self.seed, astronaut, self.folder)


def parts(whole: Part) -> list[Part]:
    """Return a series in parts."""
    numbers = whole.numbers
    begins = range(numbers.start, numbers.stop, PART)
    return [replace(whole, numbers=range(i, min(i + PART, numbers.stop))) for i in begins]


def measured(wanted: Iterable[Part], processes: int) -> Iterator[FileCost]:
    """Yield what the files cost, as they are done; each process has an inference process."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context) as pool:
        try:
            for done in as_completed([pool.submit(measure_part, part) for part in wanted]):
                yield from done.result()
        finally:
            pool.shutdown(wait=False, cancel_futures=True)


_open = ExitStack()
_workers: dict[bool, MeasuredWorker] = {}
_corpora: dict[tuple[int, Path], Corpus] = {}


def measure_part(part: Part) -> list[FileCost]:
    """Measure the files of a part; the inference processes stay for the next one."""
    if part.videos not in _workers:
        _workers[part.videos] = _open.enter_context(_worker(part))
    key = (part.seed, part.folder)
    if key not in _corpora:
        _corpora[key] = part.corpus()
    corpus, worker = _corpora[key], _workers[part.videos]
    make = corpus.video if part.videos else corpus.photo
    return [measure(worker, make(number), number) for number in part.numbers]


def _worker(part: Part) -> MeasuredWorker:
    if not part.limited:
        return MeasuredWorker()
    if part.videos:
        return MeasuredWorker(
            memory_bytes=lane_choice.VIDEO_BYTES,
            limits_of=lambda request: lane_choice.video_lane(request).limits,
            max_swelling=SWELLING_BYTES,
        )
    return MeasuredWorker(
        memory_bytes=lane_choice.photo_bytes(),
        limits_of=lambda request: lane_choice.photo_lane(request).limits,
        max_swelling=SWELLING_BYTES,
    )


def measure(worker: MeasuredWorker, case: Case, number: int = 0) -> FileCost:
    """Measure one file; which it is, a photo or a video, its kind says."""
    if case.kind in PHOTOS:
        return worker.photo(case.name, case.kind, case.data, number)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "video"
        path.write_bytes(case.data)
        return worker.video(case.name, case.kind, path, number)


def measure_files(paths: Iterable[Path]) -> Iterator[FileCost]:
    """Measure files as they are; what no photo's ending has is taken for a video."""
    kinds = {form.ending: kind for kind, form in (PHOTOS | VIDEOS).items()}
    with MeasuredWorker() as photos, MeasuredWorker() as videos:
        for path in paths:
            kind = kinds.get(path.suffix[1:].lower(), "mp4")
            worker = photos if kind in PHOTOS else videos
            yield measure(worker, Case(path.name, kind, path.read_bytes()))


def report(costs: list[FileCost]) -> str:
    """Return the outcomes and costs as Markdown tables, by kind, and the worst ten."""
    by_kind: dict[str, list[FileCost]] = defaultdict(list)
    for cost in costs:
        by_kind[cost.kind].append(cost)
    lines = [
        "| kind | files | processor s: p50, p99, max | peak MB: p50, p99, max | outcomes |",
        "|---|---|---|---|---|",
    ]
    for kind in (*PHOTOS, *VIDEOS):
        if found := by_kind.get(kind):
            ended = Counter(cost.outcome for cost in found)
            outcomes = ", ".join(f"{number} {outcome}" for outcome, number in ended.most_common())
            lines.append(
                f"| {kind} | {len(found)} | {_spread([c.seconds for c in found], '.2f')} "
                f"| {_spread([c.megabytes for c in found], '.0f')} | {outcomes} |"
            )
    lines += ["", "The dearest ten:", ""]
    lines += [told(cost) for cost in sorted(costs, key=lambda c: -c.share)[:10]]
    return "\n".join(lines)


def _spread(values: list[float], form: str) -> str:
    return ", ".join(format(v, form) for v in (*np.percentile(values, [50, 99]), max(values)))


def told(cost: FileCost) -> str:
    """Return one line about a file and what each request cost."""
    each = "; ".join(f"{n} {c.seconds:.1f} s {c.megabytes:.0f} MB" for n, c in cost.costs.items())
    return f"- {cost.name} ({cost.size:,} bytes): {cost.outcome}; {each}. {cost.message[:160]}"
