import csv
import io
import json
import os
import subprocess
import sys

import pytest
from support.data import write_csv
from support.synthetic_video import head, pasted, wall, write_clip

from emosense.analyzer import Analyzer
from emosense.cli.main import main


@pytest.fixture
def photo(tmp_path, astronaut_png):
    path = tmp_path / "eileen.png"
    path.write_bytes(astronaut_png)
    return path


def test_photo_prints_faces(photo, capsys):
    assert main(["photo", str(photo)]) == 0
    out = capsys.readouterr().out
    assert "eileen.png: 1 face\n" in out
    assert "happy" in out


def test_photo_csv_json_and_annotated(photo, tmp_path, capsys):
    assert main(["photo", str(photo), "--csv", "--annotated", str(tmp_path / "out")]) == 0
    (row,) = csv.DictReader(io.StringIO(capsys.readouterr().out))
    assert row["emotion"] == "happy"
    assert (tmp_path / "out" / "eileen.png").read_bytes().startswith(b"\x89PNG")
    assert main(["photo", str(photo), "--json", "--strict"]) == 0
    assert json.loads(capsys.readouterr().out)[0]["faces"][0]["emotion"] == "happy"


def test_data_is_utf8_with_every_line_end_as_it_is(tmp_path, monkeypatch):
    """Also where the terminal has another encoding, and other line ends."""
    bad = tmp_path / "\u732b.png"
    bad.write_text("no photo")
    for flag, line_end in (("--csv", b"\r\n"), ("--json", b"\n")):
        raw = io.BytesIO()
        stdout = io.TextIOWrapper(raw, encoding="latin-1", newline="\r\n")
        monkeypatch.setattr("sys.stdout", stdout)
        assert main(["photo", str(bad), flag]) == 1
        stdout.flush()
        told = raw.getvalue()
        assert "\u732b.png".encode() in told
        assert told.count(b"\n") == told.count(line_end)
        assert told.count(b"\r\r\n") == 0
        assert not told.startswith(b"\xef\xbb\xbf")


def test_photo_says_what_is_perhaps_no_face(photo, capsys, monkeypatch):
    assert main(["photo", str(photo)]) == 0
    told = capsys.readouterr().out
    assert "perhaps no face" not in told
    monkeypatch.setattr("emosense.results.DOUBTFUL_BELOW", 1.01)
    assert main(["photo", str(photo)]) == 0
    assert capsys.readouterr().out == told.rstrip("\n") + "   perhaps no face\n"


def test_pictures_never_replace_the_photos(photo, capsys):
    before = photo.read_bytes()
    assert main(["photo", str(photo), "--annotated", str(photo.parent)]) == 1
    captured = capsys.readouterr()
    assert "eileen.png: 1 face" in captured.out
    assert "would replace the photos themselves" in captured.err
    assert photo.read_bytes() == before


def test_photo_explains(photo, tmp_path, capsys):
    assert main(["photo", str(photo), "--explain", str(tmp_path / "why")]) == 0
    assert "eileen.png, face 1: What speaks for happy: " in capsys.readouterr().err
    assert (tmp_path / "why" / "eileen-why-1.png").read_bytes().startswith(b"\x89PNG")


def test_photo_says_unsure(photo, small_run, capsys, monkeypatch):
    """The tiny model learned noise: no share of its answers is right often enough."""
    monkeypatch.setenv("EMOSENSE_MODELS", str(small_run / "models"))
    assert main(["photo", str(photo), "--model", "tiny"]) == 0
    assert capsys.readouterr().out.rstrip().endswith("unsure")


def test_a_bad_file_fails_after_the_good_ones(photo, tmp_path, capsys):
    bad = tmp_path / "notes.txt"
    bad.write_text("hello")
    assert main(["photo", str(bad), str(photo)]) == 1
    captured = capsys.readouterr()
    assert "eileen.png: 1 face" in captured.out
    assert "notes.txt: Expected a photo" in captured.err


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["photo", "x.png", "--model", "nothing"], "no model 'nothing'"),
        (["photo", "x.png", "--threshold", "3"], "threshold: expected"),
        (["video", "tests"], "tests cannot be read: Is a directory"),
        (["train", "cnn8", "--data", "nowhere.csv"], "There is no data set"),
        (["evaluate", "cnn8", "--data", "nowhere.csv"], "There is no data set"),
    ],
)
def test_errors_are_one_line(arguments, told, capsys):
    assert main(arguments) == 1
    err = capsys.readouterr().err
    assert told in err
    assert "Traceback" not in err


