"""Test sets of labelled photos: what becomes of each photo, and figures that scikit-learn repeats."""

import io
import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score
from support.data import write_csv
from support.labelled_photos import CLASSES, encoded, labelled_photos, zipped
from support.pools import pool_of
from support.waiting import wait_until

from emosense.analyzer import Analyzer
from emosense.cli.main import main
from emosense.emotions import EMOTIONS
from emosense.errors import NoRoom
from emosense.evaluation.metrics import compute_metrics
from emosense.evaluation_set.labels import Label, propose_mapping
from emosense.evaluation_set.measure import measure_photo
from emosense.evaluation_set.source import open_archive, uploads_source
from emosense.export.evaluation_set import to_csv
from emosense.jobs.evaluation_jobs import (
    CropEvaluationJob,
    DatasetEvaluationJob,
    LabelledPhoto,
    PhotoEvaluationJob,
)
from emosense.jobs.queue import JobQueue
from emosense.networks.registry import find_model
from emosense.settings import ArchiveLimits
from emosense.training.readers.fer2013_csv import read_csv

PHOTOS = labelled_photos(per_class=2)
MODELS = ["cnn4", "emosense-s"]
OUTCOMES = {"one face": 10, "several faces": 1, "no face": 1, "not readable": 1}
OUTCOMES |= {"class left out": 4, "no label": 1}


def finish(job, worker):
    JobQueue(pool_of(worker)).submit(job)
    wait_until(lambda: job.is_finished, lambda: f"{job.step}: {job.done} done", timeout=200)
    assert job.error is None, job.error
    return job.result


def photo_job(**options):
    archive = open_archive("a.zip", io.BytesIO(zipped(PHOTOS)), ArchiveLimits())
    source = uploads_source((), [("a.zip", archive)], ArchiveLimits())
    labels = source.labels()
    photos = [LabelledPhoto(label, source.photos[label.photo]) for label in labels.labels]
    mapping = propose_mapping(labels.counts)
    return PhotoEvaluationJob(
        name="a.zip", models=MODELS, photos=photos, mapping=mapping, **options
    )


@pytest.fixture(scope="module")
def evaluated(worker):
    job = photo_job()
    return finish(job, worker), job


def exported(evaluation_set):
    calibrations = {name: find_model(name).calibration for name in evaluation_set.probabilities}
    return pd.read_csv(io.StringIO(to_csv(evaluation_set, calibrations)))


def test_every_photo_is_a_row(evaluated):
    evaluation_set, job = evaluated
    assert [row.name for row in evaluation_set.rows] == list(PHOTOS)
    assert evaluation_set.counts == OUTCOMES
    assert len(evaluation_set) == 11
    assert evaluation_set.faceless == 1
    for row in evaluation_set.rows:
        assert row.emotion == (CLASSES.get(row.class_name) or "")
        assert bool(row.message) == (row.outcome == "not readable")
    assert [len(evaluation_set.pictures), len(evaluation_set.crops)] == [11, 11]
    assert all(picture.startswith(b"\xff\xd8") for picture in evaluation_set.pictures)
    assert job.photos == ()  # the uploads can go


def test_a_face_is_the_same_as_in_the_app(evaluated):
    evaluation_set, _ = evaluated
    model = find_model("emosense-s")
    predictions = evaluation_set.predictions("emosense-s").calibrated(model.calibration)
    sure = predictions.sure(model.calibration)
    analyzer = Analyzer("emosense-s")
    for face in range(len(evaluation_set)):
        row = evaluation_set.row(face)
        found = analyzer.photo(PHOTOS[row.name]).faces
        largest = max(found, key=lambda f: f.full_box.width * f.full_box.height)
        assert row.faces == len(found)
        assert predictions.probabilities[face] == pytest.approx(largest.probabilities, abs=1e-5)
        assert sure[face] == largest.sure
        assert evaluation_set.quality[face, 0] == pytest.approx(largest.quality.size, rel=1e-5)


