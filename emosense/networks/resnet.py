"""EmoSense's own networks: small residual CNNs (He et al. 2016, arXiv:1512.03385).

A stride-2 stem downsamples 48x48 to 24x24; four stages of two basic blocks follow at 24, 12, 6
and 3 pixels, then global average pooling and one dense layer. All convolutions are plain 3x3
ones: on CPUs they are faster than depthwise convolutions with fewer operations. The first layer
standardises every face to mean 0 and variance 1, so that the network is invariant to brightness
and contrast.

Batch normalisation is needed for training only; :mod:`emosense.networks.batch_norm` folds it
into the convolutions before the weights are saved.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emosense.emotions import EMOTIONS, INPUT_SIZE
from emosense.networks.batch_norm import EPSILON, MOMENTUM, NORM_SUFFIX

if TYPE_CHECKING:
    import keras

BLOCKS = 2
DROPOUT = 0.2


def build_resnet(
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
        name: model name.
        stem: channels of the first convolution.
        widths: channels of each stage; all stages but the first begin with stride 2.
        initializer: Keras name of the kernel initialiser of all layers.
        dropout: factor on the dropout rate of 0.2 before the last layer.
        folded: use biases instead of batch normalisation.

    Returns:
        A functional model: (n, 48, 48, 1) float grey values in 0..1 -> (n, 7) float32
        probabilities.
    """
    import keras
    from keras import layers

    from emosense.networks.fused_batch_norm import FusedBatchNormalization

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
        return FusedBatchNormalization(
            momentum=MOMENTUM, epsilon=EPSILON, name=label + NORM_SUFFIX
        )(x)

    def relu(x: object, label: str) -> object:
        return layers.ReLU(name=label)(x)

    inputs = keras.Input((INPUT_SIZE, INPUT_SIZE, 1), name="face")
    # float32 also under mixed precision: a dark face's variance is tiny.
    x = layers.LayerNormalization(
        axis=(1, 2, 3), center=False, scale=False, epsilon=1e-4, dtype="float32", name="standardise"
    )(inputs)
    x = relu(convolution(x, stem, 3, 2, "conv1"), "conv1_relu")
    channels = stem
    for stage, width in enumerate(widths, start=1):
        for block in range(1, BLOCKS + 1):
            label = f"stage{stage}_block{block}"
            stride = 2 if stage > 1 and block == 1 else 1
            y = relu(convolution(x, width, 3, stride, f"{label}_conv1"), f"{label}_relu1")
            y = convolution(y, width, 3, 1, f"{label}_conv2")
            if stride > 1 or channels != width:
                x = convolution(x, width, 1, stride, f"{label}_shortcut")
            x = relu(layers.Add(name=f"{label}_add")([x, y]), f"{label}_relu2")
            channels = width
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
