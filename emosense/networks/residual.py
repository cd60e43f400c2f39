"""EmoSense's own networks: small residual CNNs (He et al. 2016, arXiv:1512.03385).

A stride-2 stem brings 48x48 to 24x24; four stages of two basic blocks follow at 24, 12, 6 and
3 pixels, then global average pooling and one dense layer. Plain 3x3 convolutions throughout:
on CPUs they outrun depthwise ones of fewer operations. Every face is first brought to mean 0
and variance 1 inside the network, so that dark and pale photos look alike to it.

Batch normalisation is needed for training only. :func:`fold_batch_norm` merges it into the
convolutions, which is how trained weights are kept.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from emosense.emotions import EMOTIONS, INPUT_SIZE

if TYPE_CHECKING:
    import keras

BLOCKS = 2
DROPOUT = 0.2
_MOMENTUM = 0.9
_EPSILON = 1e-3
_NORM = "_norm"


def build_residual(
    name: str,
    stem: int,
    widths: tuple[int, ...],
    initializer: str,
    dropout: float,
    *,
    folded: bool = False,
) -> keras.Model:
    """Build a residual network.

    Args:
        name: of the model.
        stem: channels of the first convolution.
        widths: channels of each stage; each but the first begins with stride 2.
        initializer: Keras name of the kernel initialiser of all layers.
        dropout: factor on the rate before the last layer, 0.2.
        folded: with biases instead of batch normalisation.

    Returns:
        (n, 48, 48, 1) float in 0..1 -> (n, 7) float32 probabilities.
    """
    import keras
    from keras import layers

    def convolution(x: object, width: int, size: int, stride: int, label: str) -> object:
        x = layers.Conv2D(
            width,
            size,
            strides=stride,
            padding="same",
            use_bias=folded,
            kernel_initializer=initializer,
            name=label,
        )(x)
        if folded:
            return x
        return layers.BatchNormalization(momentum=_MOMENTUM, epsilon=_EPSILON, name=label + _NORM)(
            x
        )

    def relu(x: object, label: str) -> object:
        return layers.ReLU(name=label)(x)

    inputs = keras.Input((INPUT_SIZE, INPUT_SIZE, 1), name="face")
    # float32 also under mixed precision: a dark face's variance is tiny.
    x = layers.LayerNormalization(
        axis=(1, 2, 3), center=False, scale=False, epsilon=1e-4, dtype="float32", name="standardise"
    )(inputs)
    x = relu(convolution(x, stem, 3, 2, "conv1"), "conv1_relu")
    before = stem
    for stage, width in enumerate(widths, start=1):
        for block in range(1, BLOCKS + 1):
            label = f"stage{stage}_block{block}"
            stride = 2 if stage > 1 and block == 1 else 1
            y = relu(convolution(x, width, 3, stride, f"{label}_conv1"), f"{label}_relu1")
            y = convolution(y, width, 3, 1, f"{label}_conv2")
            if stride > 1 or before != width:
                x = convolution(x, width, 1, stride, f"{label}_shortcut")
            x = relu(layers.Add(name=f"{label}_add")([x, y]), f"{label}_relu2")
            before = width
    x = layers.GlobalAveragePooling2D(name="average")(x)
    x = layers.Dropout(DROPOUT * dropout, name="dropout")(x)
    outputs = layers.Dense(
        len(EMOTIONS),
        activation="softmax",
        kernel_initializer=initializer,
        dtype="float32",
        name="emotion",
    )(x)
    return keras.Model(inputs, outputs, name=name)


def fold_batch_norm(trained: keras.Model, plain: keras.Model) -> keras.Model:
    """Merge each batch normalisation of a trained network into the convolution before it.

    Args:
        trained: from :func:`build_residual`; left as it is.
        plain: the same network built with ``folded=True``; its weights are set.

    Returns:
        ``plain``, which now computes what ``trained`` does in inference.
    """
    import numpy as np

    norms = {
        layer.name.removesuffix(_NORM): layer
        for layer in trained.layers
        if layer.name.endswith(_NORM)
    }
    for layer in plain.layers:
        weights = [np.asarray(w, np.float64) for w in trained.get_layer(layer.name).get_weights()]
        if layer.name in norms:
            norm = norms[layer.name]
            gamma, beta, mean, variance = (np.asarray(w, np.float64) for w in norm.get_weights())
            scale = gamma / np.sqrt(variance + norm.epsilon)
            weights = [weights[0] * scale, beta - mean * scale]
        layer.set_weights(weights)
    return plain


def unfold_batch_norm(plain: keras.Model, untrained: keras.Model, faces: Any) -> keras.Model:
    """Undo :func:`fold_batch_norm`, so that kept weights can be trained further.

    The statistics that folding dropped are measured anew on ``faces``. Each filter gets the
    length that He initialisation gives it: batch normalisation makes the answers indifferent to
    it, but it decides how far a training step turns the filter.

    Args:
        plain: the network as it is kept, with biases.
        untrained: the same network from :func:`build_residual`; its weights are set.
        faces: (n, 48, 48, 1) float32 in 0..1, as training shows them.

    Returns:
        ``untrained``, which now computes what ``plain`` does, in inference and, for ``faces``,
        in training.
    """
    import keras
    import numpy as np

    norms = [layer for layer in untrained.layers if layer.name.endswith(_NORM)]
    names = [norm.name.removesuffix(_NORM) for norm in norms]
    probe = keras.Model(plain.input, [plain.get_layer(name).output for name in names])
    for layer in untrained.layers:
        if layer.name not in names and layer not in norms:
            layer.set_weights(plain.get_layer(layer.name).get_weights())
    for norm, name, found in zip(
        norms, names, probe.predict(faces, batch_size=256, verbose=0), strict=True
    ):
        kernel, bias = plain.get_layer(name).get_weights()
        mean, variance = found.mean((0, 1, 2), np.float64), found.var((0, 1, 2), np.float64)
        length = np.sqrt(2 / np.maximum((kernel.astype(np.float64) ** 2).sum((0, 1, 2)), 1e-12))
        untrained.get_layer(name).set_weights([kernel * length])
        seen = variance * length**2
        gamma = np.sqrt(seen + norm.epsilon) / length
        norm.set_weights([gamma, mean, (mean - bias) * length, seen])
    return untrained
