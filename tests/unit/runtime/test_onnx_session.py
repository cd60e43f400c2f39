"""Two sessions of a network: by itself on all processors, as a stage of a pipeline on half of them."""

import threading

import numpy as np
import pytest

from emosense import Analyzer, VideoOptions
from emosense.faces.backends.onnx import dynamic_shape_model
from emosense.media.sample_clip import write_sample_clip
from emosense.networks.keras_to_onnx import keras_to_onnx
from emosense.networks.model_card import WEIGHTS_FILE
from emosense.networks.registry import find_model
from emosense.runtime import onnx_session
from emosense.runtime.onnx_session import NetworkSession, pipelined


@pytest.fixture(scope="module")
def graphs():
    noise = np.random.default_rng(0).integers(0, 256, (8, 96, 96), np.uint8)
    network = keras_to_onnx(find_model("cnn8-tuned").file(WEIGHTS_FILE).read_bytes())
    return {
        "detector": (
            dynamic_shape_model().SerializeToString(),
            {"input": np.repeat(noise[:, np.newaxis], 3, 1).astype(np.float32)},
        ),
        "network": (network, {"faces": noise[:, :48, :48].copy()}),
    }


@pytest.fixture
def threads(monkeypatch):
    """Numbers of threads of the sessions that are created; 0 is one per processor."""
    created = []
    original = onnx_session.onnx_session

    def spy(graph, **options):
        created.append(options.get("threads", 0))
        return original(graph, **options)

    monkeypatch.setattr(onnx_session, "onnx_session", spy)
    monkeypatch.setattr(onnx_session, "usable_processors", lambda: 8)
    return created


@pytest.mark.parametrize("name", ["detector", "network"])
def test_both_sessions_give_exactly_the_same(graphs, name):
    graph, inputs = graphs[name]
    session = NetworkSession(graph, dynamic_shapes=name == "detector")
    alone = session.run(inputs)
    with pipelined():
        in_pipeline = session.run(inputs)
    assert all(np.array_equal(a, b) for a, b in zip(alone, in_pipeline, strict=True))


def test_a_stage_takes_half_of_the_processors(graphs, threads):
    graph, inputs = graphs["detector"]
    session = NetworkSession(graph, dynamic_shapes=True)
    session.run(inputs)
    assert threads == [0]
    for _ in range(2):
        with pipelined():
            session.run(inputs)
    session.run(inputs)
    assert threads == [0, 4]


def test_a_stage_has_a_thread_where_there_is_one_processor(graphs, threads, monkeypatch):
    monkeypatch.setattr(onnx_session, "usable_processors", lambda: 1)
    with pipelined():
        NetworkSession(graphs["detector"][0], dynamic_shapes=True).run(graphs["detector"][1])
    assert threads == [0, 1]


def test_other_threads_are_no_stages(graphs, threads):
    graph, inputs = graphs["detector"]
    session = NetworkSession(graph, dynamic_shapes=True)
    with pipelined():
        other = threading.Thread(target=session.run, args=(inputs,))
        other.start()
        other.join()
    assert threads == [0]


def test_videos_run_in_stages_and_photos_between_their_frames_do_not(astronaut, tmp_path, threads):
    write_sample_clip(clip := tmp_path / "clip.mp4")
    analyzer, other = Analyzer("emosense-s", "onnx"), Analyzer("emosense-s", "onnx")
    assert threads == [0, 0, 0, 0]  # detector and network of both
    with analyzer.video(clip, VideoOptions(per_second=2)) as analysis:
        for _ in analysis:
            assert len(other.photo(astronaut).faces) == 1
    assert threads == [0, 0, 0, 0, 4, 4]
