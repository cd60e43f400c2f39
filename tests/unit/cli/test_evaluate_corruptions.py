"""``emosense evaluate --corruptions``, on pictures of one face."""

import json
import shutil

import numpy as np
import pytest

from emosense.cli.main import main
from emosense.evaluation.predictions import CORRUPTIONS, SEVERITIES, read_degraded
from emosense.faces.crop import crop_face
from emosense.faces.detector import FaceDetector
from emosense.networks.registry import find_model
from emosense.training.model_folder import add_predictions, file_infos
from emosense.training.readers.auto import read_dataset


@pytest.fixture
def data(astronaut, small_csv, tmp_path):
    """A csv whose PrivateTest is one face, thirty times."""
    (found,) = FaceDetector("opencv").detect([astronaut])[0]
    face = crop_face(astronaut, found)
    lines = small_csv.read_text().splitlines()
    training = [line for line in lines if line.endswith("Training")]
    rows = [f"3,{' '.join(map(str, face.ravel()))},PrivateTest"] * 30
    path = tmp_path / "faces.csv"
    path.write_text("\n".join([lines[0], *training, *rows]) + "\n")
    return path


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A copy of cnn4 that has predictions on thirty images, and none on corrupted faces."""
    folder = tmp_path / "models" / "mine"
    shutil.copytree(find_model("cnn4").folder, folder)
    monkeypatch.setenv("EMOSENSE_MODELS", str(folder.parent))
    np.savez(
        folder / "predictions.npz",
        private_labels=np.full(30, 3, np.uint8),
        private_copy=np.zeros(30, bool),
        private_probabilities=np.full((30, 7), 1 / 7, np.float32),
    )
    change_card(
        folder,
        name="mine",
        metrics={},
        files={name: info.model_dump() for name, info in file_infos(folder).items()},
    )
    return folder


def change_card(folder, **values):
    card = json.loads((folder / "card.json").read_text())
    (folder / "card.json").write_text(json.dumps(card | values))


@pytest.mark.parametrize("flag", [[], ["--json"]])
def test_corruptions_are_measured_and_kept(flag, data, folder, capsys):
    command = ["evaluate", "mine", "--data", str(data), "--corruptions", *flag]

    assert main(command) == 0  # of other data: nothing is kept
    captured = capsys.readouterr()
    assert "kept with it" not in captured.out + captured.err
    assert read_degraded(find_model("mine")) is None
    known = find_model("mine").card.data.model_dump()
    change_card(folder, data=known | {"fingerprint": read_dataset(data).fingerprint})

    assert main(command) == 0
    captured = capsys.readouterr()
    told = captured.err if flag else captured.out
    assert "mine had no corrupted faces of PrivateTest: they are kept with it." in told
    kept = read_degraded(find_model("mine"))
    assert (find_model("mine").predictions()["private_probabilities"] == np.float32(1 / 7)).all()
    jpeg = kept.rows(kept.corruptions == CORRUPTIONS.index("jpeg"))
    assert main(command) == 0
    captured = capsys.readouterr()
    assert "kept with it" not in captured.out + captured.err
    if flag:
        of_jpeg = json.loads(captured.out)["corruptions"]["PrivateTest"]["jpeg"]
        assert (of_jpeg["faces"], of_jpeg["found"]) == (len(jpeg.images), jpeg.found.sum())
        for severity in range(1, SEVERITIES + 1):
            rows = jpeg.severities == severity
            told = of_jpeg["accuracy"]["all"]["severities"][str(severity)]["value"]
            assert told == (jpeg.predictions.correct[rows].mean() if rows.any() else None)
        return
    assert "PrivateTest: equal to the corrupted faces that are kept" in captured.out
    (row,) = [line.split() for line in captured.out.splitlines() if line.startswith("  jpeg ")]
    assert int(row[1]) == len(jpeg.images)
    add_predictions(find_model("mine"), {"private_degraded_found": ~kept.found})
    assert main(command) == 0
    assert "PrivateTest, jpeg, faces found: kept " in capsys.readouterr().out


def test_corruptions_are_of_data_sets_alone(tmp_path, capsys):
    assert main(["evaluate", "cnn4", "--data", str(tmp_path), "--photos", "--corruptions"]) == 1
    assert "Expected --corruptions beside FER2013" in capsys.readouterr().err
