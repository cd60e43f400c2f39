import bz2
import gzip
import hashlib
import io
import lzma
import os
import stat
import tarfile
import zipfile

import numpy as np
import pytest
from PIL import Image

from emosense.errors import DatasetError
from emosense.training.dataset import Dataset, Split, find_duplicates, stratified_split
from emosense.training.readers import containers, fer2013_csv
from emosense.training.readers.auto import read_dataset

PIXELS = " ".join(["7"] * 2304)


def write(path, *rows, header="emotion,pixels,Usage"):
    path.write_text("\n".join([header, *rows]) + "\n")
    return path


def test_damage_of_any_kind_is_told(tmp_path):
    rng = np.random.default_rng(0)
    rows = [f"{i % 7},{' '.join(map(str, rng.integers(0, 256, 2304)))},Training" for i in range(20)]
    whole = gzip.compress(write(tmp_path / "a.csv", *rows).read_bytes())
    for _ in range(40):
        data = bytearray(whole)
        data[rng.integers(20, len(data))] ^= int(rng.integers(1, 256))
        (tmp_path / "a.csv.gz").write_bytes(data)
        with pytest.raises(DatasetError, match=r"a\.csv\.gz"):
            read_dataset(tmp_path / "a.csv.gz")


class TestCsv:
    def test_reads_parts_labels_and_pixels(self, tmp_path):
        ramp = " ".join(str(i % 256) for i in range(2304))
        path = write(tmp_path / "a.csv", f"3,{ramp},Training", f"6,{PIXELS},PrivateTest")
        data = read_dataset(path)
        assert data.images.shape == (2, 48, 48)
        assert data.images[0, 0, :4].tolist() == [0, 1, 2, 3]
        assert data.images[0, 1, 0] == 48
        assert data.split("Training").labels.tolist() == [3]
        assert data.split("PrivateTest").labels.tolist() == [6]
        assert len(data.split("PublicTest")) == 0

    def test_gz_has_the_same_fingerprint(self, small_csv, small_data, tmp_path):
        compressed = tmp_path / "fer2013.csv.gz"
        compressed.write_bytes(gzip.compress(small_csv.read_bytes()))
        assert read_dataset(compressed).fingerprint == small_data.fingerprint

    @pytest.mark.parametrize(
        ("row", "message"),
        [
            ("3,1 2 3,Training", r"bad\.csv, row 3: expected 2304 pixels .* Received: 3 pixels"),
            (f"7,{PIXELS},Training", r"row 3: expected emotion .* Received: '7'"),
            (f"3,{PIXELS},Test", r"row 3: expected Usage .* Received: 'Test'"),
            (f"3,{PIXELS} 300,Training", r"row 3: expected 2304 pixels"),
            (f"3,{PIXELS[:-1]}999,Training", r"row 3: .*0\.\.255"),
            (f"3,{PIXELS[:-1]}x,Training", r"row 3: a pixel is not a whole number"),
            ("3", r"row 3: the row ends too early"),
        ],
    )
    def test_names_the_wrong_row(self, tmp_path, row, message):
        path = write(tmp_path / "bad.csv", f"0,{PIXELS},Training", row)
        with pytest.raises(DatasetError, match=message):
            read_dataset(path)

    def test_names_missing_columns(self, tmp_path):
        path = write(tmp_path / "a.csv", "0,1", header="emotion,pixel")
        with pytest.raises(DatasetError, match="missing: pixels, Usage"):
            read_dataset(path)

    def test_refuses_an_empty_table_and_a_broken_gz(self, tmp_path):
        with pytest.raises(DatasetError, match="at least one row"):
            read_dataset(write(tmp_path / "a.csv"))
        broken = tmp_path / "b.csv.gz"
        broken.write_bytes(b"no gzip")
        with pytest.raises(DatasetError, match="cannot be read"):
            read_dataset(broken)
        with pytest.raises(DatasetError, match="There is no data set"):
            read_dataset(tmp_path / "nothing.csv")


