"""Frames of a live camera: decoded cheaply or refused, people followed."""

import cv2
import numpy as np
import pytest
from support.costly_photos import progressive_jpeg
from support.synthetic_video import head, pasted, wall

from emosense import Analyzer
from emosense.errors import DamagedMedia, MediaTooLarge, UnsupportedMedia
from emosense.inference.analyzers import AnalyzerCache
from emosense.inference.live import LiveSessions
from emosense.media.live_frame import MAX_BYTES, MAX_SIDE, read_live_frame
from emosense.video.live import LiveTracker
from emosense.worker.messages import AnalyzeLiveFrame


@pytest.fixture(scope="module")
def analyzer():
    return Analyzer("emosense-s")


def jpeg(image, quality=90):
    return cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality]
    )[1].tobytes()


def test_a_frame_comes_back_as_it_was():
    image = wall(64, 48)
    decoded = read_live_frame(jpeg(image, 100))
    assert decoded.shape == (48, 64, 3)
    assert np.abs(decoded.astype(int) - image).mean() < 3


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", UnsupportedMedia, "Expected a JPEG file"),
        (b"\x89PNG\r\n\x1a\n", UnsupportedMedia, "Expected a JPEG file"),
        (b"\xff\xd8\xff" + b"\0" * 100, DamagedMedia, "Expected a JPEG file"),
        (b"\xff\xd8\xff" + b"\0" * MAX_BYTES, MediaTooLarge, f"{MAX_BYTES} bytes"),
        (jpeg(np.zeros((8, MAX_SIDE + 8, 3), np.uint8)), MediaTooLarge, "1288 x 8"),
        (progressive_jpeg(64, 20), MediaTooLarge, "one scan"),
    ],
)
def test_other_frames_are_refused(data, error, message):
    with pytest.raises(error, match=message):
        read_live_frame(data)


def test_people_keep_their_numbers_before_the_camera(analyzer, astronaut):
    tracker, face = LiveTracker(analyzer), head(astronaut, 160)
    found = []
    for number in range(8):
        frame = pasted(wall(640, 480), (face, 200 + 10 * number, 240))
        found.append(tracker.update(number, number / 20, frame))
    assert [[tracked.person for tracked in frame.faces] for frame in found] == [[1]] * 8
    assert [frame.index for frame in found] == list(range(8))
    assert {frame.faces[0].face.verdict for frame in found} == {"happy"}
    # A clock that goes back, and another size of the picture, end nothing.
    again = tracker.update(8, 0.1, cv2.resize(frame, (320, 240)))
    assert [tracked.person for tracked in again.faces] == [1]


def test_a_camera_that_was_switched_off_and_on_begins_anew(analyzer, astronaut):
    """Its times begin at 0 again: whoever was lost before is not kept for as long as the camera was on."""
    tracker, empty = LiveTracker(analyzer), wall(640, 480)
    face = head(astronaut, 160)
    shown = pasted(empty, (face, 320, 240))

    def people(time, image):
        return [tracked.person for tracked in tracker.update(0, time, image).faces]

    assert people(100.0, shown) == [1]
    assert people(110.0, shown) == [2]  # after more than the five seconds of a re-identification
    assert people(0.0, shown) == [1]  # on again
    for time in (1.0, 3.0, 5.0, 7.0):
        assert people(time, empty) == []
    assert people(8.0, shown) == [2]  # re-identification is over here, too


def test_people_keep_their_numbers_when_another_network_answers(astronaut):
    sessions, face = LiveSessions(AnalyzerCache()), head(astronaut, 160)

    def people(time, model, *centres):
        image = pasted(wall(640, 480), *((face, x, 240) for x in centres))
        request = AnalyzeLiveFrame(session="a", index=0, time=time, data=jpeg(image), model=model)
        frame = sessions.analyze(request).frame
        return [(tracked.person, tracked.face.verdict) for tracked in frame.faces]

    assert people(0.0, "emosense-s", 150, 480) == [(1, "happy"), (2, "happy")]
    assert people(0.1, "emosense-s", 480) == [(2, "happy")]
    assert people(0.2, "cnn10", 480) == [(2, "unsure")]  # which knows one answer
    assert sessions.count == 1