def test_scikit_learn_repeats_the_figures_from_the_export(evaluated):
    evaluation_set, _ = evaluated
    table = exported(evaluation_set)
    assert len(table) == len(PHOTOS)
    assert table.outcome.value_counts().to_dict() == OUTCOMES
    used = table[table["cnn4 emotion"].notna()]
    for name in MODELS:
        model = find_model(name)
        predictions = evaluation_set.predictions(name).calibrated(model.calibration)
        metrics = compute_metrics(predictions.labels, predictions.probabilities)
        answers = used[f"{name} emotion"]
        probabilities = used[[f"{name} {emotion}" for emotion in EMOTIONS]].to_numpy()
        assert [EMOTIONS[i] for i in probabilities.argmax(axis=1)] == answers.tolist()
        assert accuracy_score(used.label, answers) == metrics.accuracy
        matrix = confusion_matrix(used.label, answers, labels=list(EMOTIONS))
        assert matrix.tolist() == metrics.confusion
        f1 = f1_score(used.label, answers, labels=list(EMOTIONS), average="macro", zero_division=0)
        assert f1 == pytest.approx(metrics.macro_f1)
        assert used[f"{name} sure"].tolist() == predictions.sure(model.calibration).tolist()


def test_a_network_without_calibration_has_no_columns(evaluated):
    evaluation_set, _ = evaluated
    calibrations = {"cnn4": find_model("cnn4").calibration}
    header = to_csv(evaluation_set, calibrations).split("\r\n", 1)[0]
    assert "cnn4 emotion" in header
    assert "emosense-s" not in header


def test_networks_that_were_removed_while_the_job_waited(worker):
    job = photo_job()
    job.models = ["gone", "cnn4"]
    evaluation_set = finish(job, worker)
    assert list(evaluation_set.probabilities) == ["cnn4"]
    assert "left out: gone" in evaluation_set.notes[-1]
    job = photo_job()
    job.models = ["gone"]
    JobQueue(pool_of(worker)).submit(job)
    wait_until(lambda: job.is_finished, "the job did not end", timeout=200)
    assert "There is no model 'gone'" in job.error


def test_the_command_line_writes_the_same_file(evaluated, tmp_path, capsys):
    archive, written = tmp_path / "a.zip", tmp_path / "out.csv"
    archive.write_bytes(zipped(PHOTOS))
    command = ["evaluate", *MODELS, "--photos", "--data", str(archive)]
    assert main([*command, "--predictions", str(written)]) == 0
    told = capsys.readouterr()
    assert "several faces                photos 1\n" in told.out
    assert "'grumpy', 2 photos: left out (not recognised" in told.err
    assert "broken.jpg: " in told.err
    theirs, ours = pd.read_csv(written), exported(evaluated[0])
    assert list(theirs) == list(ours)
    numbers = ours.select_dtypes("number").columns
    pd.testing.assert_frame_equal(theirs.drop(columns=numbers), ours.drop(columns=numbers))
    np.testing.assert_allclose(theirs[numbers], ours[numbers], atol=2e-4)
    assert main([*command, "--json", "--label", "grumpy=angry", "--label", "fearful="]) == 0
    told = capsys.readouterr()
    answer = json.loads(told.out)
    assert "broken.jpg: " in told.err
    assert answer["outcomes"]["class left out"] == 4
    assert answer["metrics"]["cnn4"]["per_class"]["angry"]["support"] == 4
    assert answer["metrics"]["cnn4"]["per_class"]["fear"]["support"] == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--cropped"], "Expected --photos beside --cropped"),
        (["--photos", "--label", "mad=angry"], "expected CLASS=EMOTION, with a class of 1_Freude"),
        (["--photos", "--label", "grumpy=mad"], "Received: 'grumpy=mad'"),
    ],
)
def test_options_that_do_not_fit(options, message, tmp_path, capsys):
    (tmp_path / "a.zip").write_bytes(zipped(PHOTOS))
    assert main(["evaluate", "cnn4", "--data", str(tmp_path / "a.zip"), *options]) == 1
    assert message in capsys.readouterr().err


def test_a_set_without_any_face_says_so(tmp_path, capsys):
    cat = PHOTOS["my set/ANGER/cat.png"]
    (tmp_path / "a.zip").write_bytes(zipped({"angry/cat.png": cat, "contempt/cat.png": cat}))
    command = ["evaluate", "cnn4", "--data", str(tmp_path / "a.zip"), "--photos"]
    assert main([*command, "--predictions", str(tmp_path / "out.csv")]) == 1
    told = capsys.readouterr()
    assert "no face                      photos 1\n" in told.out
    assert "Received: none of the seven emotions in which a face was found" in told.err
    assert len(pd.read_csv(tmp_path / "out.csv")) == 2
    assert main([*command, "--json"]) == 1
    told = capsys.readouterr()
    assert json.loads(told.out)["metrics"] == {}
    assert "Received: none of the seven emotions in which a face was found" in told.err