class TestVotes:
    HEADER = (
        "Usage,Image name,neutral,happiness,surprise,sadness,anger,disgust,fear,contempt,unknown,NF"
    )

    def test_become_fractions_in_fer2013s_class_order(self, tmp_path):
        path = write(tmp_path / "fer2013.csv", f"0,{PIXELS},Training", f"1,{PIXELS},PublicTest")
        write(
            tmp_path / "fer2013new.csv",
            "Training,a.png,4,0,0,1,3,2,0,0,0,0",
            "PublicTest,b.png,0,0,0,0,0,0,0,0,0,10",
            header=self.HEADER,
        )
        votes = read_dataset(path).votes
        np.testing.assert_allclose(votes[0], [0.3, 0.2, 0, 0, 0.1, 0, 0.4], atol=1e-6)
        assert votes[1].tolist() == [0] * 7

    def test_of_another_file_are_refused(self, tmp_path):
        path = write(tmp_path / "fer2013.csv", f"0,{PIXELS},Training")
        votes = tmp_path / "fer2013new.csv"
        write(votes, "PublicTest,a.png,1,0,0,0,0,0,0,0,0,0", header=self.HEADER)
        with pytest.raises(DatasetError, match="row 2: does not belong"):
            read_dataset(path)
        write(votes, header=self.HEADER)
        with pytest.raises(DatasetError, match="expected 1 rows"):
            read_dataset(path)


def make_folder(root, size=48):
    for split, names in (("train", ("angry", "happy")), ("test", ("sad",))):
        for name in names:
            (root / split / name).mkdir(parents=True)
            grey = Image.new("L", (size, size), len(name) * 10)
            grey.save(root / split / name / "1.png")
    return root


class TestFolder:
    def test_reads_parts_and_classes(self, tmp_path):
        data = read_dataset(make_folder(tmp_path / "fer"))
        assert sorted(data.split("Training").labels.tolist()) == [0, 3]
        assert data.split("PrivateTest").labels.tolist() == [4]
        assert data.images[data.labels == 3].max() == 50

    def test_zip_equals_folder_even_when_nested(self, tmp_path):
        folder = make_folder(tmp_path / "fer")
        archive_path = tmp_path / "fer.zip"
        with zipfile.ZipFile(archive_path, "w") as archive:
            for file in folder.rglob("*.png"):
                archive.write(file, f"archive/{file.relative_to(folder)}")
        assert read_dataset(archive_path).fingerprint == read_dataset(folder).fingerprint

    def test_scales_other_sizes(self, tmp_path):
        assert read_dataset(make_folder(tmp_path / "fer", size=96)).images.shape == (3, 48, 48)

    def test_names_unknown_class_and_broken_image(self, tmp_path):
        folder = make_folder(tmp_path / "fer")
        (folder / "train" / "angry" / "2.png").write_bytes(b"broken")
        with pytest.raises(DatasetError, match=r"train/angry/2\.png: cannot be read"):
            read_dataset(folder)
        (folder / "train" / "angry" / "2.png").unlink()
        (folder / "train" / "angry").rename(folder / "train" / "bored")
        with pytest.raises(DatasetError, match="Received: 'bored'"):
            read_dataset(folder)

    def test_refuses_what_holds_no_images(self, tmp_path):
        (tmp_path / "empty").mkdir()
        with pytest.raises(DatasetError, match="found none"):
            read_dataset(tmp_path / "empty")
        (tmp_path / "no.zip").write_bytes(b"x")
        with pytest.raises(DatasetError, match="cannot be read as a zip"):
            read_dataset(tmp_path / "no.zip")


