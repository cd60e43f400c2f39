"""Compares explanations: which one finds the pixels that an answer really rests on?

    python benchmarks/attribution.py fer2013.csv --model cnn8

Deletion (Petsiuk et al. 2018, arXiv:1806.07421): the pixels that a method ranks highest are set
to the face's mean grey, 5 to 50 % of them, and the probability of the answer is averaged; the
lower, the better. Insertion: only they are kept, the rest is mean grey; the higher, the better.
Neither uses the blur that the app's own explanation (occlusion) works with. Needs TensorFlow.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
import tensorflow as tf

from emosense.networks.classifier import EmotionClassifier
from emosense.networks.occlusion import explain
from emosense.networks.registry import find_model
from emosense.training.readers.auto import read_dataset

SHARES = np.arange(0.05, 0.51, 0.05)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("data", type=Path)
    parser.add_argument("--model", default="cnn8")
    parser.add_argument("--images", type=int, default=100)
    arguments = parser.parse_args()
    model = find_model(arguments.model)
    classify, network = EmotionClassifier(model), model.network()
    split = read_dataset(arguments.data).split("PublicTest")
    faces = split.images[:: len(split) // arguments.images][: arguments.images]
    codes = classify(faces).argmax(1)
    convolutions = [x.name for x in network.layers if "Conv2D" in type(x).__name__]
    rng = np.random.default_rng(0)
    methods = {
        "random": rng.random(faces.shape),
        "middle of the face": np.broadcast_to(middle(), faces.shape),
        "occlusion (the app)": np.stack([explain(face, classify).effect for face in faces]),
    }
    for name in convolutions:
        size = network.get_layer(name).output.shape[1]
        methods[f"Grad-CAM, {name} ({size}x{size})"] = grad_cam(network, name, faces, codes)
    print(f"{arguments.model}, {len(faces)} images of PublicTest")
    print("| explanation | deletion | insertion |\n|---|---|---|")
    for name, maps in methods.items():
        gone = np.mean([kept(classify, faces, codes, maps, s, False) for s in SHARES])
        stays = np.mean([kept(classify, faces, codes, maps, s, True) for s in SHARES])
        print(f"| {name} | {gone:.3f} | {stays:.3f} |")


def middle() -> np.ndarray:
    """Return a map that ranks pixels by their distance to the middle."""
    y, x = np.mgrid[:48, :48] - 23.5
    return -np.hypot(x, y)


def kept(
    classify: EmotionClassifier,
    faces: np.ndarray,
    codes: np.ndarray,
    maps: np.ndarray,
    share: float,
    inside: bool,
) -> float:
    """Return the answers' mean probability with only (or without) the highest-ranked pixels."""
    border = np.quantile(maps.reshape(len(maps), -1), 1 - share, axis=1)[:, None, None]
    mean = faces.mean((1, 2), keepdims=True).round().astype(np.uint8)
    shown = np.where((maps >= border) == inside, faces, mean)
    return float(classify(shown)[np.arange(len(codes)), codes].mean())


def grad_cam(
    network: tf.keras.Model, layer: str, faces: np.ndarray, codes: np.ndarray
) -> np.ndarray:
    """Return Grad-CAM maps (Selvaraju et al. 2017, arXiv:1610.02391) of log-probabilities."""
    import keras

    watched = keras.Model(network.inputs, [network.get_layer(layer).output, network.output])
    with tf.GradientTape() as tape:
        maps, answers = watched([faces[..., None].astype(np.float32) / 255], training=False)
        chosen = tf.math.log(tf.gather(answers, codes, batch_dims=1) + 1e-9)
    weights = tf.reduce_mean(tape.gradient(chosen, maps), (1, 2), keepdims=True)
    found = tf.nn.relu(tf.reduce_sum(weights * maps, -1)).numpy()
    return np.stack([cv2.resize(one, (48, 48), interpolation=cv2.INTER_LINEAR) for one in found])


if __name__ == "__main__":
    main()
