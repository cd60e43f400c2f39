import json
import shutil
import subprocess
import sys
from dataclasses import replace

import keras
import numpy as np
import pytest

from emosense.cli.evaluate_command import differences
from emosense.cli.metrics import print_metrics
from emosense.cli.train_command import ProgressReport
from emosense.errors import TrainingError
from emosense.networks.registry import find_model
from emosense.training.augmentation import AUGMENTATIONS
from emosense.training.epoch_data import (
    class_weights,
    epoch_data,
    statistics_images,
    targets,
    to_unit,
)
from emosense.training.epoch_loader import EpochLoader
from emosense.training.export_model import export_model, training_command
from emosense.training.model_folder import atomic_replacement
from emosense.training.recipe import Recipe, default_recipe
from emosense.training.run_directory import RunDirectory
from emosense.training.trainer import Progress, train

SMALL = Recipe("cnn8", epochs=2, batch_size=16, augmentation="standard", schedule="cosine")
OWN = replace(
    default_recipe("emosense-s"), epochs=2, warmup_epochs=1, batch_size=16, ferplus_share=0.0
)


def weights_after(folder, epoch):
    model = keras.saving.load_model(RunDirectory(folder).checkpoint(epoch), compile=False)
    return model.get_weights()


class Killed(Exception):
    pass


def assert_resumes_to_the_same(recipe, data, cut, whole):
    """Go on with the run in ``cut``, of one epoch, and compare it with the run in ``whole``."""
    history = RunDirectory(whole).read().history
    assert RunDirectory(cut).read().epochs_done == 1
    again = train(recipe, data, cut, resume=True)
    for actual, expected in zip(again.history, history, strict=True):
        assert actual["loss"] == pytest.approx(expected["loss"], rel=1e-5)
        assert actual["val_loss"] == pytest.approx(expected["val_loss"], rel=1e-5)
    for actual, expected in zip(weights_after(cut, 2), weights_after(whole, 2), strict=True):
        np.testing.assert_allclose(actual, expected, rtol=1e-4, atol=1e-6)
    # A finished run stays as it is.
    assert train(recipe, data, cut, resume=True).history == again.history


@pytest.mark.slow
def test_a_run_that_an_error_ended_resumes_to_an_uninterrupted_one(small_data, tmp_path):
    def fail(progress):
        if progress.epoch == 2 and progress.step == 1:
            raise Killed

    train(SMALL, small_data, tmp_path / "whole")
    with pytest.raises(Killed):
        train(SMALL, small_data, tmp_path / "cut", on_progress=fail)
    assert_resumes_to_the_same(SMALL, small_data, tmp_path / "cut", tmp_path / "whole")


@pytest.mark.slow
def test_a_killed_run_of_our_own_recipe_resumes_to_an_uninterrupted_one(small_data, tmp_path):
    """What a killed process leaves is the folder as it is at that moment."""

    def copy(progress):
        if progress.epoch == 2 and progress.step == 1:
            shutil.copytree(tmp_path / "whole", tmp_path / "cut")

    train(OWN, small_data, tmp_path / "whole", on_progress=copy)
    assert_resumes_to_the_same(OWN, small_data, tmp_path / "cut", tmp_path / "whole")


@pytest.mark.slow
def test_learning_happens_and_best_and_last_are_kept(small_data, tmp_path):
    recipe = Recipe("cnn4", epochs=3, batch_size=8)
    reports = []
    state = train(recipe, small_data, tmp_path, on_progress=reports.append)
    assert state.history[-1]["loss"] < state.history[0]["loss"]
    best = max(row["val_accuracy"] for row in state.history)
    first_best = next(row["epoch"] for row in state.history if row["val_accuracy"] == best)
    assert state.best_epoch == first_best
    checkpoints = {path.name for path in tmp_path.glob("*.keras")}
    assert checkpoints == {f"epoch-{state.best_epoch:04d}.keras", "epoch-0003.keras"}
    assert reports[0].steps == 5
    assert reports[0].step == 1
    assert reports[-1].epoch == 3
    assert reports[-1].seconds_left == pytest.approx(0, abs=1e-6)


