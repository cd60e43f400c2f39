"""Who may connect a camera, what is recorded of it, and what its messages may be."""

import json
import struct

import pytest
from support.faces import face_of

from emosense.errors import EmoSenseError, NoRoom, ServerBusy
from emosense.networks.registry import model_versions
from emosense.results import FrameResult, TrackedFace
from emosense.ui.camera.cameras import Camera, Cameras, UnknownCamera
from emosense.ui.camera.protocol import (
    HEADER,
    frame_message,
    read_command,
    read_frame,
)
from emosense.worker.messages import LiveFrame
from emosense.worker.usage import Account


def answer(index, time, width=640, height=480):
    face = TrackedFace(1, face_of("happy"))
    return LiveFrame(frame=FrameResult(index, time, (face,)), width=width, height=height)


def test_a_recording_is_a_result_from_zero_on():
    results = []
    camera = Camera(Account(), "cnn8", on_recorded=results.append)
    camera.record(answer(1, 4.0), "cnn8")  # before the recording
    camera.start_recording()
    for index, time in ((7, 5.0), (9, 5.1), (10, 5.1), (12, 5.3)):
        assert camera.record(answer(index, time), "cnn8") is None
    result = camera.stop_recording()
    assert results == [result]
    assert [(frame.index, frame.time) for frame in result.frames] == [(0, 0), (1, 0.1), (2, 0.3)]
    assert result.info.duration == pytest.approx(0.3)
    assert result.info.frames_per_second == pytest.approx(2 / 0.3)
    assert camera.stop_recording() is None
    assert not camera.is_recording


def test_smaller_pictures_do_not_end_a_recording():
    """They come while answers take long; all boxes are in pixels of the first picture."""
    camera = Camera(Account(), "cnn8")
    camera.start_recording()
    camera.record(answer(1, 0.0), "cnn8")
    camera.start_recording()  # once more
    assert camera.record(answer(2, 0.1, width=320, height=240), "cnn8") is None
    assert camera.record(answer(3, 0.2, width=427, height=320), "cnn8") is None  # rounded
    result = camera.stop_recording()
    boxes = [frame.faces[0].face.box for frame in result.frames]
    assert [box.x for box in boxes] == [10, 20, pytest.approx(15, abs=0.1)]
    assert (result.info.width, result.info.height) == (640, 480)


def test_a_recording_ends_in_words(monkeypatch):
    def full(size):
        raise NoRoom("Expected room. Received: none.")

    camera = Camera(Account(), "cnn8")
    camera.start_recording()
    camera.record(answer(1, 0.0), "cnn8")
    assert "another size" in camera.record(answer(2, 0.1, width=320), "cnn8")
    assert camera.record(answer(2, 0.2), "cnn8") is None
    assert "times begin anew" in camera.record(answer(3, 0.1), "cnn8")
    monkeypatch.setenv("EMOSENSE_MAX_VIDEO_MINUTES", "1")
    assert "at most 1 minutes" in camera.record(answer(3, 61), "cnn8")
    camera.keep = full
    assert camera.record(answer(4, 0.3), "cnn8") == "Expected room. Received: none."


def test_a_recording_is_of_the_network_that_it_began_with():
    results = []
    camera = Camera(Account(), "cnn8", on_recorded=results.append)
    camera.start_recording()
    assert camera.record(answer(1, 0.0), "cnn8") is None
    camera.model = "emosense-s"  # the page has chosen another one
    assert camera.record(answer(2, 0.1), "cnn8") is None  # that was on its way
    assert "Another network" in camera.record(answer(3, 0.2), "emosense-s")
    camera.stop_recording()
    camera.start_recording()
    assert camera.record(answer(4, 0.3), "emosense-s") is None
    camera.stop_recording()
    assert [(result.model, len(result.frames)) for result in results] == [
        ("cnn8", 2),
        ("emosense-s", 1),
    ]
    assert [(result.model_version, result.calibration_version) for result in results] == [
        model_versions("cnn8"),
        model_versions("emosense-s"),
    ]


def test_cameras_are_shared_fairly(monkeypatch):
    monkeypatch.setenv("EMOSENSE_MAX_CAMERAS", "4")
    cameras, connected = Cameras(), []
    addresses = [
        cameras.add(Camera(Account(user, str(n)), "cnn8")) for n, user in enumerate("aaabc")
    ]

    def connect(address):
        block = cameras.connected(address)
        block.__enter__()
        connected.append(block)

    connect(addresses[0])
    connect(addresses[1])
    with pytest.raises(ServerBusy, match=r"at most 4 cameras.*beside 2 of yours and 0 of others"):
        connect(addresses[2])
    connect(addresses[3])
    connect(addresses[4])
    connected.pop(0).__exit__(None, None, None)
    connect(addresses[2])
    with pytest.raises(UnknownCamera):
        connect("nowhere")
    connect(addresses[3])  # once more: it takes no more room
    connected[1].__exit__(None, None, None)
    with pytest.raises(ServerBusy):
        connect(addresses[0])


def test_the_newest_connection_has_the_camera_and_ends_the_recording_before():
    """A page that lost its connection is back before the server knows of the loss."""
    cameras, results, told = Cameras(), [], []
    camera = Camera(Account(), "cnn8", on_recorded=results.append)
    address = cameras.add(camera)
    with cameras.connected(address, on_replaced=lambda: told.append("replaced")):
        camera.start_recording()
        camera.record(answer(1, 4.0), "cnn8")
        with cameras.connected(address):
            assert told == ["replaced"]
            assert [len(result.frames) for result in results] == [1]
            camera.start_recording()
            camera.record(answer(1, 0.0), "cnn8")
            camera.record(answer(2, 0.1), "cnn8")
        assert [len(result.frames) for result in results] == [1, 2]


def test_the_end_of_an_older_connection_ends_nothing_of_the_newer_ones():
    cameras = Cameras()
    camera = Camera(Account(), "cnn8")
    address = cameras.add(camera)
    older, newer = cameras.connected(address), cameras.connected(address)
    older.__enter__()
    newer.__enter__()
    camera.start_recording()
    older.__exit__(None, None, None)
    assert camera.is_recording
    newer.__exit__(None, None, None)
    assert not camera.is_recording


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\1\0\0",
        HEADER.pack(2, 1, 0.0) + b"jpeg",
        HEADER.pack(1, 1, -1.0),
        HEADER.pack(1, 1, float("nan")),
        HEADER.pack(1, 1, float("inf")),
    ],
)
def test_other_messages_are_no_frames(message):
    with pytest.raises(EmoSenseError, match=r"^Expected "):
        read_frame(message)


def test_the_header_is_as_it_is_documented():
    assert HEADER.size == 16
    assert HEADER.pack(1, 7, 0.5) == b"\1\0\0\0" + struct.pack("<I", 7) + struct.pack("<d", 0.5)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"type": "erase"}', '{"type": {}}', "9" * 5000])
def test_other_texts_are_no_commands(text):
    with pytest.raises(EmoSenseError, match=r'Expected \{"type": "record or stop"\}'):
        read_command(text)


def test_an_answer_echoes_its_frame():
    message = json.loads(frame_message(answer(7, 0.5), 12.34))
    assert (message["index"], message["version"], message["milliseconds"]) == (7, 1, 12.3)
    ((person, x, *_, happy, _, _, _),) = message["faces"]
    assert (person, x, happy) == (1, 10, 800)
