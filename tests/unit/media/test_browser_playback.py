"""Which videos browsers play themselves."""

from dataclasses import replace

import numpy as np
import pytest
from support.synthetic_video import ORIENTATIONS, show_by, tracks, write_clip, write_hdr

from emosense.media.browser_playback import VideoForm, browser_media_type
from emosense.media.cicp import HLG, PQ
from emosense.media.video_reader import VideoReader

ONE = 1 << 16
H264 = VideoForm("mp4", "h264", "yuv420p")
VP9 = VideoForm("webm", "vp9", "yuv420p")


@pytest.mark.parametrize(
    ("form", "expected"),
    [
        (H264, "video/mp4"),
        (replace(H264, pixel_format="yuvj420p"), "video/mp4"),
        (replace(H264, codec="av1"), "video/mp4"),
        (replace(H264, transfer=1), "video/mp4"),
        (replace(H264, matrix=(ONE, 0, 0, ONE)), "video/mp4"),
        (replace(H264, matrix=(0, ONE, -ONE, 0)), "video/mp4"),
        (VP9, "video/webm"),
        (replace(VP9, codec="vp8"), "video/webm"),
        (replace(VP9, matrix=(ONE, 0, 0, ONE)), "video/webm"),
        (replace(H264, container="other"), None),  # AVI, Matroska, MPEG-TS
        (replace(H264, codec="hevc"), None),
        (replace(H264, codec="mpeg4"), None),
        (replace(H264, codec="prores", pixel_format="yuv422p10le"), None),
        (replace(H264, codec="vp8"), None),
        (replace(VP9, codec="h264"), None),
        (replace(H264, pixel_format="yuv420p10le"), None),
        (replace(H264, pixel_format="yuv422p"), None),
        (replace(H264, pixel_format="yuv444p"), None),
        (replace(VP9, pixel_format="yuv420p10le"), None),
        (replace(H264, transfer=PQ), None),
        (replace(H264, transfer=HLG), None),
        (replace(H264, matrix=(-ONE, 0, 0, ONE)), None),  # mirrored
        (replace(H264, matrix=(0, ONE, ONE, 0)), None),  # transposed
        (replace(H264, matrix=(2 * ONE, 0, 0, ONE)), None),  # stretched
        (replace(H264, matrix=(46341, 46341, -46341, 46341)), None),  # turned by 45 degrees
        (replace(VP9, matrix=(0, ONE, -ONE, 0)), None),  # Matroska's projection
        (replace(H264, tracks=2), None),
    ],
)
def test_which_forms_browsers_play(form, expected):
    assert browser_media_type(form) == expected


PICTURE = np.zeros((48, 64, 3), np.uint8)


def form_of(path):
    with VideoReader(path) as reader:
        return reader.form


@pytest.mark.parametrize(
    ("name", "codec", "container", "expected"),
    [
        ("a.mp4", "libx264", "mp4", "h264"),
        ("a.mov", "libx264", "mp4", "h264"),
        ("a.3gp", "libx264", "mp4", "h264"),
        ("a.webm", "libvpx", "webm", "vp8"),
        ("a.webm", "libvpx-vp9", "webm", "vp9"),
        ("a.mkv", "libx264", "other", "h264"),
        ("a.avi", "mpeg4", "other", "mpeg4"),
        ("a.mkv", "mjpeg", "other", "mjpeg"),
    ],
)
def test_the_form_of_a_file(tmp_path, name, codec, container, expected):
    form = form_of(write_clip(tmp_path / name, [PICTURE] * 3, codec=codec))
    assert (form.container, form.codec) == (container, expected)


def test_matrix_transfer_and_tracks_of_a_file(tmp_path):
    for name, (_, matrix) in ORIENTATIONS.items():
        path = show_by(write_clip(tmp_path / "a.mp4", [PICTURE] * 2), *matrix)
        is_played = browser_media_type(form_of(path)) is not None
        assert is_played == (matrix[0] * matrix[3] - matrix[1] * matrix[2] > 0), name
    assert form_of(write_hdr(tmp_path / "b.mp4", PICTURE, HLG, 1)).transfer == HLG
    parts = [("libx264", [PICTURE] * 3)] * 2
    assert form_of(tracks(tmp_path / "c.mp4", *parts)).tracks == 2