def test_balance_takes_part_in_the_loss(small_data, tmp_path):
    uneven = replace(small_data, labels=np.where(small_data.labels > 1, 3, small_data.labels))
    recipe = Recipe(
        "cnn4", epochs=1, learning_rate=1e-12, initializer="he_normal", dropout=0, balance=1.0
    )
    state = train(recipe, uneven, tmp_path)
    split = uneven.split("Training")
    network = keras.saving.load_model(RunDirectory(tmp_path).checkpoint(1), compile=False)
    probabilities = network.predict(to_unit(split.images)[..., np.newaxis], verbose=0)
    losses = -np.log(probabilities[np.arange(len(split)), split.labels])
    weights = class_weights(split, 1.0)[split.labels]
    assert state.history[0]["loss"] == pytest.approx((weights * losses).mean(), rel=1e-4)
    assert losses.mean() != pytest.approx((weights * losses).mean(), rel=1e-3)


def test_data_without_images_to_learn_is_told(small_data, tmp_path):
    tests = replace(small_data, usage=np.maximum(small_data.usage, 2))
    with pytest.raises(TrainingError, match="Received: 0 and 0"):
        train(Recipe("cnn4", epochs=1), tests, tmp_path)


def test_damaged_runs_are_told(small_data, small_run, tmp_path):
    recipe = Recipe("cnn8", epochs=2, batch_size=16)
    shutil.copytree(small_run / "run", tmp_path / "run")
    state = tmp_path / "run" / "state.json"
    state.write_text(state.read_text().replace('"epochs": 1', '"epochs": 2'))
    (tmp_path / "run" / "epoch-0001.keras").unlink()
    with pytest.raises(TrainingError, match="the checkpoint cannot be read"):
        train(recipe, small_data, tmp_path / "run", resume=True)
    state.write_text(state.read_text().replace('"mixup"', '"mixdown"'))
    with pytest.raises(TrainingError, match=r"state\.json: cannot be read.*mixdown"):
        train(recipe, small_data, tmp_path / "run", resume=True)


def test_a_model_replaces_nothing_but_a_model(small_data, small_run, tmp_path):
    (tmp_path / "models" / "other").mkdir(parents=True)
    with pytest.raises(TrainingError, match="expected a model's folder, or a new one"):
        export_model(small_run / "run", small_data, tmp_path / "models")
    assert (tmp_path / "models" / "other").is_dir()
    (tmp_path / "empty").mkdir()
    export_model(small_run / "run", small_data, tmp_path / "empty", quality=False)
    # Killed between the rename of the old model and that of the new one:
    temporary = tmp_path / ".empty.writing"
    temporary.mkdir()
    (tmp_path / "empty").rename(temporary / "replaced")
    with pytest.raises(TrainingError):
        export_model(tmp_path / "no run", small_data, tmp_path / "empty")
    assert not (tmp_path / "empty").exists()
    with pytest.raises(OSError, match="disk"), atomic_replacement(tmp_path / "empty"):
        raise OSError("disk")
    assert (tmp_path / "empty" / "card.json").is_file()


def test_the_card_names_the_data(small_data, small_run, tmp_path):
    assert not small_data.is_fer2013
    other = replace(small_data, source=str(tmp_path / "my faces.csv"))
    card = export_model(small_run / "run", other, tmp_path / "mine", quality=False)
    assert (card.data.name, card.data_name) == ("my faces.csv", "my faces.csv")
    assert "--data 'my faces.csv'" in card.command
    assert find_model("cnn8").card.data_name == "FER2013"


