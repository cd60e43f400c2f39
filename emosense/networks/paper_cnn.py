"""The paper's CNNs, from one builder, in backend-independent Keras 3.

"8L" counts convolution and pooling layers (4 + 4). The paper prints the layer summary of 8L only,
which determines it completely: 4,232,199 parameters. 4L and 10L are **our interpretation**:
2 and 5 convolution + pooling blocks with the same dense layers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from emosense.emotions import EMOTIONS, INPUT_SIZE
from emosense.networks.batch_norm import EPSILON, MOMENTUM, NORM_SUFFIX

if TYPE_CHECKING:
    import keras


def build_paper_cnn(
    name: str,
    filters: tuple[int, ...],
    initializer: str,
    dropout: float,
    *,
    padded: bool = False,
    batch_norm: bool = False,
) -> keras.Model:
    """Build one of the paper's networks, or a variant of one.

    Convolutions are 3x3 "valid". After four blocks the feature map is 1x1, where a valid 3x3
    convolution and a 2x2 pooling have no output; the fifth block of 10L therefore pads
    ("same"), so that its convolution sees one pixel and eight zeros, and its pooling is the
    identity.

    The dropout rate is 0.4, and 0.3 before the last layer.

    Args:
        name: model name.
        filters: output channels of each 3x3 convolution; each is followed by ReLU,
            2x2 max pooling and dropout.
        initializer: Keras name of the kernel initialiser of all layers.
        dropout: factor on both dropout rates.
        padded: pad every convolution, so that it preserves the size of the feature map.
        batch_norm: use batch normalisation instead of biases. It follows the pooling, which
            costs a quarter of the operations: a non-negative scale and ReLU both commute with
            max pooling. Folding the batch normalisation gives the network without it.

    Returns:
        A functional model: (n, 48, 48, 1) float grey values in 0..1 -> (n, 7) float32
        probabilities.
    """
    import keras
    from keras import layers

    from emosense.networks.fused_batch_norm import FusedBatchNormalization

    options = {"use_bias": False} if batch_norm else {"activation": "relu"}

    def normalise(x: object, label: str) -> object:
        if not batch_norm:
            return x
        x = FusedBatchNormalization(
            momentum=MOMENTUM,
            epsilon=EPSILON,
            gamma_constraint=keras.constraints.NonNeg(),
            name=label + NORM_SUFFIX,
        )(x)
        return layers.ReLU(name=f"{label}_relu")(x)

    inputs = keras.Input((INPUT_SIZE, INPUT_SIZE, 1), name="face")
    x = inputs
    side = INPUT_SIZE
    for number, width in enumerate(filters, start=1):
        padding = "valid" if side >= 4 and not padded else "same"
        x = layers.Conv2D(
            width,
            3,
            padding=padding,
            kernel_initializer=initializer,
            name=f"conv{number}",
            **options,
        )(x)
        pooling = "valid" if side >= 4 else "same"
        x = layers.MaxPooling2D(2, padding=pooling, name=f"pool{number}")(x)
        x = normalise(x, f"conv{number}")
        x = layers.Dropout(0.4 * dropout, name=f"dropout{number}")(x)
        side = side if padding == "same" else side - 2
        side = side // 2 if pooling == "valid" else -(-side // 2)
    x = layers.Flatten(name="flatten")(x)
    for number, (width, rate) in enumerate(((512, 0.4), (256, 0.3)), start=1):
        x = layers.Dense(width, kernel_initializer=initializer, name=f"dense{number}", **options)(x)
        x = normalise(x, f"dense{number}")
        x = layers.Dropout(rate * dropout, name=f"dense{number}_dropout")(x)
    # float32 also under a mixed precision policy: probabilities need the precision.
    outputs = layers.Dense(
        len(EMOTIONS),
        activation="softmax",
        kernel_initializer=initializer,
        dtype="float32",
        name="emotion",
    )(x)
    return keras.Model(inputs, outputs, name=name)
