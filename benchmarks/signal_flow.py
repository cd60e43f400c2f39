"""How much signal reaches each layer of a network, untrained or trained, and what drowns it.

    python benchmarks/signal_flow.py fer2013.csv [--networks cnn4 cnn8 cnn10] [--images 256]
    python benchmarks/signal_flow.py fer2013.csv --trained cnn8 cnn10

``spread`` is the standard deviation of a layer's outputs over the images, divided by that of
the first convolution: what the layer can still tell apart. ``noise`` is the standard deviation
that dropout gives the outputs for one and the same image, divided by the layer's own spread over
the images: above 1, a training step sees more dropout than face. ``gradient`` is the norm of the
loss's gradient by the layer's kernel, divided by the kernel's own norm: the share by which a
plain gradient step of rate 1 would change it. ``active`` is the share of a layer's outputs that
are above 0 for at least one image. Dropout is off but for ``noise``.
"""

from __future__ import annotations

import argparse
import os
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
import tensorflow as tf

from emosense.networks.architectures import ARCHITECTURES
from emosense.networks.registry import find_model
from emosense.networks.serialization import load_network
from emosense.training.epoch_data import targets, to_unit
from emosense.training.readers.auto import read_dataset
from emosense.training.recipe import Recipe

COLUMNS = ("spread", "noise", "gradient", "active")
PASSES = 16


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--networks", nargs="+", default=["cnn4", "cnn8", "cnn10", "cnn10-padded"])
    parser.add_argument("--initializers", nargs="+", default=["glorot_uniform", "he_normal"])
    parser.add_argument(
        "--trained", nargs="+", help="registered models or .keras files, instead of untrained ones"
    )
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    training = read_dataset(arguments.data).split("Training")
    some = training.take(np.arange(0, len(training), len(training) // arguments.images))
    images = to_unit(some.images)[..., np.newaxis]
    wanted = targets(some, Recipe("cnn8"))
    if arguments.trained:
        for name in arguments.trained:
            stored = name.endswith(".keras")
            network = load_network(Path(name)) if stored else find_model(name).network()
            show(f"{name}, trained", [compute_metrics(network, images, wanted)])
        return
    for name in arguments.networks:
        for initializer in arguments.initializers:
            rows = []
            for seed in range(arguments.seeds):
                keras.utils.set_random_seed(seed)
                network = ARCHITECTURES[name].build(initializer)
                rows.append(compute_metrics(network, images, wanted))
            show(f"{name}, {initializer}, median of {arguments.seeds} seeds", rows)


def show(title: str, rows: list[dict[str, tuple[float, ...]]]) -> None:
    """Print the median of the rows as a table."""
    print(f"\n{title}\n| layer | {' | '.join(COLUMNS)} |\n|{'---|' * (len(COLUMNS) + 1)}")
    for layer in rows[0]:
        values = np.median([row[layer] for row in rows], axis=0)
        print(f"| {layer} | {' | '.join(f'{value:.2g}' for value in values)} |", flush=True)


def compute_metrics(
    network: keras.Model, images: np.ndarray, wanted: np.ndarray
) -> dict[str, tuple[float, ...]]:
    """Return the columns' values by layer name."""
    layers = [layer for layer in network.layers if layer.weights]
    watched = keras.Model(network.inputs, [layer.output for layer in layers])
    with tf.GradientTape() as tape:
        outputs = watched(images, training=False)
        loss = keras.ops.mean(keras.losses.categorical_crossentropy(wanted, outputs[-1]))
    gradients = tape.gradient(loss, [layer.kernel.value for layer in layers])
    spreads = [float(np.std(np.asarray(output), axis=0).mean()) for output in outputs]
    noises = dropout_noise(watched, images[:: len(images) // 16])
    return {
        layer.name: (
            spread / spreads[0],
            noise / spread if spread else np.nan,
            float(tf.norm(gradient)) / float(tf.norm(layer.kernel)),
            float((np.asarray(output) > 0).any(axis=0).mean()),
        )
        for layer, spread, noise, gradient, output in zip(
            layers, spreads, noises, gradients, outputs, strict=True
        )
    }


def dropout_noise(watched: keras.Model, images: np.ndarray) -> list[float]:
    """Return per output its standard deviation over passes with dropout, mean over images."""
    passes = [[np.asarray(o) for o in watched(images, training=True)] for _ in range(PASSES)]
    return [float(np.std(outputs, axis=0).mean()) for outputs in zip(*passes, strict=True)]


if __name__ == "__main__":
    main()