def test_resume_refuses_another_recipe_or_data(small_data, small_run):
    run = small_run / "run"
    recipe = Recipe("cnn8", epochs=1, batch_size=16)
    with pytest.raises(TrainingError, match=r"another recipe \(seed 0 -> 5\)"):
        train(replace(recipe, seed=5), small_data, run, resume=True)
    other = replace(small_data, images=small_data.images ^ np.uint8(1))
    with pytest.raises(TrainingError, match="other data"):
        train(recipe, other, run, resume=True)


def test_tensorboard_is_asked_for_before_the_first_epoch(small_data, tmp_path, monkeypatch):
    monkeypatch.setattr("emosense.training.trainer.find_spec", lambda name: None)
    with pytest.raises(TrainingError, match="pip install tensorboard"):
        train(SMALL, small_data, tmp_path / "run", tensorboard=tmp_path / "logs")
    assert not (tmp_path / "run").exists()


def test_a_damaged_state_is_told(tmp_path):
    with pytest.raises(TrainingError, match="no run to resume"):
        RunDirectory(tmp_path).read()
    (tmp_path / "state.json").write_text("{")
    with pytest.raises(TrainingError, match="cannot be read"):
        RunDirectory(tmp_path).read()
    (tmp_path / "state.json").write_text(json.dumps({"recipe": {}}))
    with pytest.raises(TrainingError, match="cannot be read"):
        RunDirectory(tmp_path).read()


class TestBatches:
    def test_cover_the_split_once_in_a_seeded_order(self, small_data):
        split = small_data.split("Training")
        recipe = Recipe("cnn8", batch_size=16)

        def epoch(number, seed=0):
            return epoch_data(split, replace(recipe, seed=seed), number)[0]

        first = epoch(0)
        assert first.shape == (40, 48, 48, 1)
        assert first.min() >= 0
        assert first.max() <= 1
        assert (first == epoch(0)).all()
        assert not (first == epoch(1)).all()
        assert not (first == epoch(0, seed=1)).all()
        assert np.sort(first.sum((1, 2, 3))) == pytest.approx(
            np.sort(split.images.sum((1, 2)) / 255), rel=1e-4
        )

    def test_targets_mix_votes(self, small_data):
        split = small_data.split("Training")
        votes = np.zeros((len(split), 7), np.float32)
        votes[0] = [0.5, 0, 0, 0, 0, 0, 0.5]
        mixed = targets(replace(split, votes=votes), Recipe("cnn8", ferplus_share=0.5))
        assert mixed[0].tolist() == [0.75, 0, 0, 0, 0, 0, 0.25]
        assert mixed[1].tolist() == np.eye(7)[split.labels[1]].tolist()
        with pytest.raises(TrainingError, match=r"fer2013new\.csv"):
            targets(split, Recipe("cnn8", ferplus_share=0.5))

    def test_rare_emotions_count_more(self, small_data):
        labels = np.repeat([0, 3, 6], [32, 8, 0])
        uneven = replace(small_data.split("Training"), labels=labels)
        half = class_weights(uneven, 0.5)
        assert half[3] == pytest.approx(2 * half[0])  # a quarter as many, to the power of 1/2
        assert half[labels].mean() == pytest.approx(1)
        assert half[[1, 2, 4, 5, 6]].tolist() == [0] * 5
        assert class_weights(uneven, 0)[labels].tolist() == [1] * 40


@pytest.mark.parametrize("name", ["standard", "photo"])
def test_augmentation_is_seeded_and_keeps_the_range(name, small_data):
    images = small_data.images.astype(np.float32) / 255
    augment = AUGMENTATIONS[name]
    augmented = augment(images, np.random.default_rng(1))
    assert augmented.shape == images.shape
    assert augmented.dtype == np.float32
    assert 0 <= augmented.min() <= augmented.max() <= 1
    assert (augmented == augment(images, np.random.default_rng(1))).all()
    assert not np.allclose(augmented, augment(images, np.random.default_rng(2)))
    assert AUGMENTATIONS["none"](images, np.random.default_rng(0)) is images


