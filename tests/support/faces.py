"""Faces of results, made up."""

from emosense.emotions import EMOTIONS
from emosense.results import Box, Face, FrameResult, TrackedFace, VideoInfo, VideoResult

LANDMARKS = ((18, 32), (32, 32), (25, 42), (19, 50), (31, 50))
INFO = VideoInfo(640, 360, 2.0, 20, 10.0, "h264", 0, False)


def face_of(emotion, probability=0.8, *, sure=True, x=10):
    """A face whose most probable emotion is the given one, if its probability is above 1/7."""
    rest = (1 - probability) / 6
    probabilities = tuple(probability if name == emotion else rest for name in EMOTIONS)
    return Face(Box(x, 20, 30, 40), LANDMARKS, 0.9, probabilities, sure)


def video_of(*frames, step=0.1):
    """A result with a frame every ``step`` seconds, each a dictionary of person -> face."""
    results = tuple(
        FrameResult(
            index, index * step, tuple(TrackedFace(*item) for item in sorted(faces.items()))
        )
        for index, faces in enumerate(frames)
    )
    return VideoResult("a.mp4", INFO, results, len(results), "cnn8", "YuNet")
