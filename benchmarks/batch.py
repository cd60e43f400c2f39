"""Measures how batch jobs scale from one worker to two, on this machine and on Ray.

    python benchmarks/batch.py --photos 400

The photos are made from scikit-image's public-domain astronaut: 640x480, two faces each. Rates are
taken between the first and the last written part, so that starting processes does not count;
"whole" is the rate with the start.
"""

from __future__ import annotations

import argparse
import io
import tempfile
import time
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from emosense.batch.job import Pool, Progress, run_job
from emosense.batch.options import BatchOptions
from emosense.batch.pools.local import LocalPool
from emosense.samples import sample_photo


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--photos", type=int, default=400)
    parser.add_argument("--model", default="cnn8")
    parser.add_argument("--without-ray", action="store_true")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        album = Path(folder) / "album"
        make_album(album, arguments.photos)
        pools: dict[str, Pool] = {f"local, {n}": LocalPool(n) for n in (1, 2)}
        print("| pool, workers | photos/s | whole | against one worker |\n|---|---|---|---|")
        single = run(album, folder, "local-1", pools["local, 1"], arguments.model)
        show("local, 1", single, single)
        show("local, 2", run(album, folder, "local-2", pools["local, 2"], arguments.model), single)
        if arguments.without_ray:
            return
        from emosense.batch.pools.ray import RayPool

        single = run(album, folder, "ray-1", RayPool(1), arguments.model)
        show("Ray, 1", single, single)
        show("Ray, 2", run(album, folder, "ray-2", RayPool(2), arguments.model), single)


def make_album(folder: Path, photos: int) -> None:
    """Write photos that differ in place and size of their two faces."""
    folder.mkdir()
    astronaut = np.asarray(Image.open(io.BytesIO(sample_photo())).convert("RGB"))
    rng = np.random.default_rng(0)
    for number in range(photos):
        canvas = cv2.resize(
            rng.integers(60, 160, (6, 8, 3)).astype(np.uint8), (640, 480), cv2.INTER_CUBIC
        )
        for left in (0, 320):
            side = int(rng.integers(200, 320))
            top = int(rng.integers(0, 480 - side))
            canvas[top : top + side, left : left + side] = cv2.resize(
                astronaut[:400, 60:460], (side, side), interpolation=cv2.INTER_AREA
            )
        Image.fromarray(canvas).save(folder / f"{number:05d}.jpg", quality=88)


def run(album: Path, folder: str, name: str, pool: Pool, model: str) -> tuple[float, float]:
    """Return photos a second (between first and last part, with the start)."""
    seen: list[tuple[float, int]] = []

    def note(progress: Progress) -> None:
        seen.append((time.perf_counter(), progress.done))

    run_job(str(album), f"{folder}/{name}", BatchOptions(model), pool, note)
    (start, _), (first, before), (last, after) = seen[0], seen[1], seen[-1]
    return (after - before) / (last - first), after / (last - start)


def show(name: str, rates: tuple[float, float], single: tuple[float, float]) -> None:
    print(f"| {name} | {rates[0]:.1f} | {rates[1]:.1f} | {rates[0] / single[0]:.2f}x |", flush=True)


if __name__ == "__main__":
    main()