@pytest.mark.slow
def test_train_resume_evaluate_and_list(small_csv, tmp_path, capsys, monkeypatch):
    command = ["train", "cnn8", "--data", str(small_csv), "--epochs", "1", "--batch-size", "16"]
    command += ["--out", str(tmp_path / "models" / "mine"), "--checkpoints", str(tmp_path / "run")]
    assert main(command) == 0
    captured = capsys.readouterr()
    assert "PrivateTest without copies" in captured.out
    assert "epoch 1/1  step 3/3" in captured.err
    assert main(command) == 1
    assert "already holds a run" in capsys.readouterr().err
    assert main([*command, "--resume"]) == 0
    assert main([*command, "--publish-only"]) == 0
    capsys.readouterr()
    monkeypatch.setenv("EMOSENSE_MODELS", str(tmp_path / "models"))
    assert main(["models"]) == 0
    (row,) = [r for r in capsys.readouterr().out.splitlines() if r.startswith("mine")]
    assert "4,232,199" in row
    assert "1 of 1" in row
    assert main(["models", "--json"]) == 0
    assert [c["name"] for c in json.loads(capsys.readouterr().out)][-1] == "mine"
    assert main(["calibrate", "mine", "--data", str(small_csv)]) == 0
    told = capsys.readouterr().out
    assert told.startswith("mine: temperature ")
    assert "Always shows 'unsure'" in told
    assert main(["evaluate", "mine", "--data", str(small_csv), "--json"]) == 0
    card = json.loads((tmp_path / "models" / "mine" / "card.json").read_text())
    assert json.loads(capsys.readouterr().out) == card["metrics"]
    assert main(["evaluate", "mine", "--data", str(small_csv)]) == 0
    assert "Equal to the card's figures." in capsys.readouterr().out
    card["metrics"]["PrivateTest"]["accuracy"] += 0.01
    (tmp_path / "models" / "mine" / "card.json").write_text(json.dumps(card))
    assert main(["evaluate", "mine", "--data", str(small_csv)]) == 0
    told = capsys.readouterr().out.splitlines()[-1]
    assert told.startswith("PrivateTest, accuracy: the card says ")
    tests = "\n".join(
        line for line in small_csv.read_text().splitlines() if not line.endswith("Training")
    )
    (tmp_path / "tests.csv").write_text(tests)  # images of one's own, nothing to learn from
    assert main(["evaluate", "mine", "--data", str(tmp_path / "tests.csv")]) == 0
    assert "Training" not in capsys.readouterr().out
    other = write_csv(tmp_path / "other.csv", (40, 14, 21))
    assert main(["evaluate", "mine", "--data", str(other)]) == 0
    told = capsys.readouterr().out
    assert "The card's figures are of other data.\nCompared all the same" in told
    assert told.endswith("Equal to the card's figures.\n")
    other = write_csv(tmp_path / "other.csv", (40, 15, 21), seed=5)
    assert main(["evaluate", "mine", "--data", str(other)]) == 0
    assert capsys.readouterr().out.endswith("The card's figures are of other data.\n")
    kaggles = write_csv(tmp_path / "other.csv", (40, 0, 28), seed=5)  # both tests in one
    assert main(["evaluate", "mine", "--data", str(kaggles)]) == 0
    assert "no figures of unseen images" in capsys.readouterr().out
    (tmp_path / "models" / "mine" / "card.json").write_text("{")
    assert main(["models"]) == 0
    assert "not a model card" in capsys.readouterr().out
    assert main(["models", "--json"]) == 0
    captured = capsys.readouterr()
    assert "mine" not in [card["name"] for card in json.loads(captured.out)]
    assert "not a model card" in captured.err
    assert main(["train", "cnn8", "--data", str(small_csv), "--out", str(tmp_path / "models")]) == 1
    assert "expected a model's folder, or a new one" in capsys.readouterr().err


def test_evaluate_loads_no_training_framework(small_csv):
    code = (
        "import sys\n"
        "from emosense.cli.main import main\n"
        f"assert main(['evaluate', 'cnn4', '--data', {str(small_csv)!r}]) == 0\n"
        "print([name for name in ('tensorflow', 'keras', 'torch', 'jax') if name in sys.modules])"
    )
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.endswith("[]\n")


