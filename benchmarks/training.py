"""Speed of training steps, with batch normalisation as Keras computes it and in one kernel.

    python benchmarks/training.py [NETWORK ...] [--precision mixed_bfloat16] [--rounds 8]

Both networks take turns in one process, so that a busy machine slows them alike; figures are medians.
"""

from __future__ import annotations

import argparse
import statistics
import time
from dataclasses import replace

import keras
import numpy as np

from emosense.emotions import EMOTIONS, INPUT_SIZE
from emosense.networks.fused_batch_norm import FusedBatchNormalization
from emosense.training.recipe import CHOICES, default_recipe
from emosense.training.trainer import build_and_compile

_STEPS = 3
KERNELS = {"Keras": keras.layers.BatchNormalization.call, "fused": FusedBatchNormalization.call}


def images_per_second(network: str, precision: str, rounds: int) -> dict[str, float]:
    """Return the median speed of both, in images/s."""
    recipe = replace(default_recipe(network), precision=precision)
    rng = np.random.default_rng(0)
    images = rng.random((recipe.batch_size, INPUT_SIZE, INPUT_SIZE, 1), np.float32)
    targets = np.eye(len(EMOTIONS), dtype=np.float32)[rng.integers(0, 7, recipe.batch_size)]
    models = {}
    for name, call in KERNELS.items():
        setattr(FusedBatchNormalization, "call", call)  # noqa: B010  # a method, for the type checker
        models[name] = build_and_compile(recipe, steps=225)
        models[name].train_on_batch(images, targets)  # compiles
    seconds: dict[str, list[float]] = {name: [] for name in models}
    for _ in range(rounds):
        for name, model in models.items():
            for _ in range(_STEPS):
                started = time.perf_counter()
                model.train_on_batch(images, targets)
                seconds[name].append(time.perf_counter() - started)
    return {name: recipe.batch_size / statistics.median(of) for name, of in seconds.items()}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("networks", nargs="*", default=["emosense-s", "emosense-l", "cnn8-tuned"])
    parser.add_argument("--precision", choices=CHOICES["precision"], default="mixed_bfloat16")
    parser.add_argument("--rounds", type=int, default=8)
    options = parser.parse_args()
    print("| network | " + " | ".join(f"{name}, images/s" for name in KERNELS) + " |")
    print("|---" * (1 + len(KERNELS)) + "|")
    for network in options.networks:
        speeds = images_per_second(network, options.precision, options.rounds)
        print(f"| {network} | " + " | ".join(f"{speed:.0f}" for speed in speeds.values()) + " |")


if __name__ == "__main__":
    main()
