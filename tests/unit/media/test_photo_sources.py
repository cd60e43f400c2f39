"""Which photo sources the Python API accepts, and its messages for all others."""

import io
import zipfile
from pathlib import Path

import numpy as np
import pytest

from emosense import Analyzer
from emosense.errors import MediaError, MediaTooLarge
from emosense.media.images import read_photo
from emosense.results import PhotoFailure, PhotoResult
from emosense.settings import PhotoLimits


@pytest.fixture(scope="module")
def analyzer():
    return Analyzer("cnn8")


class Pipe:
    """An open file that is not seekable."""

    def __init__(self, data):
        self._file = io.BytesIO(data)

    def read(self, size=-1, /):
        return self._file.read(size)


class ShortReads(Pipe):
    """Returns short reads, as pipes and sockets do."""

    def read(self, size=-1, /):
        return super().read(min(size, 1000))


class PathLike:
    """A path-like object."""

    def __init__(self, path):
        self._path = path

    def __fspath__(self):
        return str(self._path)


def half_read(data):
    file = io.BytesIO(data)
    file.read(1000)
    return file


SOURCES = {
    "bytes": lambda data, path: data,
    "bytearray": lambda data, path: bytearray(data),
    "memoryview": lambda data, path: memoryview(data),
    "BytesIO": lambda data, path: io.BytesIO(data),
    "read before": lambda data, path: half_read(data),
    "open file": lambda data, path: path.open("rb"),
    "pipe": lambda data, path: Pipe(data),
    "in parts": lambda data, path: ShortReads(data),
    "path-like": lambda data, path: PathLike(path),
    "text path": lambda data, path: str(path),
}


