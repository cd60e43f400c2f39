"""The paper's three CNNs, from one builder, in backend-neutral Keras 3.

"8L" counts convolution and pooling layers (4 + 4). The paper prints the summary of 8L only,
and that summary fixes it completely: 4,232,199 parameters. 4L and 10L are **our reading**:
2 and 5 convolution + pooling blocks under the same dense head.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from emosense.emotions import EMOTIONS, INPUT_SIZE
from emosense.errors import ModelNotFound

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Architecture:
    """A network that can be built and trained by name.

    Attributes:
        name: the registry's name, e.g. ``"cnn8"``.
        title: what the app shows, e.g. ``"8L CNN"``.
        filters: output channels of each 3x3 convolution; each is followed by ReLU,
            2x2 max pooling and dropout.
        summary: one sentence.
        paper_accuracy: test accuracy in 0..1 that the paper reports; None for a network that
            is not the paper's.
        padded: whether every convolution keeps its map's size.
    """

    name: str
    title: str
    filters: tuple[int, ...]
    summary: str
    paper_accuracy: float | None
    padded: bool = False

    def build(self, initializer: str = "glorot_uniform", dropout: float = 1.0) -> keras.Model:
        """Build the untrained network.

        Args:
            initializer: Keras name of the kernel initialiser of all layers.
            dropout: factor on the network's own dropout rates.

        Returns:
            A functional model: (n, 48, 48, 1) float grey values in 0..1 ->
            (n, 7) float32 class probabilities in FER2013's order.
        """
        return build_paper_cnn(self, initializer, dropout)


ARCHITECTURES: Final[dict[str, Architecture]] = {
    a.name: a
    for a in (
        Architecture("cnn4", "4L CNN", (128, 256), "Two convolution blocks (our reading).", 0.540),
        Architecture("cnn8", "8L CNN", (128, 256, 512, 512), "The paper's best network.", 0.622),
        Architecture(
            "cnn10",
            "10L CNN",
            (128, 256, 512, 512, 512),
            "Five convolution blocks (our reading).",
            0.273,
        ),
        Architecture(
            "cnn10-padded",
            "10L CNN, padded",
            (128, 256, 512, 512, 512),
            "10L with padding throughout, so that its fifth block sees a 3x3 map.",
            None,
            padded=True,
        ),
    )
}


def architecture(name: str) -> Architecture:
    """Return the architecture called ``name``.

    Raises:
        ModelNotFound: no architecture has that name.
    """
    try:
        return ARCHITECTURES[name]
    except KeyError:
        raise ModelNotFound(
            f"Unknown network: expected one of {', '.join(ARCHITECTURES)}. Received: {name!r}"
        ) from None


def build_paper_cnn(about: Architecture, initializer: str, dropout: float) -> keras.Model:
    """Build one of the paper's networks, or a variant of one.

    Convolutions are 3x3 "valid". After four blocks the map is 1x1, where a valid 3x3
    convolution and a 2x2 pooling have no output; the fifth block of 10L therefore pads
    ("same"), which makes its convolution see one pixel and eight zeros, and its pooling
    an identity.

    Dropout is 0.4 everywhere but before the last layer, where it is 0.3; ``dropout`` is a
    factor on both.
    """
    import keras
    from keras import layers

    inputs = keras.Input((INPUT_SIZE, INPUT_SIZE, 1), name="face")
    x = inputs
    side = INPUT_SIZE
    for number, width in enumerate(about.filters, start=1):
        padding = "valid" if side >= 4 and not about.padded else "same"
        x = layers.Conv2D(
            width,
            3,
            padding=padding,
            activation="relu",
            kernel_initializer=initializer,
            name=f"conv{number}",
        )(x)
        pooling = "valid" if side >= 4 else "same"
        x = layers.MaxPooling2D(2, padding=pooling, name=f"pool{number}")(x)
        x = layers.Dropout(0.4 * dropout, name=f"dropout{number}")(x)
        side = side if padding == "same" else side - 2
        side = side // 2 if pooling == "valid" else -(-side // 2)
    x = layers.Flatten(name="flatten")(x)
    for number, (width, rate) in enumerate(((512, 0.4), (256, 0.3)), start=1):
        x = layers.Dense(
            width, activation="relu", kernel_initializer=initializer, name=f"dense{number}"
        )(x)
        x = layers.Dropout(rate * dropout, name=f"dense{number}_dropout")(x)
    # float32 also under a mixed precision policy: probabilities need the digits.
    outputs = layers.Dense(
        len(EMOTIONS),
        activation="softmax",
        kernel_initializer=initializer,
        dtype="float32",
        name="emotion",
    )(x)
    return keras.Model(inputs, outputs, name=about.name)