@pytest.mark.parametrize(
    "wrong",
    [
        {"optimizer": "adagrad"},
        {"epochs": 0},
        {"label_smoothing": 1.5},
        {"warmup_epochs": 50},
        {"precision": "float8"},
        {"ema": 1.0},
        {"mixup": -0.1},
        {"balance": -0.5},
        {"weight_decay": -1e-3},
        {"weight_decay": float("nan")},
        {"teacher_share": 1.1},
    ],
)
def test_recipe_refuses(wrong):
    with pytest.raises(TrainingError, match=f"{next(iter(wrong))}.*Received"):
        Recipe("cnn8", **wrong)


def test_the_default_recipe_is_the_papers():
    recipe = Recipe("cnn8")
    assert (recipe.optimizer, recipe.batch_size, recipe.epochs) == ("adam", 128, 50)
    assert (recipe.augmentation, recipe.schedule, recipe.learning_rate) == (
        "none",
        "constant",
        1e-3,
    )


def test_a_run_from_before_an_option_existed_can_go_on(small_run, small_data, tmp_path):
    shutil.copytree(small_run / "run", tmp_path / "run")
    state = json.loads((tmp_path / "run" / "state.json").read_text())
    del state["recipe"]["dropout"]
    (tmp_path / "run" / "state.json").write_text(json.dumps(state))
    run = RunDirectory(tmp_path / "run")
    assert (
        run.resume(Recipe("cnn8", epochs=1, batch_size=16), small_data.fingerprint).epochs_done == 1
    )
    with pytest.raises(TrainingError, match=r"another recipe \(dropout 1.0 -> 0.5\)"):
        run.resume(Recipe("cnn8", epochs=1, batch_size=16, dropout=0.5), small_data.fingerprint)