@pytest.mark.parametrize("kind", SOURCES)
def test_sources(kind, astronaut_png, astronaut, tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(astronaut_png)
    assert (read_photo(SOURCES[kind](astronaut_png, path)) == astronaut).all()


def test_a_member_of_a_zip_archive(astronaut_png, analyzer):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr("album/eileen.png", astronaut_png)
    with zipfile.ZipFile(buffer) as archive, archive.open("album/eileen.png") as member:
        result = analyzer.photo(member)
    assert result.source == "eileen.png"
    assert len(result.faces) == 1


BAD = {
    "nothing": None,
    "a number": 7,
    "a list": [1, 2],
    "a dict": {"photo": 1},
    "a data URI": "data:image/png;base64," + "A" * 100_000,
    "a NUL": "a\0.png",
    "a long name": "a" * 5000 + ".png",
    "a folder": ".",
    "a text file": io.StringIO("text"),
    "a closed file": io.BytesIO(b"x"),
    "a class": Path,
}
BAD["a closed file"].close()


class Failing:
    """Raises from all methods that a message or a name could use."""

    def __repr__(self):
        raise ValueError("no")

    def __fspath__(self):
        return 3


BAD["what fails at all"] = Failing()


class Hostile:
    """Its properties raise errors of another type."""

    @property
    def read(self):
        raise RuntimeError("no")

    @property
    def name(self):
        raise RuntimeError("no")


class NoPath:
    def __fspath__(self):
        raise RuntimeError("no")


BAD["properties that fail"] = Hostile()
BAD["a path that fails"] = NoPath()
BAD["a released buffer"] = memoryview(b"x")
BAD["a released buffer"].release()
BAD["an empty path"] = ""


@pytest.mark.parametrize("kind", BAD)
def test_what_is_no_photo_gets_a_short_message(kind):
    with pytest.raises(MediaError) as error:
        read_photo(BAD[kind])
    assert 20 < len(str(error.value)) <= 300


@pytest.mark.parametrize(
    "kind", ["a data URI", "a NUL", "a long name", "a folder", "a path that fails"]
)
def test_what_is_no_path_says_what_was_expected(kind):
    with pytest.raises(MediaError, match=r"^Expected the path of a photo\. Received: "):
        read_photo(BAD[kind])


def test_what_is_no_photo_affects_no_other(analyzer, astronaut):
    results = analyzer.photos([astronaut, *BAD.values(), astronaut])
    assert [type(result) for result in results] == (
        [PhotoResult] + [PhotoFailure] * len(BAD) + [PhotoResult]
    )
    assert all(len(result.source) < 260 for result in results)


def test_a_generator(analyzer, astronaut):
    progress_calls = []
    results = analyzer.photos(
        (astronaut for _ in range(3)), on_progress=lambda *progress: progress_calls.append(progress)
    )
    assert [len(result.faces) for result in results] == [1, 1, 1]
    assert progress_calls[-1] == (3, 3)


@pytest.mark.parametrize(
    "wrong",
    [
        "a.png", b"bytes", memoryview(b"bytes"), Path("a.png"), io.BytesIO(b"a\nb\n"), None, 3,
        np.zeros((9, 9)), np.zeros((9, 9, 3), np.uint8), {"a.png": b"bytes"},
    ],
)  # fmt: skip
def test_one_photo_instead_of_several(analyzer, wrong):
    with pytest.raises(MediaError, match="Expected several photos"):
        analyzer.photos(wrong)


def test_another_number_of_names(analyzer, astronaut):
    with pytest.raises(MediaError, match=r"Expected 1 names\. Received: 2\."):
        analyzer.photos([astronaut], names=["a", "b"])


def test_never_more_of_a_file_than_the_limit_allows():
    class Endless:
        reads = 0

        def read(self, size=-1, /):
            assert 0 < size <= 1001
            self.reads += 1
            return bytes(size)

    file = Endless()
    with pytest.raises(MediaTooLarge):
        read_photo(file, PhotoLimits(max_bytes=1000))
    assert file.reads == 1


def test_what_has_no_size_is_read_no_further_than_the_limit(tmp_path):
    """Devices and pipes state a size of 0 bytes; /dev/zero never ends."""
    endless = tmp_path / "endless.jpg"
    endless.symlink_to("/dev/zero")
    with pytest.raises(MediaTooLarge, match="at most 1 MB"):
        read_photo(endless, PhotoLimits(max_bytes=2**20))


def test_names_are_strings_or_are_made(analyzer, astronaut_png):
    class Unnamed(io.BytesIO):
        @property
        def name(self):
            raise RuntimeError("no")

    photos = [astronaut_png, Unnamed(astronaut_png), PathLike("x/c.png")]
    names = [result.source for result in analyzer.photos(photos)]
    assert names == ["photo 1", "photo 2", "c.png"]
    names = (name for name in ("a", None, 7))
    assert [result.source for result in analyzer.photos(photos, names=names)] == [
        *("a", "photo 2", "c.png")
    ]
    with pytest.raises(MediaError, match="Expected a list of names"):
        analyzer.photos([b"x"], names="a")


def test_several_photos_in_one_array(analyzer, astronaut):
    results = analyzer.photos(np.stack([astronaut, astronaut]))
    assert [len(result.faces) for result in results] == [1, 1]


@pytest.mark.parametrize(
    "wrong", [None, 3, io.BytesIO(b"x"), b"a.mp4", "a\0.mp4", Failing(), NoPath()]
)
def test_a_video_is_named_by_its_path(analyzer, wrong):
    with pytest.raises(MediaError, match="Expected the path of a video"):
        analyzer.video(wrong)


@pytest.mark.parametrize("wrong", ["data:video/mp4;base64," + "A" * 9000, "a" * 300 + ".mp4"])
def test_what_is_no_video_gets_a_short_message(analyzer, wrong):
    with pytest.raises(MediaError) as error:
        analyzer.video(wrong)
    assert 20 < len(str(error.value)) <= 300


def test_explain_takes_the_same(analyzer, astronaut, astronaut_png):
    (face,) = analyzer.photo(astronaut).faces
    assert analyzer.explain(io.BytesIO(astronaut_png), face).emotion == "happy"
    with pytest.raises(MediaError):
        analyzer.explain(np.zeros((2, 2, 2, 2)), face)
