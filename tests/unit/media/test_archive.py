"""Zip archives of photos: what is read, and what malicious archives cannot do."""

import io
import struct
import tracemalloc
import zipfile

import pytest

from emosense.errors import DamagedMedia, MediaTooLarge, UnsupportedMedia
from emosense.media.archive import PhotoArchive
from emosense.settings import ArchiveLimits


def zipped(files, method=zipfile.ZIP_DEFLATED):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return buffer


def test_photos_are_read_and_other_files_counted():
    archive = PhotoArchive(
        zipped(
            {
                "album/a.JPG": b"one",
                "b.png": b"two",
                "c.heic": b"three",
                "album/": b"",
                "notes.txt": b"text",
                "__MACOSX/._a.jpg": b"x",
                ".hidden.jpg": b"x",
            }
        )
    )
    assert [photo.name for photo in archive.photos] == ["album/a.JPG", "b.png", "c.heic"]
    assert [archive.read(photo) for photo in archive.photos] == [b"one", b"two", b"three"]
    assert archive.skipped == 3


def test_names_cannot_traverse_paths():
    names = ["../../etc/a.jpg", "/usr/b.jpg", "C:\\x\\..\\c.jpg", "d\x1b[31m\u202egpj.jpg"]
    archive = PhotoArchive(zipped(dict.fromkeys(names, b"x")))
    assert [photo.name for photo in archive.photos] == [
        "etc/a.jpg",
        "usr/b.jpg",
        "x/c.jpg",
        "d?[31m?gpj.jpg",
    ]
    assert [archive.read(photo) for photo in archive.photos] == [b"x"] * 4


def test_a_zip_bomb_is_never_decompressed_beyond_the_limit():
    bomb = zipped({"bomb.jpg": bytes(200 * 2**20)})
    assert len(bomb.getvalue()) < 2**18
    archive = PhotoArchive(bomb, ArchiveLimits(max_photo_bytes=2**20))
    tracemalloc.start()
    with pytest.raises(MediaTooLarge, match="at most 1 MB a photo"):
        archive.read(archive.photos[0])
    assert tracemalloc.get_traced_memory()[1] < 16 * 2**20
    tracemalloc.stop()


@pytest.mark.parametrize("method", [zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA])
def test_compression_methods_without_a_size_limit_are_refused(method):
    bomb = zipped({"bomb.jpg": bytes(64 * 2**20)}, method)
    archive = PhotoArchive(bomb, ArchiveLimits(max_photo_bytes=2**20))
    tracemalloc.start()
    with pytest.raises(DamagedMedia, match="packed in a way that is not read here"):
        archive.read(archive.photos[0])
    assert tracemalloc.get_traced_memory()[1] < 4 * 2**20
    tracemalloc.stop()


def test_a_wrong_declared_size_is_reported():
    data = bytearray(zipped({"a.jpg": bytes(10_000)}).getvalue())
    directory = data.rindex(b"PK\x01\x02")
    struct.pack_into("<I", data, directory + 24, 3)  # uncompressed size
    archive = PhotoArchive(io.BytesIO(data), ArchiveLimits(max_photo_bytes=2**20))
    with pytest.raises(DamagedMedia, match="cannot be unpacked"):
        archive.read(archive.photos[0])


def test_all_photos_together_have_a_limit():
    archive = PhotoArchive(
        zipped({f"{i}.jpg": bytes(2**20) for i in range(5)}), ArchiveLimits(max_bytes=3 * 2**20)
    )
    assert [len(archive.read(photo)) for photo in archive.photos[:3]] == [2**20] * 3
    with pytest.raises(MediaTooLarge, match="3 MB in all"):
        archive.read(archive.photos[3])


def test_entries_that_share_their_bytes_are_refused():
    """David Fifield's zip bomb: many entries of the central directory share compressed data."""
    data = zipped({"a.jpg": b"x" * 1000, "b.jpg": b"y" * 1000}).getvalue()
    first, second = data.index(b"PK\x01\x02"), data.rindex(b"PK\x01\x02")
    forged = bytearray(data)
    forged[second + 42 : second + 46] = data[first + 42 : first + 46]
    archive = PhotoArchive(io.BytesIO(bytes(forged)))
    with pytest.raises(DamagedMedia, match="cannot be unpacked"):
        archive.read(archive.photos[1])


def test_too_many_entries_are_refused_before_they_are_listed():
    archive = zipped({f"{i}.txt": b"" for i in range(300)})
    with pytest.raises(MediaTooLarge, match="at most 200 files"):
        PhotoArchive(archive, ArchiveLimits(max_photos=10))
    with pytest.raises(MediaTooLarge, match=r"at most 10 photos\. Received: a zip archive with 12"):
        PhotoArchive(zipped({f"{i}.jpg": b"" for i in range(12)}), ArchiveLimits(max_photos=10))


def test_encrypted_photos_are_refused():
    data = bytearray(zipped({"a.jpg": b"secret"}).getvalue())
    data[data.index(b"PK\x03\x04") + 6] |= 1
    data[data.rindex(b"PK\x01\x02") + 8] |= 1
    archive = PhotoArchive(io.BytesIO(data))
    with pytest.raises(DamagedMedia, match="without password"):
        archive.read(archive.photos[0])


@pytest.mark.parametrize(
    ("data", "error", "message"),
    [
        (b"", UnsupportedMedia, "Expected a zip archive"),
        (b"hello", UnsupportedMedia, "Expected a zip archive"),
        (b"\x1f\x8b\x08" + bytes(50), UnsupportedMedia, "an archive of another kind than zip"),
        (zipped({"a.jpg": bytes(5000)}).getvalue()[:60], DamagedMedia, "damaged or cut off"),
        (zipped({"a.txt": b"x", "b.mp4": b""}).getvalue(), UnsupportedMedia, "2 other files"),
        (zipped({}).getvalue(), UnsupportedMedia, "0 other files"),
    ],
    # Not the bytes, which hold the time: two processes that share the tests would disagree.
    ids=["empty", "text", "gzip", "cut off", "no photos", "no files"],
)
def test_what_is_no_archive_of_photos_is_refused(data, error, message):
    with pytest.raises(error, match=message):
        PhotoArchive(io.BytesIO(data))


def test_no_message_quotes_a_library():
    data = bytearray(zipped({"a.jpg": b"x" * 1000}).getvalue())
    data[data.index(b"PK\x03\x04")] = 0
    archive = PhotoArchive(io.BytesIO(data))
    with pytest.raises(DamagedMedia) as error:
        archive.read(archive.photos[0])
    assert str(error.value) == "It cannot be unpacked: the archive is damaged there."
