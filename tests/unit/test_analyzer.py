import csv
import io
import json
from dataclasses import replace

import numpy as np
import pytest
from PIL import Image
from support.data import encoded

import emosense
from emosense import EMOTIONS, Analyzer, PhotoFailure, PhotoResult
from emosense.analyzer import photo_name
from emosense.charts.photo import probability_chart, verdict_counts_chart
from emosense.errors import MediaError, ModelNotFound
from emosense.export import photo as photo_export
from emosense.render.annotate import annotate, annotated_png
from emosense.render.colours import COLOURS, UNSURE_COLOUR
from emosense.results import Box, Face


@pytest.fixture(scope="module")
def analyzer():
    return Analyzer("cnn8", "opencv")


@pytest.fixture(scope="module")
def result(analyzer, astronaut):
    return analyzer.photo(astronaut)


def test_the_astronaut_is_happy(result):
    (face,) = result.faces
    assert face.emotion == "happy"
    assert face.probability > 0.5
    assert len(face.probabilities) == 7
    assert sum(face.probabilities) == pytest.approx(1, abs=1e-4)
    assert (result.width, result.height, result.model) == (512, 512, "cnn8")
    assert result.detector == "YuNet (OpenCV, CPU)"


def test_all_kinds_of_sources_agree(analyzer, result, astronaut, astronaut_png, tmp_path):
    path = tmp_path / "eileen.png"
    path.write_bytes(astronaut_png)
    for source in (path, str(path), astronaut_png, Image.open(path), Image.fromarray(astronaut)):
        assert analyzer.photo(source).faces == result.faces
    assert analyzer.photo(path).source == "eileen.png"
    assert photo_name(Image.open(path), 1) == "eileen.png"
    assert photo_name(astronaut, 3) == "photo 3"


def test_photos_are_one_network_call_and_keep_their_order(analyzer, result, astronaut, monkeypatch):
    calls = []
    real = analyzer._classifier

    class Spy:
        name, version = real.name, real.version
        calibration = real.calibration

        def __call__(self, faces, scores):
            calls.append(len(faces))
            return real(faces, scores)

    monkeypatch.setattr(analyzer, "_classifier", Spy())
    seen = []
    two = np.concatenate([astronaut, astronaut], axis=1)
    results = analyzer.photos(
        [astronaut, b"rubbish", two, np.zeros((99, 99, 3), np.uint8)],
        on_progress=lambda done, total: seen.append((done, total)),
    )
    assert calls == [3]
    assert seen == [(4, 4)]
    assert [type(r) for r in results] == [PhotoResult, PhotoFailure, PhotoResult, PhotoResult]
    assert [len(r.faces) for r in results if isinstance(r, PhotoResult)] == [1, 2, 0]
    assert results[0].faces[0].probabilities == pytest.approx(
        result.faces[0].probabilities, abs=1e-4
    )
    assert "Expected a photo" in results[1].message
    assert results[1].source == "photo 2"


def test_errors(analyzer):
    with pytest.raises(MediaError, match="Expected a photo"):
        analyzer.photo(b"rubbish")
    with pytest.raises(ModelNotFound, match="no model 'none'"):
        Analyzer("none")


class TestExport:
    def test_csv_has_a_row_per_face(self, result):
        failed = PhotoFailure("=cmd.jpg", "Expected a photo")
        empty = PhotoResult("wall.png", 9, 9, (), "cnn8", "x")
        table = list(csv.DictReader(io.StringIO(photo_export.to_csv([result, empty, failed]))))
        assert [row["face"] for row in table] == ["1", "0", ""]
        face = result.faces[0]
        assert table[0]["emotion"] == "happy"
        assert float(table[0]["happy"]) == pytest.approx(face.probabilities[3], abs=1e-6)
        assert float(table[0]["x"]) == pytest.approx(face.box.x, abs=0.06)
        assert table[2]["source"] == "'=cmd.jpg"
        assert table[2]["error"] == "Expected a photo"

    def test_json_is_complete(self, result):
        data = json.loads(photo_export.to_json([result, PhotoFailure("a", "b")]))
        face = data[0]["faces"][0]
        assert list(face["probabilities"]) == list(EMOTIONS)
        assert face["box"]["width"] == result.faces[0].box.width
        assert len(face["landmarks"]) == 5
        assert data[1] == {"source": "a", "error": "b"}


class TestPictures:
    def test_annotation_draws_the_box_in_the_emotions_colour(self, result, astronaut):
        before = astronaut.copy()
        drawn = annotate(astronaut, result)
        assert (astronaut == before).all()
        assert drawn.shape == astronaut.shape
        colour = np.array([int(COLOURS["happy"][i : i + 2], 16) for i in (1, 3, 5)])
        box = result.faces[0].box
        assert (drawn[int(box.y + box.height / 2), round(box.x)] == colour).all()
        assert (drawn[300:] == astronaut[300:]).all()
        again = np.asarray(Image.open(io.BytesIO(annotated_png(astronaut, result))))
        assert (again == drawn).all()

    def test_an_unsure_face_gets_a_colour_of_its_own(self, result, astronaut):
        unsure = replace(result, faces=(replace(result.faces[0], sure=False),))
        drawn = annotate(astronaut, unsure)
        colour = np.array([int(UNSURE_COLOUR[i : i + 2], 16) for i in (1, 3, 5)])
        box = result.faces[0].box
        assert (drawn[int(box.y + box.height / 2), round(box.x)] == colour).all()
        counts = verdict_counts_chart([unsure.faces[0].verdict, result.faces[0].verdict]).data[0]
        by_verdict = dict(zip(counts.x, counts.y, strict=True))
        assert (by_verdict["happy"], by_verdict["unsure"]) == (1, 1)
        (row,) = csv.DictReader(io.StringIO(photo_export.to_csv([unsure])))
        assert (row["emotion"], row["sure"]) == ("happy", "0")
        assert json.loads(photo_export.to_json([unsure]))[0]["faces"][0]["sure"] is False

    @pytest.mark.parametrize("shape", [(1, 1), (20, 500), (500, 20), (40, 40)])
    def test_labels_never_fail_on_odd_shapes(self, shape):
        face = Face(Box(0, 0, shape[1], shape[0]), ((0.0, 0.0),) * 5, 0.9, (1.0,) + (0.0,) * 6)
        photo = PhotoResult("a", shape[1], shape[0], (face, face), "m", "e")
        assert annotate(np.zeros((*shape, 3), np.uint8), photo).shape == (*shape, 3)

    def test_charts_hold_the_numbers(self, result):
        bar = probability_chart(result.faces[0]).data[0]
        assert list(bar.y) == list(EMOTIONS)
        assert list(bar.x) == pytest.approx([100 * p for p in result.faces[0].probabilities])
        counts = verdict_counts_chart([face.verdict for face in result.faces * 2]).data[0]
        assert dict(zip(counts.x, counts.y, strict=True))["happy"] == 2


def test_public_names():
    for name in emosense.__all__:
        assert getattr(emosense, name) is not None
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = emosense.nothing


def test_encoded_bytes_of_all_formats_give_the_same_face(analyzer, astronaut):
    for image_format in ("JPEG", "WEBP", "BMP", "TIFF"):
        (face,) = analyzer.photo(encoded(astronaut, image_format)).faces
        assert face.emotion == "happy"
