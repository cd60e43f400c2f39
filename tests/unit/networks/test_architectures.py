import pytest

from emosense.errors import ModelNotFound
from emosense.networks.architectures import architecture

# The paper's summary of 8L: layer, output shape without the batch, parameters.
PAPER_8L = [
    ("conv1", (46, 46, 128), 1_280),
    ("pool1", (23, 23, 128), 0),
    ("dropout1", (23, 23, 128), 0),
    ("conv2", (21, 21, 256), 295_168),
    ("pool2", (10, 10, 256), 0),
    ("dropout2", (10, 10, 256), 0),
    ("conv3", (8, 8, 512), 1_180_160),
    ("pool3", (4, 4, 512), 0),
    ("dropout3", (4, 4, 512), 0),
    ("conv4", (2, 2, 512), 2_359_808),
    ("pool4", (1, 1, 512), 0),
    ("dropout4", (1, 1, 512), 0),
    ("flatten", (512,), 0),
    ("dense1", (512,), 262_656),
    ("dense1_dropout", (512,), 0),
    ("dense2", (256,), 131_328),
    ("dense2_dropout", (256,), 0),
    ("emotion", (7,), 1_799),
]


def test_8l_is_the_papers_layer_by_layer():
    model = architecture("cnn8").build()
    table = [(x.name, tuple(x.output.shape[1:]), x.count_params()) for x in model.layers[1:]]
    assert table == PAPER_8L
    assert model.count_params() == 4_232_199


def test_tuned_8l_is_kept_as_the_papers_8l():
    about = architecture("cnn8-tuned")
    folded = about.without_batch_norm(about.build())
    table = [(x.name, tuple(x.output.shape[1:]), x.count_params()) for x in folded.layers[1:]]
    assert table == PAPER_8L
    assert [x.get_config().get("activation") for x in folded.layers] == [
        x.get_config().get("activation") for x in architecture("cnn8").build().layers
    ]


def test_dropout_is_the_papers():
    model = architecture("cnn8").build()
    rates = [layer.rate for layer in model.layers if "dropout" in layer.name]
    assert rates == [0.4, 0.4, 0.4, 0.4, 0.4, 0.3]


@pytest.mark.parametrize(("name", "convolutions"), [("cnn4", 2), ("cnn8", 4), ("cnn10", 5)])
def test_names_count_convolution_and_pooling_layers(name, convolutions):
    layers = architecture(name).build().layers
    assert sum(layer.name.startswith("conv") for layer in layers) == convolutions
    assert sum(layer.name.startswith("pool") for layer in layers) == convolutions
    assert int(name.removeprefix("cnn")) == 2 * convolutions


def test_the_fifth_block_of_10l_keeps_its_single_pixel():
    model = architecture("cnn10").build()
    assert model.get_layer("conv5").output.shape == (None, 1, 1, 512)
    assert model.get_layer("pool5").output.shape == (None, 1, 1, 512)


def test_padded_10l_keeps_its_maps():
    model = architecture("cnn10-padded").build()
    maps = [model.get_layer(f"conv{n}").output.shape[1] for n in range(1, 6)]
    assert maps == [48, 24, 12, 6, 3]


def test_dropout_factor():
    layers = architecture("cnn8").build(dropout=0.5).layers
    assert [x.rate for x in layers if "dropout" in x.name] == [0.2, 0.2, 0.2, 0.2, 0.2, 0.15]
    layers = architecture("cnn8").build(dropout=0).layers
    assert {x.rate for x in layers if "dropout" in x.name} == {0}


def test_unknown_name_lists_the_known():
    with pytest.raises(ModelNotFound, match=r"cnn4, cnn8, cnn10, .*\. Received: 'cnn9'"):
        architecture("cnn9")
