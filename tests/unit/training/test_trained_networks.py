"""What a training takes from networks that were trained before: teachers, and where it begins."""

import json
from dataclasses import replace

import keras
import numpy as np
import pytest

from emosense.errors import TrainingError
from emosense.networks.registry import TrainedModel, find_model
from emosense.training import ema
from emosense.training.distillation import Teacher
from emosense.training.epoch_data import epoch_data
from emosense.training.recipe import Recipe
from emosense.training.run_directory import RunDirectory
from emosense.training.trainer import train


def test_a_teacher_takes_part_in_the_target(small_run, small_data):
    folder = small_run / "models" / "tiny"
    images, labels = epoch_data(small_data.split("Training"), Recipe("cnn8"), 0)
    network = keras.saving.load_model(folder / "weights.keras", compile=False)
    calibration = TrainedModel(folder).calibration
    probabilities = calibration.apply(np.asarray(network(images)))
    expected = 0.75 * labels + 0.25 * probabilities
    recipe = Recipe("cnn4", teacher=str(folder), teacher_share=0.25)
    np.testing.assert_allclose(Teacher(recipe).mix_targets(images, labels, 0), expected, atol=1e-4)
    with pytest.raises(TrainingError, match=r"folder of a trained model.*nowhere"):
        Teacher(Recipe("cnn4", teacher=f"{folder},nowhere"))


def test_an_ensemble_answers_with_the_mean_of_its_members(small_run, small_data):
    folders = [str(small_run / "models" / "tiny"), str(find_model("emosense-s").folder)]
    images, labels = epoch_data(small_data.split("Training"), Recipe("cnn8"), 0)

    def answers(teacher):
        recipe = Recipe("cnn4", teacher=teacher, teacher_share=1.0)
        return Teacher(recipe).mix_targets(images, labels, 0)

    members = [answers(folder) for folder in folders]
    assert not np.allclose(*members, atol=0.01)
    np.testing.assert_allclose(answers(", ".join(folders)), np.mean(members, axis=0), atol=1e-6)


def test_a_teachers_answers_are_kept_for_runs_with_the_same_images(
    small_run, small_data, tmp_path, monkeypatch
):
    recipe = Recipe("cnn4", teacher=str(small_run / "models" / "tiny"))
    images, labels = epoch_data(small_data.split("Training"), recipe, 0)
    expected = Teacher(recipe).mix_targets(images, labels, 0)

    def mixed(changed, epoch=0):
        return Teacher(changed, tmp_path, small_data.fingerprint).mix_targets(images, labels, epoch)

    np.testing.assert_array_equal(mixed(recipe), expected)
    monkeypatch.setattr(Teacher, "_predict", lambda self, images: pytest.fail("asked again"))
    np.testing.assert_array_equal(mixed(replace(recipe, network="cnn8", balance=0.5)), expected)
    for other in (replace(recipe, seed=1), replace(recipe, mixup=0.1)):
        with pytest.raises(pytest.fail.Exception, match="asked again"):
            mixed(other)
    with pytest.raises(pytest.fail.Exception, match="asked again"):
        mixed(recipe, epoch=1)


@pytest.mark.slow
def test_training_can_begin_with_a_trained_model(small_run, small_data, tmp_path):
    folder = small_run / "models" / "tiny"
    network = json.loads((folder / "card.json").read_text())["network"]
    recipe = Recipe(network, epochs=1, batch_size=16, learning_rate=1e-9)
    scratch = train(recipe, small_data, tmp_path / "scratch")
    fine_tuned = train(replace(recipe, start=str(folder)), small_data, tmp_path / "fine-tuned")
    pretrained = keras.saving.load_model(folder / "weights.keras", compile=False)
    after = ema.load(RunDirectory(tmp_path / "fine-tuned").checkpoint(1))
    for actual, expected in zip(after.get_weights(), pretrained.get_weights(), strict=True):
        np.testing.assert_allclose(actual, expected, atol=1e-5)
    assert fine_tuned.history[0]["val_loss"] < scratch.history[0]["val_loss"]


def test_training_begins_with_nothing_but_the_same_network(small_run, small_data, tmp_path):
    folder = small_run / "models" / "tiny"
    with pytest.raises(TrainingError, match=r"start: expected a trained cnn10\. Received: cnn"):
        train(Recipe("cnn10", start=str(folder)), small_data, tmp_path / "other")
    with pytest.raises(TrainingError, match=r"start: expected the folder .*nowhere"):
        train(Recipe("cnn10", start="nowhere"), small_data, tmp_path / "none")