def zipped(path, **members):
    """Write a zip of (name with ``__`` for a slash and ``_csv`` for an ending, bytes)."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(name.replace("__", "/").replace("_csv", ".csv"), data)
    return path


def tarred(path, mode, **members):
    with tarfile.open(path, mode) as archive:
        for name, data in members.items():
            info = tarfile.TarInfo(name.replace("__", "/").replace("_csv", ".csv"))
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


class TestCsvAsPeopleHaveIt:
    """The same rows and the same fingerprint, however the competition's csv is stored."""

    SPLITS = ("Training", "PublicTest", "PrivateTest")

    def rows(self, row_format="{code},{pixels},{usage}"):
        ramps = (" ".join(str((i + 7 * k) % 256) for i in range(2304)) for k in range(3))
        return [
            row_format.format(code=code, pixels=pixels, usage=usage)
            for code, (pixels, usage) in enumerate(zip(ramps, self.SPLITS, strict=True))
        ]

    def text(self, header="emotion,pixels,Usage", row_format="{code},{pixels},{usage}", end="\n"):
        return "".join(line + end for line in [header, *self.rows(row_format)])

    @pytest.fixture
    def plain(self, tmp_path):
        (tmp_path / "plain").mkdir()
        return read_dataset(write(tmp_path / "plain" / "a.csv", *self.rows()))

    @pytest.mark.parametrize(
        ("header", "row_format", "end", "encoding"),
        [
            ("emotion, Usage, pixels", "{code},{usage},{pixels}", "\n", "utf-8"),
            ("emotion, Usage, pixels", "{code}, {usage} , {pixels} ", "\r\n", "utf-8"),
            ("USAGE,Pixels,Emotion", "{usage},{pixels},{code}", "\n", "utf-8"),
            ('"emotion" , "pixels", "Usage"', '{code}, "{pixels}", "{usage}"', "\n", "utf-8-sig"),
            ("emotion;pixels;Usage", "{code};{pixels};{usage}", "\r\n", "utf-8-sig"),
            ("emotion\tpixels\tUsage", "{code}\t{pixels}\t{usage}", "\n", "utf-16"),
            ("emotion,pixels,Usage", "{code},{pixels},{usage}", "\r\n", "utf-16-le"),
            ("emotion,pixels,Usage", "{code},{pixels},{usage}", "\n", "utf-16-be"),
            (",emotion,pixels,Usage", "0,{code},{pixels},{usage}", "\n", "utf-8"),
        ],
    )
    def test_headers_delimiters_and_encodings(
        self, tmp_path, plain, header, row_format, end, encoding
    ):
        path = tmp_path / "fer2013.csv"
        path.write_bytes(self.text(header, row_format, end).encode(encoding))
        assert read_dataset(path).fingerprint == plain.fingerprint

    @pytest.mark.parametrize("last", ["\n", ",,\n", " , ,\n\n", "\r\n\r\n"])
    def test_empty_rows_are_counted_and_cost_nothing(self, tmp_path, plain, last):
        path = tmp_path / "fer2013.csv"
        path.write_text(self.text() + last, newline="")
        data = read_dataset(path)
        assert data.fingerprint == plain.fingerprint
        (message,) = data.skipped.messages()
        assert "empty row" in message

    @pytest.mark.parametrize("name", ["fer2013.csv.gz", "FER2013.CSV.GZ", "fer2013.csv", "x.bin"])
    @pytest.mark.parametrize("pack", [gzip.compress, bz2.compress, lzma.compress, bytes])
    def test_the_content_tells_how_it_is_packed(self, tmp_path, plain, name, pack):
        (tmp_path / name).write_bytes(pack(self.text().encode()))
        assert read_dataset(tmp_path / name).fingerprint == plain.fingerprint

    def test_in_archives(self, tmp_path, plain):
        table = self.text().encode()
        archives = [
            zipped(tmp_path / "fer2013.csv.zip", fer2013_csv=table),
            zipped(tmp_path / "FER2013.ZIP", fer2013__fer2013_csv=table, README=b"read me"),
            zipped(tmp_path / "b.zip", icml_face_data_csv=table, train_csv=b"x", test_csv=b"y"),
            zipped(tmp_path / "c.zip", **{"fer2013_csv.gz": gzip.compress(table)}),
            tarred(tmp_path / "a.tar.gz", "w:gz", fer2013__fer2013_csv=table, fer2013__bib=b"x"),
            tarred(tmp_path / "A.TGZ", "w:gz", fer2013_csv=table),
            tarred(tmp_path / "a.tar.xz", "w:xz", fer2013_csv=table),
            tarred(tmp_path / "a.tar", "w", fer2013_csv=table),
        ]
        (tmp_path / "folder" / "fer2013").mkdir(parents=True)
        (tmp_path / "folder" / "fer2013" / "fer2013.csv").write_bytes(table)
        for path in (*archives, tmp_path / "folder"):
            assert read_dataset(path).fingerprint == plain.fingerprint, path
        messages = read_dataset(tmp_path / "b.zip").skipped.messages()
        assert messages == ["2 files of other kinds left out: 2 .csv"]

    def test_the_fingerprint_is_what_cards_hold(self, tmp_path, plain):
        """SHA-256 of pixels, labels and split indices, in the order of the rows."""
        ramps = [[(i + 7 * k) % 256 for i in range(2304)] for k in range(3)]
        content = b"".join(map(bytes, ramps)) + bytes([0, 1, 2]) + bytes([0, 1, 2])
        expected = hashlib.sha256(content).hexdigest()
        assert plain.fingerprint == expected
        path = tmp_path / "a.csv"
        path.write_bytes(self.text("emotion, Usage, pixels", "{code},{usage},{pixels}").encode())
        assert read_dataset(path).fingerprint == expected
        for code, (split, pixels) in enumerate(zip(self.SPLITS, ramps, strict=True)):
            folder = tmp_path / "set" / f"{code}" / split / ("angry", "disgust", "fear")[code]
            folder.mkdir(parents=True)
            Image.fromarray(np.reshape(pixels, (48, 48)).astype(np.uint8)).save(folder / "a.tiff")
        assert read_dataset(tmp_path / "set").fingerprint == expected

    def test_empty_rows_before_the_header_count_as_rows(self, tmp_path, plain):
        path = write(tmp_path / "a.csv", "", self.text(), header="")
        assert read_dataset(path).fingerprint == plain.fingerprint
        write(path, "emotion,pixels,Usage", "9," + PIXELS + ",Training", header=",,")
        with pytest.raises(DatasetError, match=r"a\.csv, row 3: expected emotion"):
            read_dataset(path)

    def test_more_than_fits_into_memory_is_refused(self, tmp_path, monkeypatch):
        monkeypatch.setattr(fer2013_csv, "MAX_IMAGES", 2)
        monkeypatch.setattr(containers, "MAX_IMAGES", 2)
        with pytest.raises(DatasetError, match="at most 2 rows"):
            read_dataset(write(tmp_path / "a.csv", *self.rows()))
        (tmp_path / "b.csv.gz").write_bytes(gzip.compress(self.text()[:21].encode() + b"\n" * 9))
        with pytest.raises(DatasetError, match="at most 2 rows"):
            read_dataset(tmp_path / "b.csv.gz")
        many = {f"{k}.txt": b"" for k in range(3)}
        for path in (
            zipped(tmp_path / "a.zip", **many),
            tarred(tmp_path / "a.tgz", "w:gz", **many),
        ):
            with pytest.raises(DatasetError, match="at most 2 files"):
                read_dataset(path)

    def test_a_tar_header_that_would_fill_the_memory_is_refused(self, tmp_path):
        path = tmp_path / "a.tgz"
        with tarfile.open(path, "w:gz", format=tarfile.PAX_FORMAT) as archive:
            info = tarfile.TarInfo("fer2013.csv")
            info.pax_headers = {"comment": "x" * 2**21}
            archive.addfile(info)
        with pytest.raises(DatasetError, match=r"a\.tgz: cannot be read: it is damaged"):
            read_dataset(path)

    def test_a_tar_of_the_oldest_kind(self, tmp_path, plain):
        table = self.text().encode()
        info = tarfile.TarInfo("fer2013.csv")
        info.size = len(table)
        head = bytearray(info.tobuf(tarfile.USTAR_FORMAT))
        head[257:265] = bytes(8)
        head[148:156] = b" " * 8
        head[148:156] = b"%06o\0 " % sum(head)
        padding = bytes(-len(table) % 512 + 1024)
        (tmp_path / "a.tar").write_bytes(bytes(head) + table + padding)
        assert read_dataset(tmp_path / "a.tar").fingerprint == plain.fingerprint

    def test_a_later_file_of_the_same_name_replaces_the_earlier(self, tmp_path, plain):
        members = (("fer2013.csv", b"an earlier one"), ("fer2013.csv", self.text().encode()))
        with tarfile.open(tmp_path / "a.tar", "w") as tar:
            for name, data in members:
                info = tarfile.TarInfo(name)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
            archive.writestr(*members[0])
            with pytest.warns(UserWarning, match="Duplicate name"):
                archive.writestr(*members[1])
        for name in ("a.tar", "a.zip"):
            data = read_dataset(tmp_path / name)
            assert data.fingerprint == plain.fingerprint
            assert data.skipped.messages() == [
                "1 file that a later one of the same name replaces left out: 1 fer2013.csv"
            ]

    def test_several_tables_are_told(self, tmp_path):
        path = zipped(tmp_path / "a.zip", train_csv=b"x", test_csv=b"y")
        with pytest.raises(
            DatasetError, match=r"expected one csv.*Received: train\.csv, test\.csv"
        ):
            read_dataset(path)

    def test_damaged_archives_are_told(self, tmp_path):
        rng = np.random.default_rng(0)
        noise = rng.integers(0, 256, (20, 2304))
        table = "\n".join(
            ["emotion,pixels,Usage"] + [f"0,{' '.join(map(str, r))},Training" for r in noise]
        )
        whole = tarred(tmp_path / "a.tar.gz", "w:gz", fer2013_csv=table.encode()).read_bytes()
        for end in (20, len(whole) // 2, len(whole) - 4):
            (tmp_path / "a.tar.gz").write_bytes(whole[:end])
            with pytest.raises(DatasetError, match=r"a\.tar\.gz: cannot be read: "):
                read_dataset(tmp_path / "a.tar.gz")

    @pytest.mark.parametrize(
        ("content", "message"),
        [
            (bytes(range(256)) * 300, "cannot be read"),
            (b"0," + b"7 " * 9000, "expected the columns"),
            (b"x" * 3_000_000, "Received: a longer one"),
            (b"emotion,pixels,Usage\n0," + b"q" * 9000 + b",Training\n", "not a whole number"),
            (b"emotion,pixels,Usage\n" + b"q" * 9000 + b"," + PIXELS.encode() + b",x\n", "a code"),
            (b"emotion,pixels,Usage\n0," + PIXELS.encode() + b"," + b"q" * 9000, "Usage"),
            (b"emotion,pixels,Usage\n0," + b"q" * 200_000 + b",Training\n", "too long"),
            (b"7z\xbc\xaf\x27\x1c" + bytes(99), "7-Zip archive; unpack it first"),
            (b"", "an empty file"),
        ],
    )
    def test_messages_are_short_and_in_our_words(self, tmp_path, content, message):
        path = tmp_path / "fer2013.csv"
        for data in (content, gzip.compress(content)):
            if content[:2] == b"7z" and data is not content:
                continue  # nobody has a compressed 7-Zip archive
            path.write_bytes(data)
            with pytest.raises(DatasetError, match=message) as caught:
                read_dataset(path)
            assert len(str(caught.value)) < 300 + len(str(tmp_path))
            assert not {"codec", "_csv", "Errno"} & set(str(caught.value).split())


class TestVotesAsPeopleHaveThem:
    ROWS = ("Training,a.png,4,0,0,1,3,2,0,0,0,0", "PublicTest,b.png,0,0,0,0,0,0,0,0,0,10")

    def pair(self):
        table = f"emotion,pixels,Usage\n0,{PIXELS},Training\n1,{PIXELS},PublicTest\n".encode()
        return table, "\n".join([TestVotes.HEADER, *self.ROWS, ",,,,,,,,,,,", ""]).encode(
            "utf-8-sig"
        )

    @pytest.mark.parametrize("name", ["fer2013new.csv", "fer2013new.csv.gz", "FER2013NEW.CSV"])
    def test_beside_a_file_or_an_archive(self, tmp_path, name):
        table, votes = self.pair()
        (tmp_path / "fer2013.csv").write_bytes(table)
        zipped(tmp_path / "fer2013.zip", fer2013_csv=table)
        (tmp_path / name).write_bytes(gzip.compress(votes) if name.endswith("gz") else votes)
        for file in ("fer2013.csv", "fer2013.zip"):
            np.testing.assert_allclose(
                read_dataset(tmp_path / file).votes[0], [0.3, 0.2, 0, 0, 0.1, 0, 0.4], atol=1e-6
            )

    def test_in_an_archive_of_the_table_or_of_their_own(self, tmp_path):
        table, votes = self.pair()
        both = tarred(
            tmp_path / "fer.tgz", "w:gz", fer2013_csv=table, ferplus__fer2013new_csv=votes
        )
        assert read_dataset(both).votes[0][0] == pytest.approx(0.3)
        (tmp_path / "own").mkdir()
        (tmp_path / "own" / "fer2013.csv").write_bytes(table)
        zipped(tmp_path / "own" / "fer2013new.csv.zip", fer2013new_csv=votes)
        assert read_dataset(tmp_path / "own" / "fer2013.csv").votes[0][0] == pytest.approx(0.3)

    def test_a_vote_that_is_no_number_of_votes_is_told(self, tmp_path):
        table, votes = self.pair()
        (tmp_path / "fer2013.csv").write_bytes(table)
        for wrong in (b"nan", b"-4", b"x" * 5000):
            (tmp_path / "fer2013new.csv").write_bytes(votes.replace(b"png,4", b"png," + wrong))
            with pytest.raises(DatasetError, match="row 2: a vote is no number") as caught:
                read_dataset(tmp_path / "fer2013.csv")
            assert len(str(caught.value)) < 300


def tree(root, *splits, suffix="png", classes=("angry", "disgust", "fear", "happy")):
    """Write an image per class into each split, brighter from class to class."""
    for split in splits:
        for class_index, name in enumerate(classes):
            (root / split / name).mkdir(parents=True)
            image = Image.new("L", (48, 48), 40 + 30 * class_index)
            image.save(root / split / name / f"0.{suffix}")
    return root


def counts(data):
    return np.bincount(data.usage, minlength=3).tolist()


class TestFoldersAsPeopleHaveThem:
    @pytest.mark.parametrize(
        ("splits", "expected"),
        [
            (("train", "valid", "test"), [4, 4, 4]),
            (("train", "validation", "test"), [4, 4, 4]),
            (("TRAIN", "Val", "TEST"), [4, 4, 4]),
            (("train", "dev"), [4, 4, 0]),
            (("Training", "PublicTest", "PrivateTest"), [4, 4, 4]),
            (("training", "public_test", "private-test"), [4, 4, 4]),
            (("train/train", "test/test"), [4, 0, 4]),
            (("fer/archive/train", "fer/archive/test"), [4, 0, 4]),
            (("train/images", "test/images"), [4, 0, 4]),
            (("test/train", "test/valid"), [4, 4, 0]),  # a folder "test" around all
        ],
    )
    def test_splits(self, tmp_path, splits, expected):
        assert counts(read_dataset(tree(tmp_path / "set", *splits))) == expected

    def test_a_split_by_itself(self, tmp_path):
        tree(tmp_path / "set", "train", "test")
        assert counts(read_dataset(tmp_path / "set" / "test")) == [0, 0, 4]

    def test_classes(self, tmp_path):
        names = ("Anger", "1_disgust", "02-Fear", "3. HAPPINESS", "sadness", "Surprised", "neutral")
        data = read_dataset(tree(tmp_path / "set", "test", classes=names))
        assert sorted(data.labels.tolist()) == list(range(7))
        assert [data.images[data.labels == code].max() for code in range(7)] == [
            40 + 30 * code for code in range(7)
        ]

    @pytest.mark.parametrize("suffix", ["tiff", "tif", "webp", "gif", "bmp", "JPG", "jpeg"])
    def test_formats(self, tmp_path, suffix):
        data = read_dataset(tree(tmp_path / "set", "train", "test", suffix=suffix))
        assert counts(data) == [4, 0, 4]
        assert data.images[data.labels == 3].mean() == pytest.approx(130, abs=2)

    def test_images_of_16_bits(self, tmp_path):
        (tmp_path / "test" / "sad").mkdir(parents=True)
        ramp = np.linspace(0, 65535, 48 * 48).reshape(48, 48).astype(np.uint16)
        Image.fromarray(ramp).save(tmp_path / "test" / "sad" / "a.png")
        (image,) = read_dataset(tmp_path).images
        np.testing.assert_allclose(image, ramp / 257, atol=1.5)

    def test_archives_equal_folders(self, tmp_path):
        folder = tree(tmp_path / "set", "train", "test")
        files = sorted(folder.rglob("*.png"), reverse=True)
        with tarfile.open(tmp_path / "set.tgz", "w:gz") as archive:
            for file in files:
                archive.add(file, f"./{file.relative_to(folder)}")
        with zipfile.ZipFile(tmp_path / "SET.ZIP", "w") as archive:
            for file in files:
                info = zipfile.ZipInfo("x")
                info.filename = "fer\\" + str(file.relative_to(folder)).replace("/", "\\")
                archive.writestr(info, file.read_bytes())  # as some programs on Windows do
        expected = read_dataset(folder).fingerprint
        assert read_dataset(tmp_path / "set.tgz").fingerprint == expected
        assert read_dataset(tmp_path / "SET.ZIP").fingerprint == expected

    def test_linked_folders_once_each(self, tmp_path):
        real = tree(tmp_path / "real", "train", "test")
        linked = tmp_path / "linked"
        linked.mkdir()
        (linked / "train").symlink_to(real / "train")
        (linked / "test").symlink_to(real / "test")
        assert counts(read_dataset(linked)) == [4, 0, 4]
        (real / "train" / "loop").symlink_to(linked)
        (real / "again").symlink_to(real / "test")
        (real / "gone.png").symlink_to(tmp_path / "nowhere.png")
        data = read_dataset(real)
        assert counts(data) == [4, 0, 4]
        messages = "; ".join(data.skipped.messages())
        assert "links to folders that were read already left out: " in messages
        assert "1 link that leads nowhere left out: 1 gone.png" in messages
        (real / "gone.png").unlink()
        (real / "self").symlink_to(real / "self")
        os.mkfifo(real / "pipe")
        messages = "; ".join(read_dataset(real).skipped.messages())
        assert "1 link that leads nowhere left out: 1 self" in messages
        assert "1 entry that is no file left out: 1 pipe" in messages

    def test_links_in_a_zip_are_counted(self, tmp_path):
        folder = tree(tmp_path / "set", "train", "test")
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
            for file in folder.rglob("*.png"):
                archive.write(file, file.relative_to(folder))
            link = zipfile.ZipInfo("train/angry/1.png")
            link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
            archive.writestr(link, "0.png")
        data = read_dataset(tmp_path / "set.zip")
        assert counts(data) == [4, 0, 4]
        assert data.skipped.messages() == ["1 link in the archive left out"]

    def test_an_archive_with_the_name_of_a_split(self, tmp_path):
        folder = tree(tmp_path / "set", "test") / "test"
        for name, mode in (("Test.tar.gz", "w:gz"), ("train.tar", "w")):
            with tarfile.open(tmp_path / name, mode) as archive:
                archive.add(folder, ".")
        assert counts(read_dataset(tmp_path / "Test.tar.gz")) == [0, 0, 4]
        assert counts(read_dataset(tmp_path / "train.tar")) == [4, 0, 0]

    def test_a_root_with_the_name_of_a_split_is_ignored_where_there_are_splits(self, tmp_path):
        folder = tree(tmp_path / "dev", "train", "test")
        (folder / "docs").mkdir()
        Image.new("L", (9, 9)).save(folder / "docs" / "a.png")
        data = read_dataset(folder)
        assert counts(data) == [4, 0, 4]
        assert data.skipped.messages() == [
            "1 image outside of train, validation and test left out: 1 docs"
        ]

    def test_a_csv_beside_pictures_of_something_else(self, tmp_path):
        folder = tmp_path / "dev"
        (folder / "docs").mkdir(parents=True)
        write(folder / "fer2013.csv", f"3,{PIXELS},Training")
        Image.new("L", (9, 9)).save(folder / "docs" / "a.png")
        data = read_dataset(folder)
        assert counts(data) == [1, 0, 0]
        assert data.skipped.messages() == ["1 file of another kind left out: 1 .png"]

    def test_an_image_that_would_fill_the_memory_is_refused(self, tmp_path):
        (tmp_path / "test" / "sad").mkdir(parents=True)
        Image.new("1", (7000, 7000)).save(tmp_path / "test" / "sad" / "a.png")
        with pytest.raises(DatasetError, match=r"test/sad/a\.png: .* more than 40 megapixels"):
            read_dataset(tmp_path)

    def test_messages_quote_a_hundred_characters(self, tmp_path):
        long = "/".join(["q" * 90] * 20)
        Image.new("L", (9, 9)).save(tmp_path / "a.png")
        image = (tmp_path / "a.png").read_bytes()
        for name, data in ((f"test/{long}/a.png", image), (f"test/sad/{long}.png", b"x")):
            with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
                archive.writestr(name, data)
            with pytest.raises(DatasetError) as caught:
                read_dataset(tmp_path / "a.zip")
            assert str(caught.value).count("q") <= 200

    def test_what_is_left_out_is_counted_and_named(self, tmp_path):
        folder = tree(tmp_path / "set", "train", "test", classes=("angry", "contempt"))
        for name in ("a.txt", "b.TXT", "c.json", ".DS_Store", "train/angry/._0.png", "LICENSE"):
            (folder / name).write_bytes(b"x")
        (folder / "more").mkdir()
        for name in ("more/a.png", "train/sheet.png"):
            (folder / name).write_bytes((folder / "test" / "angry" / "0.png").read_bytes())
        with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
            for file in folder.rglob("*"):
                archive.write(file, file.relative_to(folder))
        for path in (folder, tmp_path / "set.zip"):
            data = read_dataset(path)
            assert counts(data) == [1, 0, 1]
            assert sorted(data.skipped.messages()) == [
                "1 image outside of train, validation and test left out: 1 more",
                "1 image without a class folder left out: 1 train",
                "2 hidden files left out",
                "2 images of classes that are not among the seven left out: 2 contempt",
                "4 files of other kinds left out: 2 .txt, 1 .json, 1 without an ending",
            ]
            assert data.skipped.total == 10

    def test_numbers_and_missing_splits_are_reported(self, tmp_path):
        with pytest.raises(DatasetError, match=r"Received: '1'\. A number means another emotion"):
            read_dataset(tree(tmp_path / "rafdb", "train", "test", classes=("1", "2")))
        with pytest.raises(DatasetError, match=r"found none\. Received: 4 images outside of train"):
            read_dataset(tree(tmp_path / "set", "."))
        with pytest.raises(DatasetError, match=r"folder around class folders .* e\.g\. test"):
            read_dataset(tmp_path / "set")
        tree(tmp_path / "raf", "train/images", "test/images", classes=("1", "2"))
        for name in ("train_labels.csv", "test_labels.csv"):
            (tmp_path / "raf" / name).write_text("image,label\n0.png,1\n")
        with pytest.raises(DatasetError, match=r"'images/1'\. A number means another emotion"):
            read_dataset(tmp_path / "raf")


def test_duplicates_are_found_by_pixels(small_data):
    training = small_data.split("Training").images
    assert find_duplicates(training[:3], training).all()
    assert find_duplicates(np.concatenate([training[:1], training[:1] ^ 1]), training).tolist() == [
        True,
        False,
    ]


def test_hold_out_is_stratified_seeded_and_complete(small_data):
    split = small_data.split("Training")
    remaining, held_out = stratified_split(split, 0.2, seed=3)
    assert len(remaining) + len(held_out) == len(split)
    assert sorted(set(held_out.labels)) == list(range(7))
    again = stratified_split(split, 0.2, seed=3)[1]
    assert (again.images == held_out.images).all()
    assert not (
        len(stratified_split(split, 0.2, seed=4)[1]) == len(held_out)
        and (stratified_split(split, 0.2, seed=4)[1].images == held_out.images).all()
    )
    assert isinstance(held_out, Split)


def test_dataset_checks_its_shapes():
    with pytest.raises(DatasetError, match="expected images of shape"):
        Dataset(
            np.zeros((2, 8, 8), np.uint8), np.zeros(2, np.uint8), np.zeros(2, np.uint8), None, "x"
        )
