"""The Models page, with a tiny model that the test trained itself beside the project's own."""

import json
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import binomtest
from support.data import texts
from support.routed import routed

from emosense.evaluation.predictions import (
    CORRUPTIONS,
    SEVERITIES,
    read_degraded,
    read_predictions,
)
from emosense.evaluation_set.result import EvaluationSet, PhotoRow
from emosense.networks.registry import find_model, list_models
from emosense.networks.serialization import sha256_of
from emosense.training.export_model import export_model
from emosense.training.recipe import Recipe
from emosense.training.trainer import train
from emosense.ui.models.own_set.session import OWN, SessionEvaluations

ROOT = Path(__file__).resolve().parents[2]
VIEWS = (
    *("overview", "confusion", "classes", "training", "trust", "slices", "robustness"),
    "architecture",
)


def opened(*expanders, **parameters):
    """Return the page opened with query parameters, and the expanders of these keys expanded."""
    app = routed("models")
    for key in expanders:
        app.session_state[key] = True
    for name, value in parameters.items():
        app.query_params[name] = value
    app.run()
    assert not app.exception
    return app


@pytest.mark.parametrize("view", VIEWS)
def test_every_view_shows_every_model(view, with_tiny):
    app = opened("made", view=view, chance="1")
    assert app.segmented_control(key="linked_view").value == view
    # A new model needs no code: it can be selected and its metrics are shown.
    assert app.pills(key="linked_model").value == list(list_models())
    assert not app.warning
    content = texts(app) + "".join(frame.value.to_string() for frame in app.dataframe)
    for name in list_models():
        assert f"({name})" in content or find_model(name).card.title in content


def test_a_model_from_kaggles_folders(with_tiny, small_data, small_run):
    """Data without PublicTest: validation is a tenth of Training."""
    data = replace(small_data, usage=np.where(small_data.usage == 1, 2, small_data.usage))
    train(Recipe("cnn8", epochs=1, batch_size=16), data, with_tiny.parent / "run")
    export_model(with_tiny.parent / "run", data, with_tiny)
    for view in VIEWS:
        app = opened(view=view, model="tiny")
        assert not app.warning
        if view == "training":
            assert "on a tenth of Training" in texts(app)
    app = opened(part="PublicTest", model="tiny")
    assert "no predictions for PublicTest" in app.warning[0].value


def test_a_split_of_duplicates_only_is_reported(with_tiny, small_data):
    path = with_tiny / "predictions.npz"
    with np.load(path) as archive:
        arrays = dict(archive)
    arrays["private_copy"][:] = True
    np.savez_compressed(path, **arrays)
    card = json.loads((with_tiny / "card.json").read_text())
    card["files"]["predictions.npz"]["sha256"] = sha256_of(path)
    (with_tiny / "card.json").write_text(json.dumps(card))
    app = opened(model="tiny", copies="no")
    assert "every image of its PrivateTest has a duplicate in Training" in app.warning[0].value
    assert not opened(model="tiny", view="trust").warning


def table_with(app, column):
    """The first table with a column of that name, by its first column."""
    for frame in app.dataframe:
        if column in frame.value:
            return frame.value.set_index(frame.value.columns[0])
    raise AssertionError(f"no table with {column!r}")


