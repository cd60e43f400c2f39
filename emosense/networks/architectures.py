"""All CNN architectures that can be built and trained, by name."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from emosense.errors import ModelNotFound
from emosense.networks.batch_norm import fold_batch_norm, unfold_batch_norm
from emosense.networks.paper_cnn import build_paper_cnn
from emosense.networks.paper_results import PAPER_RESULTS, PaperResults
from emosense.networks.resnet import build_resnet

if TYPE_CHECKING:
    import keras

Builder = Callable[[str, str, float], "keras.Model"]
"""(model name, kernel initialiser, factor on the dropout rates) -> untrained network."""


@dataclass(frozen=True)
class Architecture:
    """A CNN architecture that can be built and trained by name.

    Attributes:
        name: architecture name, e.g. ``"cnn8"``.
        title: display name, e.g. ``"8L CNN"``.
        summary: description in one sentence.
        builder: builds the network as it is trained.
        paper: results that the paper reports; None for a network that is not in the paper.
        folded: builds the network with folded batch normalisation; None if it has none.

    >>> architecture("cnn8").title
    '8L CNN'
    """

    name: str
    title: str
    summary: str
    builder: Builder
    paper: PaperResults | None = None
    folded: Builder | None = None

    def build(self, initializer: str = "glorot_uniform", dropout: float = 1.0) -> keras.Model:
        """Build the untrained network.

        Args:
            initializer: Keras name of the kernel initialiser of all layers.
            dropout: factor on the architecture's dropout rates.

        Returns:
            A functional model: (n, 48, 48, 1) float grey values in 0..1 ->
            (n, 7) float32 class probabilities in FER2013's class order.
        """
        return self.builder(self.name, initializer, dropout)

    def without_batch_norm(self, trained: keras.Model) -> keras.Model:
        """Return a trained network with its batch normalisation folded into the weights.

        A network without batch normalisation is returned unchanged.
        """
        if self.folded is None:
            return trained
        return fold_batch_norm(trained, self.folded(self.name, "zeros", 1.0))

    def load_initial_weights(
        self, pretrained: keras.Model, untrained: keras.Model, faces: Any
    ) -> None:
        """Initialise an untrained network with the weights of a pretrained one.

        Args:
            pretrained: a network as :meth:`without_batch_norm` returns it.
            untrained: a network from :meth:`build`; its weights are set in place.
            faces: (n, 48, 48, 1) float32 training images in 0..1, for the batch statistics.

        Raises:
            ValueError: ``pretrained`` has another architecture.
        """
        if self.folded is None:
            untrained.set_weights(pretrained.get_weights())
        else:
            unfold_batch_norm(pretrained, untrained, faces)


def _paper(*filters: int, padded: bool = False, batch_norm: bool = False) -> Builder:
    return lambda name, initializer, dropout: build_paper_cnn(
        name, filters, initializer, dropout, padded=padded, batch_norm=batch_norm
    )


def _resnet(stem: int, *widths: int, folded: bool = False) -> Builder:
    return lambda name, initializer, dropout: build_resnet(
        name, stem, widths, initializer, dropout, folded=folded
    )


ARCHITECTURES: Final[dict[str, Architecture]] = {
    a.name: a
    for a in (
        Architecture(
            "cnn4",
            "4L CNN",
            "Two convolution blocks (our reading).",
            _paper(128, 256),
            PAPER_RESULTS["cnn4"],
        ),
        Architecture(
            "cnn8",
            "8L CNN",
            "The paper's best network.",
            _paper(128, 256, 512, 512),
            PAPER_RESULTS["cnn8"],
        ),
        Architecture(
            "cnn10",
            "10L CNN",
            "Five convolution blocks (our reading).",
            _paper(128, 256, 512, 512, 512),
            PAPER_RESULTS["cnn10"],
        ),
        Architecture(
            "cnn10-fixed",
            "10L CNN, fixed",
            "10L at a third of the learning rate, the smallest change that lets it learn.",
            _paper(128, 256, 512, 512, 512),
        ),
        Architecture(
            "cnn10-padded",
            "10L CNN, padded",
            "10L with padding throughout, so that its fifth block sees a 3x3 map.",
            _paper(128, 256, 512, 512, 512, padded=True),
        ),
        Architecture(
            "cnn8-tuned",
            "8L CNN, tuned",
            "The paper's best network, layer by layer, by the best recipe that we found.",
            _paper(128, 256, 512, 512, batch_norm=True),
            folded=_paper(128, 256, 512, 512),
        ),
        Architecture(
            "emosense-s",
            "EmoSense S",
            "Our compact residual network: a fifth of 8L's work for a face.",
            _resnet(24, 24, 48, 96, 192),
            folded=_resnet(24, 24, 48, 96, 192, folded=True),
        ),
        Architecture(
            "emosense-l",
            "EmoSense L",
            "Our large residual network, as wide as ResNet-18.",
            _resnet(64, 64, 128, 256, 512),
            folded=_resnet(64, 64, 128, 256, 512, folded=True),
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