def test_predictions_replace_no_photo_and_take_no_figures(tmp_path, capsys):
    archive = tmp_path / "a.zip"
    archive.write_bytes(content := zipped(PHOTOS))
    command = ["evaluate", "cnn4", "--data", str(archive), "--photos", "--predictions"]
    for target in (archive, tmp_path / "nowhere" / "out.csv"):
        assert main([*command, str(target)]) == 1
        told = capsys.readouterr()
        assert "--predictions: expected " in told.err
        assert told.out == ""
    assert archive.read_bytes() == content


def test_cropped_faces_are_used_as_they_are(tmp_path):
    from PIL import Image

    grey = np.add.outer(np.arange(48), 3 * np.arange(48)).astype(np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(grey).save(buffer, "PNG")
    face = measure_photo(Analyzer("cnn4"), buffer.getvalue(), cropped=True)
    assert (face.crop == grey).all()
    assert [face.faces, face.width, face.height] == [1, 48, 48]
    large = Image.fromarray(grey).resize((480, 480), Image.Resampling.BICUBIC)
    again = measure_photo(Analyzer("cnn4"), encoded(large.convert("RGB")), cropped=True)
    assert np.abs(again.crop.astype(int) - grey).mean() < 2
    assert again.quality.size == pytest.approx(10 * face.quality.size)


def test_a_cancelled_evaluation_keeps_what_is_done(worker):
    job = photo_job()
    first = job.photos[0]

    def cancel_after():
        job.cancelled.set()
        return first.read()

    job.photos = [LabelledPhoto(first.label, cancel_after), *job.photos[1:]]
    evaluation_set = finish(job, worker)
    assert evaluation_set.counts["not measured"] >= len(PHOTOS) - 2
    assert len(evaluation_set.rows) == len(PHOTOS)


def test_without_room_it_ends_with_what_it_has(worker):
    job = photo_job()
    sizes = []

    def keep(size):
        sizes.append(size)
        if len(sizes) == 3:
            raise NoRoom("There is no room.")

    job.keep = keep
    evaluation_set = finish(job, worker)
    assert job.problem == "There is no room."
    assert len(evaluation_set) == 3
    assert set(evaluation_set.probabilities) == set(MODELS)


def test_faces_with_labels_given_by_hand(evaluated, worker):
    known, _ = evaluated
    labels = [Label(f"{known.row(face).name}, face 1", "by hand") for face in range(len(known))]
    emotions = [EMOTIONS[label] for label in known.labels]
    job = CropEvaluationJob(
        name="batch",
        models=["cnn4"],
        labels=labels,
        emotions=emotions,
        crops=known.crops,
        quality=known.quality,
        pictures=known.pictures,
    )
    evaluation_set = finish(job, worker)
    np.testing.assert_array_equal(evaluation_set.labels, known.labels)
    np.testing.assert_allclose(
        evaluation_set.probabilities["cnn4"], known.probabilities["cnn4"], atol=1e-6
    )


@pytest.mark.parametrize("is_known", [False, True])
def test_fer2013s_csv(worker, tmp_path, is_known):
    path = write_csv(tmp_path / "fer2013.csv", (20, 14, 21))
    data = read_csv(path)
    known = {"cnn4": data.fingerprint if is_known else "another"}
    job = DatasetEvaluationJob(name="fer2013.csv", models=["cnn4"], path=path, known=known)
    finish(job, worker)
    assert job.tested_models == (["cnn4"] if is_known else [])
    assert list(job.results) == ["PublicTest", "PrivateTest"]
    assert {split: len(result) for split, result in job.results.items()} == {
        "PublicTest": 14,
        "PrivateTest": 21,
    }
    private = job.results["PrivateTest"]
    np.testing.assert_array_equal(private.crops, data.split("PrivateTest").images)
    np.testing.assert_array_equal(private.labels, data.split("PrivateTest").labels)
    if is_known:
        assert private.probabilities == {}  # they are in the models' folders
    else:
        expected = Analyzer("cnn4").classify(private.crops, raw=True)
        np.testing.assert_allclose(private.probabilities["cnn4"], expected, atol=1e-6)
        assert private.quality.shape == (21, 8)


def test_a_csv_that_cannot_be_read_is_said_in_its_own_name(worker, tmp_path):
    (tmp_path / "spool").write_text("emotion,pixels,Usage\n9,1 2,Training\n")
    job = DatasetEvaluationJob(name="mine.csv", models=["cnn4"], path=tmp_path / "spool", known={})
    JobQueue(pool_of(worker)).submit(job)
    wait_until(lambda: job.is_finished, "it does not end", timeout=200)
    assert "mine.csv" in job.error
    assert str(tmp_path) not in job.error