def test_publishing_replaces_the_model_in_one_step(small_run, small_data, tmp_path):
    folder = tmp_path / "models" / "tiny"
    shutil.copytree(small_run / "models" / "tiny", folder)
    (folder / "left-over").write_text("of the model before")
    export_model(small_run / "run", small_data, folder, quality=False)
    names = ["card.json", "history.json", "predictions.npz", "weights.keras"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert [path.name for path in folder.parent.iterdir()] == ["tiny"]


def test_mixup_keeps_pairs_of_image_and_target_together(small_data):
    split = small_data.split("Training")
    images, mixed = epoch_data(split, Recipe("cnn8", mixup=0.4), 0)
    np.testing.assert_allclose(mixed.sum(1), 1, atol=1e-6)
    assert ((mixed > 0).sum(1) <= 2).all()
    assert ((mixed > 0).sum(1) == 2).sum() > 20
    assert (mixed.max(1) >= 0.5).all()
    # Class c is bright in stripe c: brightness above the noise is the weight of the class.
    stripes = images[..., 0].reshape(-1, 48, 8, 6).mean((1, 3))[:, :7]
    np.testing.assert_allclose((stripes - 0.115) / 0.705, mixed, atol=0.03)


@pytest.mark.slow
def test_workers_prepare_the_same_epochs(small_data):
    recipe = replace(OWN, epochs=3, mixup=0.2)
    split = small_data.split("Training")
    with EpochLoader(split, recipe, 1, workers=2) as loader:
        for epoch in (1, 2):
            prepared = loader.load(epoch)
            images, labels = epoch_data(split, recipe, epoch)
            np.testing.assert_array_equal(prepared.images, images)
            np.testing.assert_array_equal(prepared.targets, labels)
            np.testing.assert_array_equal(
                prepared.statistics, statistics_images(split, recipe, epoch)
            )


@pytest.mark.slow
def test_a_training_that_diverges_ends_and_keeps_the_epochs_before(small_data, tmp_path):
    recipe = Recipe("cnn4", epochs=3, batch_size=8, learning_rate=1e-4)
    train(replace(recipe, epochs=1), small_data, tmp_path / "run")
    path = tmp_path / "run" / "state.json"
    state = json.loads(path.read_text())
    path.write_text(json.dumps({**state, "recipe": recipe.as_dict()}))
    checkpoint = RunDirectory(tmp_path / "run").checkpoint(1)
    model = keras.saving.load_model(checkpoint)
    model.optimizer.learning_rate = 1e38
    model.save(checkpoint)
    before = path.read_text()
    with pytest.raises(
        TrainingError, match=r"Epoch 2: expected a finite loss\. .* --learning-rate"
    ):
        train(recipe, small_data, tmp_path / "run", resume=True)
    assert path.read_text() == before
    export_model(tmp_path / "run", small_data, tmp_path / "model", quality=False)


UNGUARDED = """
import numpy as np
from emosense.errors import TrainingError
from emosense.training.dataset import Split
from emosense.training.epoch_loader import EpochLoader
from emosense.training.recipe import Recipe

if __name__ == "__mp_main__":
    raise SystemExit("this process ends before it has read its data")
split = Split(np.zeros((1000, 48, 48), np.uint8), np.zeros(1000, np.uint8))
with EpochLoader(split, Recipe("cnn8", epochs=2), first=0, workers=1) as loader:
    try:
        loader.load(0)
    except TrainingError as e:
        print(e)
"""


@pytest.mark.slow
def test_a_worker_that_ends_is_named_and_not_waited_for(tmp_path):
    script = tmp_path / "train.py"
    script.write_text(UNGUARDED)
    done = subprocess.run([sys.executable, script], capture_output=True, text=True)
    assert done.stdout.startswith("A process that prepares epochs ended."), done.stderr


def test_a_model_can_be_exported_without_quality(small_run, small_data, tmp_path):
    card = export_model(small_run / "run", small_data, tmp_path / "plain", quality=False)
    assert card.calibration.quality is None
    with np.load(tmp_path / "plain" / "predictions.npz") as arrays:
        names = set(arrays)
    assert "public_probabilities" in names
    assert not [name for name in names if "quality" in name or "degraded" in name]


def test_own_networks_have_recipes_of_their_own():
    own = default_recipe("emosense-s")
    assert (own.augmentation, own.initializer, own.schedule) == ("photo", "he_normal", "cosine")
    assert training_command(own) == "emosense train emosense-s --data fer2013.csv"
    assert training_command(replace(own, epochs=20)).endswith("--epochs 20")
    assert training_command(replace(own, start="my models/a")).endswith("--start 'my models/a'")
    assert default_recipe("cnn8") == Recipe("cnn8")


def test_accuracy_is_written_in_percent(small_run, capsys):
    card = find_model("tiny", [small_run / "models"]).card.metrics["PrivateTest"]
    metrics = card.model_copy(update={"accuracy": 0.6238, "macro_f1": 0.5})
    print_metrics({"PrivateTest": metrics})
    assert "accuracy 62.38 %   macro F1 0.5000" in capsys.readouterr().out
    epoch = {"loss": 1.5, "accuracy": 0.9996, "val_loss": 1.25, "val_accuracy": 0.5}
    ProgressReport()(Progress(1, 2, 3, 3, 10.0, 60.0, epoch))
    text = capsys.readouterr().err
    assert "loss 1.5000  accuracy >99.9 %  val_loss 1.2500  val_accuracy 50.0 %" in text
    other = metrics.model_copy(update={"accuracy": 0.6338})
    assert differences({"PrivateTest": other}, {"PrivateTest": metrics}) == [
        "PrivateTest, accuracy: the card says 63.38 %, measured 62.38 %"
    ]
    assert "PrivateTest, macro_f1: the card says nothing, measured 0.5000" in differences(
        {}, {"PrivateTest": metrics}
    )