def test_what_a_data_set_holds_besides_is_told(small_csv, tmp_path, capsys):
    (tmp_path / "fer2013.csv").write_bytes(small_csv.read_bytes() + b",,\n")
    for name in ("a.txt", "b.txt", "c.json"):
        (tmp_path / name).write_text("x")
    assert main(["evaluate", "cnn4", "--data", str(tmp_path)]) == 0
    told = capsys.readouterr().err
    assert "3 files of other kinds left out: 2 .txt, 1 .json\n" in told
    assert "1 empty row left out\n" in told


def test_video_with_everything(tmp_path, astronaut, capsys):
    frames = [pasted(wall(), (head(astronaut), 200 + 5 * i, 180)) for i in range(20)]
    clip = write_clip(tmp_path / "clip.mp4", frames)
    files = {"--csv": "o.csv", "--json": "o.json", "--captions": "o.vtt", "--annotated": "o.mp4"}
    wanted = [part for flag, name in files.items() for part in (flag, str(tmp_path / name))]
    assert main(["video", str(clip), "--per-second", "0", *wanted]) == 0
    captured = capsys.readouterr()
    assert "clip.mp4: 20 of 20 frames analysed" in captured.out
    assert "person 1: seen for 0.8 s; happy 100 %" in captured.out
    assert (tmp_path / "o.csv").read_bytes().startswith(b"\xef\xbb\xbfsource,")
    rows = list(csv.DictReader((tmp_path / "o.csv").read_text("utf-8-sig").splitlines()))
    assert len(rows) == 20
    assert len(json.loads((tmp_path / "o.json").read_text())["frames"]) == 20
    assert (tmp_path / "o.vtt").read_text().startswith("WEBVTT")
    assert (tmp_path / "o.mp4").stat().st_size > 1000


def test_a_stretch_of_a_video(tmp_path, astronaut, capsys):
    frames = [pasted(wall(), (head(astronaut), 200 + 5 * i, 180)) for i in range(30)]
    clip, target = write_clip(tmp_path / "clip.mp4", frames), tmp_path / "o.json"
    every = ["video", str(clip), "--per-second", "0", "--json", str(target)]
    assert main([*every, "--from", "0.4", "--to", "0:00.8"]) == 0
    assert "clip.mp4: 11 of 11 frames analysed" in capsys.readouterr().out
    indices = [frame["frame"] for frame in json.loads(target.read_text())["frames"]]
    assert indices == list(range(10, 21))
    assert main([*every, "--from", "soon"]) == 1
    assert "Expected seconds or m:ss, such as 90 or 1:30. Received: soon" in capsys.readouterr().err


def test_ctrl_c_keeps_what_is_done_and_calls_it_partial(tmp_path, astronaut, capsys, monkeypatch):
    frames = [pasted(wall(), (head(astronaut), 200 + i % 9, 180)) for i in range(200)]
    clip = write_clip(tmp_path / "clip.mp4", frames)
    classify, calls = Analyzer.classify, []

    def pressed(analyzer, faces, scores):
        calls.append(faces)
        if len(calls) == 3:
            raise KeyboardInterrupt
        return classify(analyzer, faces, scores)

    monkeypatch.setattr(Analyzer, "classify", pressed)
    target = tmp_path / "o.json"
    assert main(["video", str(clip), "--per-second", "0", "--json", str(target)]) == 1
    assert "clip.mp4: it was cancelled" in capsys.readouterr().err
    result = json.loads(target.read_text())
    assert result["problem"] == "it was cancelled"
    assert 0 < len(result["frames"]) < 200


def test_names_that_are_no_utf8(tmp_path, astronaut, astronaut_png, capsys):
    photo, clip = (tmp_path / os.fsdecode(b"caf\xe9" + end) for end in (b".png", b".mp4"))
    photo.write_bytes(astronaut_png)
    made = write_clip(tmp_path / "clip.mp4", [pasted(wall(), (head(astronaut), 200, 180))] * 3)
    made.rename(clip)
    assert main(["photo", str(photo), "--csv"]) == 0
    assert "caf\\xe9.png," in capsys.readouterr().out
    assert main(["video", str(clip), "--json", str(tmp_path / "o.json")]) == 0
    assert json.loads((tmp_path / "o.json").read_text())["source"] == "caf\\xe9.mp4"