def test_overview_shows_the_cards_metrics(with_tiny):
    app = opened(chance="1")
    metrics_table, split_table = table_with(app, "ECE"), table_with(app, "test loss")
    own, tiny = (
        find_model("cnn8").card.model_dump(),
        json.loads((with_tiny / "card.json").read_text()),
    )
    for label, metrics in (
        ("8L CNN (cnn8)", own["metrics"]),
        ("8L CNN (tiny)", tiny["metrics"]),
    ):
        test = metrics["PrivateTest"]
        assert metrics_table.loc[label, "accuracy"] == pytest.approx(100 * test["accuracy"])
        assert metrics_table.loc[label, "precision"] == pytest.approx(100 * test["macro_precision"])
        assert metrics_table.loc[label, "F1"] == pytest.approx(100 * test["macro_f1"])
        assert metrics_table.loc[label, "ECE"] == pytest.approx(test["ece"], abs=1e-6)
        assert metrics_table.loc[label, "parameters"] == 4_232_199
        assert metrics_table.loc[label, "loss"] == pytest.approx(test["loss"], abs=1e-6)
        for title, value in (("accuracy", 62.22), ("precision", 66.27), ("recall", 60.49)):
            assert metrics_table.loc[label, f"the paper's {title}"] == pytest.approx(value)
        assert split_table.loc[label, "test loss"] == test["loss"]
        training = metrics["Training"]["accuracy"]
        assert split_table.loc[label, "training accuracy"] == 100 * training
    assert metrics_table.loc["8L CNN (tiny)", "MFLOPs per face"] == pytest.approx(
        435.647, abs=0.001
    )


def test_the_papers_figures_are_those_of_its_own_networks():
    app = opened(chance="1")
    table, splits = table_with(app, "ECE"), table_with(app, "test loss")
    figures = [f"the paper's {title}" for title in ("accuracy", "precision", "recall", "F1")]
    for label, values in (
        ("4L CNN", [54.0, 40.8, 52.4, 45.0]),
        ("8L CNN", [62.22, 66.27, 60.49, 61.33]),
        ("10L CNN", [27.3, 26.4, 28.3, 25.8]),
    ):
        assert table.loc[label, figures].tolist() == pytest.approx(values)
    assert table.loc[["8L CNN, tuned", "EmoSense S"], figures].isna().all(axis=None)
    paper = splits.loc["the paper's 8L CNN"].tolist()
    assert paper == pytest.approx([64.5, 0.85, 62.8, 0.90, 62.2, 0.92])
    assert "those of its own training recipe" in texts(app)


def test_networks_no_better_than_chance_are_one_click_away():
    app = opened()
    assert "10L CNN" not in table_with(app, "ECE").index
    toggle = app.toggle(key="linked_chance")
    assert "10L CNN, which does no better on these images" in toggle.label
    toggle.set_value(True).run()
    assert app.query_params["chance"] == "1"
    assert "10L CNN" in table_with(app, "ECE").index
    # A table without any network would help nobody.
    assert table_with(opened(model="cnn10"), "ECE").index.tolist() == ["10L CNN"]


@pytest.mark.parametrize("view", [*VIEWS, "compare"])
def test_every_view_folds_them_by_the_same_click(view):
    title = find_model("cnn10").card.title
    app = opened(view=view)
    toggle = app.toggle(key="linked_chance")
    assert title in toggle.label

    def named():
        options = [option for box in app.selectbox for option in box.options]
        captions = [element.value for element in (*app.markdown, *app.header)]
        charts = [str(chart.proto.spec) for chart in app.get("plotly_chart")]
        tables = [frame.value.to_string() for frame in app.dataframe]
        texts = (*options, *captions, *charts, *tables)
        return [text for text in texts if title in text.replace(f"{title}, fixed", "")]

    assert not named()
    toggle.set_value(True).run()
    assert app.query_params["chance"] == "1"
    assert named()
    # It stays as it is in another view.
    app.segmented_control(key="linked_view").set_value("confusion").run()
    assert app.toggle(key="linked_chance").value


def test_a_link_to_a_network_shows_it_whatever_it_is_worth():
    app = opened(view="confusion", network="cnn10")
    assert not app.warning
    assert "cnn10" in [box.value for box in app.selectbox]


def test_differences_are_to_the_baseline_of_the_link():
    app = opened(baseline="cnn4")
    table = table_with(app, "ECE")
    for column in ("accuracy", "F1"):
        differences = table[column] - table.loc["4L CNN", column]
        assert table[f"{column}, points vs. 4L CNN"].tolist() == pytest.approx(differences.tolist())
    assert table["accuracy"].is_monotonic_decreasing
    app.selectbox(key="linked_baseline").set_value("emosense-s").run()
    assert app.query_params["baseline"] == "emosense-s"
    assert "F1, points vs. EmoSense S" in table_with(app, "ECE")


