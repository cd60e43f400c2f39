from emosense.networks.architectures import architecture
from emosense.networks.summary import layer_summary


def test_8l_by_hand():
    rows = {row["name"]: row for row in layer_summary(architecture("cnn8").build())}
    assert list(rows)[:2] == ["conv1", "pool1"]
    assert rows["conv2"] == {
        "name": "conv2",
        "type": "Conv2D",
        "output": [21, 21, 256],
        "parameters": 295_168,
        "flops": 2 * 9 * 128 * 256 * 21 * 21,
    }
    assert rows["dense2"]["flops"] == 2 * 512 * 256
    assert rows["pool1"]["flops"] == rows["dropout1"]["flops"] == 0
    assert sum(row["parameters"] for row in rows.values()) == 4_232_199


def test_depthwise_layers_count_each_channel_once():
    import keras

    inputs = keras.Input((8, 8, 4))
    outputs = keras.layers.DepthwiseConv2D(3, padding="same", use_bias=False)(inputs)
    (row,) = layer_summary(keras.Model(inputs, outputs))
    assert row["flops"] == 2 * 9 * 4 * 8 * 8
