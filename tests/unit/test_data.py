import gzip
import zipfile

import numpy as np
import pytest
from PIL import Image

from emosense.errors import DatasetError
from emosense.training.dataset import Dataset, Split, copies_in, hold_out
from emosense.training.read import read_dataset

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
        packed = tmp_path / "fer2013.csv.gz"
        packed.write_bytes(gzip.compress(small_csv.read_bytes()))
        assert read_dataset(packed).fingerprint == small_data.fingerprint

    @pytest.mark.parametrize(
        ("row", "told"),
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
    def test_names_the_wrong_row(self, tmp_path, row, told):
        path = write(tmp_path / "bad.csv", f"0,{PIXELS},Training", row)
        with pytest.raises(DatasetError, match=told):
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

    def test_become_shares_in_our_order(self, tmp_path):
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
    for part, names in (("train", ("angry", "happy")), ("test", ("sad",))):
        for name in names:
            (root / part / name).mkdir(parents=True)
            grey = Image.new("L", (size, size), len(name) * 10)
            grey.save(root / part / name / "1.png")
    return root


class TestFolder:
    def test_reads_parts_and_classes(self, tmp_path):
        data = read_dataset(make_folder(tmp_path / "fer"))
        assert sorted(data.split("Training").labels.tolist()) == [0, 3]
        assert data.split("PrivateTest").labels.tolist() == [4]
        assert data.images[data.labels == 3].max() == 50

    def test_zip_equals_folder_even_when_nested(self, tmp_path):
        folder = make_folder(tmp_path / "fer")
        packed = tmp_path / "fer.zip"
        with zipfile.ZipFile(packed, "w") as archive:
            for file in folder.rglob("*.png"):
                archive.write(file, f"archive/{file.relative_to(folder)}")
        assert read_dataset(packed).fingerprint == read_dataset(folder).fingerprint

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


def test_copies_are_found_by_pixels(small_data):
    training = small_data.split("Training").images
    assert copies_in(training[:3], training).all()
    assert copies_in(np.concatenate([training[:1], training[:1] ^ 1]), training).tolist() == [
        True,
        False,
    ]


def test_hold_out_is_stratified_seeded_and_complete(small_data):
    split = small_data.split("Training")
    rest, held = hold_out(split, 0.2, seed=3)
    assert len(rest) + len(held) == len(split)
    assert sorted(set(held.labels)) == list(range(7))
    again = hold_out(split, 0.2, seed=3)[1]
    assert (again.images == held.images).all()
    assert not (
        len(hold_out(split, 0.2, seed=4)[1]) == len(held)
        and (hold_out(split, 0.2, seed=4)[1].images == held.images).all()
    )
    assert isinstance(held, Split)


def test_dataset_checks_its_shapes():
    with pytest.raises(DatasetError, match="expected images of shape"):
        Dataset(
            np.zeros((2, 8, 8), np.uint8), np.zeros(2, np.uint8), np.zeros(2, np.uint8), None, "x"
        )