def test_all_pairs_are_tested():
    app = opened(chance="1")
    pairs = next(frame.value for frame in app.dataframe if "p, Holm" in frame.value)
    names = list(list_models([ROOT / "models"]))
    assert len(pairs) == len(names) * (len(names) - 1) / 2
    for row in pairs.to_dict("records"):
        discordant = row["only first correct"] + row["only second correct"]
        p = binomtest(row["only first correct"], discordant).pvalue
        assert row["p"] == pytest.approx(p, rel=1e-6, abs=1e-300)
        assert row["p, Holm"] >= row["p"]
        significant = "significant" if row["p, Holm"] < 0.05 else "not significant"
        assert row["difference"] == significant
    assert not any("p, Holm" in frame.value for frame in opened(model="cnn8").dataframe)


def test_charts_further_down_wait_until_they_are_reached():
    app = opened()
    assert not app.get("plotly_chart")
    app.session_state["reached_chart_accuracy-flops"] = True
    app.run()
    assert len(app.get("plotly_chart")) == 1


def test_curves_of_all_networks_and_of_one():
    app = opened(view="classes", **{"class": "fear"})
    assert app.segmented_control(key="linked_class").value == "fear"
    app = opened(view="classes", model="cnn8")
    assert not [c for c in app.segmented_control if c.key == "linked_class"]
    app = opened(view="training", over="time", learning="loss")
    assert app.segmented_control(key="linked_over").value == "time"
    assert "All networks" in [header.value for header in app.header]


@pytest.mark.parametrize("models", [["cnn8"], ["cnn8", "cnn10"]])
@pytest.mark.parametrize("view", [*VIEWS, "compare"])
def test_views_cope_with_few_photos_of_ones_own(view, models, monkeypatch):
    labels = read_predictions(find_model("cnn8")).labels
    rows = np.flatnonzero((labels != 1) & (labels != 5))[:30]
    own = EvaluationSet(
        "<b>*album*</b>",
        tuple(PhotoRow(f"{row}.png", "x", "happy", "cropped face") for row in rows),
        np.arange(30),
        crops=np.zeros((30, 48, 48), np.uint8),
        labels=labels[rows],
        quality=np.ones((30, 8), np.float32),
        probabilities={
            name: read_predictions(find_model(name), raw=True).probabilities[rows]
            for name in models
        },
    )
    monkeypatch.setattr(SessionEvaluations, "sets", {f"{OWN}1": own})
    app = opened(view=view, part=f"{OWN}1", model=models)
    assert not app.warning
    if view == "overview":
        table = table_with(app, "ECE")
        for name in models:
            label = find_model(name).card.title
            if label in table.index:
                correct = own.probabilities[name].argmax(1) == own.labels
                assert table.loc[label, "accuracy"] == pytest.approx(100 * correct.mean())
        assert len(table) == 1  # the other does no better than chance on these
        assert r"\*album\*" in texts(app)


def test_link_opens_what_its_sender_saw(with_tiny):
    app = opened(
        "confusion_table", view="confusion", model="tiny", part="PublicTest", scale="counts"
    )
    assert app.pills(key="linked_model").value == ["tiny"]
    counts = app.dataframe[0].value
    tiny = json.loads((with_tiny / "card.json").read_text())
    assert counts.iloc[:, 2:].to_numpy().tolist() == tiny["metrics"]["PublicTest"]["confusion"]
    assert "PublicTest, 14 images" in texts(app)


def test_choices_are_written_into_the_address(with_tiny):
    app = opened()
    assert app.query_params == {}
    app.segmented_control(key="linked_view").set_value("trust").run()
    app.pills(key="linked_model").set_value(["tiny"]).run()
    assert not app.exception
    assert app.query_params == {"view": "trust", "model": "tiny"}


