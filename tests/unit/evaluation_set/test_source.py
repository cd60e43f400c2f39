"""Photos and tables of folders, archives and uploads."""

import io

import pytest
from support.labelled_photos import zipped

from emosense.errors import DatasetError, EmoSenseError, MediaTooLarge
from emosense.evaluation_set.source import (
    archive_source,
    folder_source,
    has_pixels,
    open_archive,
    uploads_source,
)
from emosense.settings import ArchiveLimits

FILES = {"happy/a.jpg": b"1", "sad/b.png": b"2", "notes.txt": b"3", "__MACOSX/._a.jpg": b"4"}


def write(folder, files):
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def test_a_folder_and_its_archive_are_the_same(tmp_path):
    write(tmp_path / "set", FILES)
    (tmp_path / "set.zip").write_bytes(zipped(FILES))
    folder, archive = folder_source(tmp_path / "set"), archive_source(tmp_path / "set.zip")
    for source in (folder, archive):
        assert {name: read() for name, read in source.photos.items()} == {
            "happy/a.jpg": b"1",
            "sad/b.png": b"2",
        }
        assert source.labels().counts == {"happy": 1, "sad": 1}
    assert folder.notes == ("1 hidden file left out", "1 file of another kind left out: 1 .txt")
    assert archive.notes == ("set.zip: 2 files of other kinds left out",)


def test_a_table_beside_the_photos_has_the_labels(tmp_path):
    write(
        tmp_path,
        {"a.jpg": b"1", "b.jpg": b"2", "labels.csv": b"file,label\na.jpg,joy\nb.jpg,wut\n"},
    )
    assert folder_source(tmp_path).labels().counts == {"joy": 1, "wut": 1}
    write(tmp_path, {"labels.csv": "file,label\na.jpg,fröhlich\n".encode("cp1252")})
    assert folder_source(tmp_path).labels().counts == {"fröhlich": 1}
    write(tmp_path, {"labels.csv": "file,label\na.jpg,joy\n".encode("utf-16")})
    assert folder_source(tmp_path).labels().counts == {"joy": 1}


def test_other_tables_are_named(tmp_path):
    write(tmp_path, {"happy/a.jpg": b"1", "camera.csv": b"shutter,iso\n1,2\n"})
    labels = folder_source(tmp_path).labels()
    assert labels.counts == {"happy": 1}
    assert "camera.csv: expected a header" in labels.notes[0]
    write(tmp_path, {f"{number}.csv": b"file,label\na.jpg,joy\n" for number in range(2)})
    with pytest.raises(DatasetError, match=r"Expected one table .* Received: 0.csv, 1.csv"):
        folder_source(tmp_path).labels()


def test_without_labels_or_photos(tmp_path):
    write(tmp_path, {"a.jpg": b"1"})
    with pytest.raises(DatasetError, match=r"Expected photos in folders .* Received: no label"):
        folder_source(tmp_path).labels()
    (tmp_path / "a.jpg").rename(tmp_path / "a.doc")
    with pytest.raises(DatasetError, match=r"expected photos .* Received: 1 file of another kind"):
        folder_source(tmp_path)
    with pytest.raises(DatasetError, match="cannot be read"):
        folder_source(tmp_path / "nowhere")
    with pytest.raises(DatasetError, match="cannot be read"):
        archive_source(tmp_path / "nowhere.zip")


def test_uploads_of_several_kinds():
    archives = [
        (name, open_archive(name, io.BytesIO(zipped({"happy/a.jpg": b"1"})), ArchiveLimits()))
        for name in ("x.zip", "y.zip")
    ]
    files = [("happy/a.jpg", lambda: b"2"), ("happy/a.jpg", lambda: b"3")]
    source = uploads_source(files, archives, ArchiveLimits())
    assert {name: read() for name, read in source.photos.items()} == {
        "happy/a.jpg": b"2",
        "happy/a (2).jpg": b"3",
        "x.zip/happy/a.jpg": b"1",
        "y.zip/happy/a.jpg": b"1",
    }
    with pytest.raises(EmoSenseError, match=r"at most 3 labelled photos\. Received: 4"):
        uploads_source(files, archives, ArchiveLimits(max_photos=3))


def test_an_archive_is_read_within_limits():
    limits = ArchiveLimits(max_photo_bytes=1000)
    archive = open_archive("x.zip", io.BytesIO(zipped({"happy/a.jpg": bytes(2000)})), limits)
    source = uploads_source((), [("x.zip", archive)], limits)
    with pytest.raises(MediaTooLarge):
        source.photos["happy/a.jpg"]()
    with pytest.raises(DatasetError, match=r"x\.zip: Expected a zip archive"):
        open_archive("x.zip", io.BytesIO(b"no zip"), limits)


def test_fer2013s_csv_is_known_by_its_header():
    assert has_pixels(b"emotion,pixels,Usage\n0,1 2")
    assert not has_pixels(b"file,label\npixels.jpg,happy\n")
