"""How much signal reaches each layer of an untrained network, and how much gradient comes back.

    python benchmarks/signal_flow.py fer2013.csv [--networks cnn4 cnn8 cnn10] [--images 256]

``spread`` is the standard deviation of a layer's outputs over the images, divided by that of
the first convolution: what the layer can still tell apart. ``gradient`` is the norm of the
loss's gradient by the layer's kernel, divided by the kernel's own norm: the share by which a
plain gradient step of rate 1 would change it. Dropout is off.
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
from emosense.training.batches import targets, to_unit
from emosense.training.read import read_dataset
from emosense.training.recipe import Recipe


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--networks", nargs="+", default=list(ARCHITECTURES))
    parser.add_argument("--initializers", nargs="+", default=["glorot_uniform", "he_normal"])
    parser.add_argument("--images", type=int, default=256)
    parser.add_argument("--seeds", type=int, default=3)
    arguments = parser.parse_args()
    training = read_dataset(arguments.data).split("Training")
    some = training.take(np.arange(0, len(training), len(training) // arguments.images))
    images = to_unit(some.images)[..., np.newaxis]
    wanted = targets(some, Recipe("cnn8"))
    for name in arguments.networks:
        for initializer in arguments.initializers:
            rows = [
                measure(name, initializer, seed, images, wanted) for seed in range(arguments.seeds)
            ]
            print(f"\n{name}, {initializer}, median of {arguments.seeds} seeds")
            print("| layer | spread | gradient |\n|---|---|---|")
            for layer in rows[0]:
                spread, gradient = np.median([row[layer] for row in rows], axis=0)
                print(f"| {layer} | {spread:.2g} | {gradient:.2g} |")


def measure(
    name: str, initializer: str, seed: int, images: np.ndarray, wanted: np.ndarray
) -> dict[str, tuple[float, float]]:
    """Return (spread, gradient) by layer name."""
    keras.utils.set_random_seed(seed)
    model = ARCHITECTURES[name].build(initializer)
    layers = [layer for layer in model.layers if layer.weights]
    watched = keras.Model(model.inputs, [*(layer.output for layer in layers[:-1]), model.output])
    with tf.GradientTape() as tape:
        *outputs, probabilities = watched(images, training=False)
        loss = keras.ops.mean(keras.losses.categorical_crossentropy(wanted, probabilities))
    gradients = tape.gradient(loss, [layer.kernel.value for layer in layers])
    spreads = [
        float(np.std(np.asarray(output), axis=0).mean()) for output in (*outputs, probabilities)
    ]
    return {
        layer.name: (
            spread / spreads[0],
            float(tf.norm(gradient)) / float(tf.norm(layer.kernel)),
        )
        for layer, spread, gradient in zip(layers, spreads, gradients, strict=True)
    }


if __name__ == "__main__":
    main()