def test_a_link_to_unknown_values_is_reported():
    app = opened(model="gone", view="nowhere")
    text = texts(app)
    assert "The link asks for model 'gone', which is not among" in text
    assert "The link asks for view 'nowhere'" in text
    assert app.segmented_control(key="linked_view").value == "overview"


def test_comparison_needs_the_same_images(with_tiny):
    app = opened(view="compare", first="cnn8", second="tiny", chance="1")
    assert "cannot be compared: Expected predictions on the same images" in texts(app)
    app = opened(view="compare", model="tiny")
    assert "Choose at least two models" in texts(app)


def test_comparison_of_equal_models(with_tiny):
    again = with_tiny.parent / "again"
    shutil.copytree(with_tiny, again)
    card = json.loads((again / "card.json").read_text())
    (again / "card.json").write_text(json.dumps({**card, "name": "again"}))
    app = opened(view="compare", first="tiny", second="again", chance="1")
    assert "no difference that these images can show" in texts(app)
    metrics = {metric.label: metric.value for metric in app.metric}
    assert metrics["Difference in accuracy"] == "+0.0 points"
    assert metrics["McNemar's test"] == "p = 1"
    assert metrics["Same prediction"] == "100.0 %"
    app = opened(view="compare", first="tiny", second="tiny", chance="1")
    assert "Choose two different models" in texts(app)


def test_slices_are_of_the_selected_measure_and_faces():
    model = find_model("emosense-s")
    predictions = read_predictions(model, "PublicTest")
    link = {"model": "emosense-s", "part": "PublicTest", "view": "slices"}
    app = opened(**link, measure="yaw", bins="3", metric="coverage")
    table = app.dataframe[0].value
    assert len(table) == 3
    assert table["yaw"].str.endswith("°").all()
    measured = predictions.rows(predictions.found)
    assert table["images"].sum() == len(measured)
    for whole, column in (
        (measured.correct.mean(), "accuracy"),
        (measured.sure(model.calibration).mean(), "coverage"),
    ):
        mean = np.average(table[column], weights=table["images"])
        assert mean == pytest.approx(100 * whole)
        assert (table[f"{column}, 95 % from"] < table[column]).all()
        assert (table[f"{column}, 95 % to"] > table[column]).all()
    assert f"In {len(predictions) - len(measured)} images the detector found no face" in texts(app)
    # Nothing is cut off of FER2013's images themselves.
    app = opened(**link, measure="cut")
    assert "All faces have the same cut off: 0.0 %" in texts(app)
    app.segmented_control(key="linked_faces").set_value("degraded").run()
    assert not app.exception
    degraded = read_degraded(model, "PublicTest")
    table = app.dataframe[0].value
    assert table["images"].sum() == degraded.found.sum()
    assert app.query_params["faces"] == "degraded"


def test_slices_of_a_few_images_say_so(with_tiny):
    app = opened(model="tiny", view="slices", measure="brightness", bins="10")
    table = app.dataframe[0].value
    assert table["images"].sum() == 14
    assert set(table["note"]) == {"few images"}


def test_robustness_counts_what_it_says():
    model = find_model("cnn4")
    degraded = read_degraded(model)
    correct = degraded.predictions.correct
    link = {"model": "cnn4", "view": "robustness", "corruption": "jpeg"}
    app = opened(**link)
    accuracy, drop, found = (frame.value for frame in app.dataframe)
    jpeg = degraded.corruptions == CORRUPTIONS.index("jpeg")
    severities = range(1, SEVERITIES + 1)
    mean = np.mean([correct[jpeg & (degraded.severities == s)].mean() for s in severities])
    assert accuracy["jpeg"].item() == pytest.approx(100 * mean)
    clean = read_predictions(model).correct[np.unique(degraded.images[jpeg])].mean()
    assert drop["jpeg"].item() == pytest.approx(100 * (1 - mean / clean))
    row = found.set_index("corruption").loc["jpeg"]
    assert row["faces"] == jpeg.sum()
    assert row["found"] == pytest.approx(100 * degraded.found[jpeg].mean())
    app.segmented_control(key="linked_counted").set_value("missed").run()
    assert "those not found again count as wrong" in texts(app)
    wrong = correct & degraded.found
    mean = np.mean([wrong[jpeg & (degraded.severities == s)].mean() for s in severities])
    assert app.dataframe[0].value["jpeg"].item() == pytest.approx(100 * mean)
    assert app.query_params["counted"] == "missed"