def test_names_are_no_commands_to_the_terminal(tmp_path, astronaut, astronaut_png, capsys):
    name = "a\x1b]0;owned\x07\x9b2J\n\u202egnp"
    photo, broken, clip = (tmp_path / (name + end) for end in (".png", ".txt", ".mp4"))
    photo.write_bytes(astronaut_png)
    broken.write_bytes(b"hello")
    made = write_clip(tmp_path / "clip.mp4", [pasted(wall(), (head(astronaut), 200, 180))] * 3)
    made.rename(clip)
    assert main(["photo", str(photo), str(broken)]) == 1
    assert main(["video", str(clip)]) == 0
    main(["batch", str(tmp_path / f"{name}-missing"), str(tmp_path / "out")])
    captured = capsys.readouterr()
    told = "a\\x1b]0;owned\\x07\\x9b2J\\n\\u202egnp"
    assert f"{told}.png: 1 face\n" in captured.out
    assert f"{told}.mp4: " in captured.out
    assert f"{told}.txt: Expected a photo" in captured.err
    assert f"{told}-missing" in captured.err
    assert not set("\x1b\x07\x9b\u202e") & set(captured.out + captured.err)


def test_photos_of_the_same_name_are_told_apart(tmp_path, astronaut_png, capsys):
    files = [tmp_path / folder / "a.png" for folder in ("one", "two")]
    for file in files:
        file.parent.mkdir()
        file.write_bytes(astronaut_png)
    assert main(["photo", *map(str, files), "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [photo["source"] for photo in told] == [str(file) for file in files]


def test_a_file_that_cannot_be_written_costs_only_itself(tmp_path, astronaut, capsys):
    frames = [pasted(wall(), (head(astronaut), 200, 180))] * 5
    clip = write_clip(tmp_path / "clip.mp4", frames)
    there = tmp_path / "o.json"
    assert main(["video", str(clip), "--csv", "/dev/full", "--json", str(there)]) == 1
    captured = capsys.readouterr()
    assert "/dev/full cannot be written: No space left on device." in captured.err
    assert "person 1: seen for" in captured.out
    assert json.loads(there.read_text())["frames"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        (
            ["--csv", "clip.mp4"],
            "--csv: expected another file than {}/clip.mp4, which it would replace",
        ),
        (["--json", "x/../clip.mp4"], "--json: expected another file than {}/clip.mp4"),
        (["--captions", "link.mp4"], "--captions: expected another file than {}/clip.mp4"),
        (["--annotated", "clip.mp4"], "--annotated: expected another file than {}/clip.mp4"),
        (["--csv", "o", "--json", "o"], "--json: expected another file than that of --csv."),
        (
            ["--annotated", "o", "--captions", "x/../o"],
            "--captions: expected another file than that",
        ),
        (
            ["--csv", "nowhere/o.csv"],
            "--csv: expected a file in a folder that is there. Received: ",
        ),
        (["--captions", "x"], "--captions: expected a file. Received: the folder"),
        (["--json", 300 * "x"], "cannot be written: File name too long."),
    ],
)
def test_files_that_would_be_lost_are_refused_before_the_work(files, message, tmp_path, capsys):
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"a film")
    (tmp_path / "x").mkdir()
    (tmp_path / "link.mp4").symlink_to(clip)
    paths = [part if part.startswith("--") else str(tmp_path / part) for part in files]
    assert main(["video", str(clip), *paths]) == 1
    assert message.format(tmp_path) in capsys.readouterr().err
    assert clip.read_bytes() == b"a film"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["clip.mp4", "link.mp4", "x"]


def test_a_damaged_video_is_told_and_what_is_there_is_written(tmp_path, astronaut, capsys):
    frames = [pasted(wall(), (head(astronaut), 200, 180))] * 30
    clip = write_clip(tmp_path / "clip.avi", frames, codec="mjpeg")
    clip.write_bytes(clip.read_bytes()[: clip.stat().st_size * 2 // 3])
    assert main(["video", str(clip), "--csv", str(tmp_path / "o.csv")]) == 1
    assert "emosense: clip.avi: " in capsys.readouterr().err
    assert len((tmp_path / "o.csv").read_text().splitlines()) > 5