def test_without_corrupted_faces_the_command_that_makes_them_is_shown(with_tiny):
    app = opened(model="tiny", view="robustness")
    assert "have no predictions on corrupted faces" in texts(app)
    assert app.code[0].value == "emosense evaluate tiny --data fer2013.csv --corruptions"


def test_speed_is_measured_on_demand(with_tiny):
    app = opened(model="tiny")
    assert not any("device" in frame.value for frame in app.dataframe)
    app.button(key="measure_speed").click().run()
    assert not app.exception
    (row,) = next(f.value for f in app.dataframe if "device" in f.value).to_dict("records")
    assert table_with(app, "ECE")["faces/s in batches"].tolist() == [row["faces/s, 64 at a time"]]
    assert row["device"] in ("ONNX Runtime, CPU", "Keras, GPU")
    assert row["faces/s, 1 at a time"] > 0
    assert row["faces/s, 64 at a time"] > 0


def test_damaged_files_are_reported_and_other_models_shown(with_tiny):
    (with_tiny / "predictions.npz").write_bytes(b"changed")
    app = opened(chance="1")
    assert "was changed or damaged" in app.warning[0].value
    assert "8L CNN (cnn8)" in app.dataframe[0].value["model"].tolist()
    (with_tiny / "predictions.npz").unlink()
    assert "has no file predictions.npz" in opened().warning[0].value
    (with_tiny / "card.json").write_text("{")
    assert "is not a model card" in opened().warning[0].value


def test_an_unfinished_model_says_so(with_tiny):
    card = json.loads((with_tiny / "card.json").read_text())
    card["recipe"]["epochs"] = 3
    (with_tiny / "card.json").write_text(json.dumps(card))
    assert "1 of 3 epochs so far" in texts(opened(model="tiny"))
    assert "1 of 3 epochs were trained so far" in texts(opened(view="training", model="tiny"))


def test_how_to_reproduce_shows_the_commands(with_tiny):
    assert not opened(model="tiny").code  # it brings 1.5 MB of script
    app = opened("made", model="tiny")
    code = "\n".join(element.value for element in app.code)
    assert "emosense train cnn8 --data fer2013.csv --epochs 1 --batch-size 16" in code
    assert "emosense evaluate tiny --data fer2013.csv" in code


def test_augmented_training_and_earlier_runs_are_mentioned(with_tiny):
    app = opened(view="training", model="tiny")
    assert "augmented images" not in texts(app)
    card = json.loads((with_tiny / "card.json").read_text())
    card["recipe"] |= {"mixup": 0.2, "start": "before", "teacher": "before"}
    (with_tiny / "card.json").write_text(json.dumps(card))
    text = texts(opened(view="training", model="tiny"))
    accuracy = card["metrics"]["Training"]["accuracy"]
    assert "augmented images and softened labels" in text
    assert f"images is {100 * accuracy:.1f} %" in text
    assert "It was fine-tuned from and distilled from a model of an earlier run" in text
    assert "an earlier run" in texts(opened("made", model="tiny"))


def test_no_model_selected():
    app = opened()
    app.pills(key="linked_model").set_value([]).run()
    assert "Choose at least one model" in texts(app)


def test_without_models_the_page_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr("emosense.networks.registry.model_dirs", lambda: (tmp_path,))
    assert "git checkout -- models" in opened().error[0].value
