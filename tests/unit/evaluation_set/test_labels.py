"""Labels of photos: folders, tables, and what the names of classes mean."""

import pytest

from emosense.class_names import emotion_of, numbered_classes
from emosense.emotions import EMOTIONS
from emosense.errors import DatasetError
from emosense.evaluation_set.labels import (
    LEFT_OUT,
    labels_by_folder,
    labels_by_table,
    propose_mapping,
)


@pytest.mark.parametrize(
    ("name", "emotion"),
    [
        *((name, name) for name in EMOTIONS),
        ("Anger", "angry"),
        ("HAPPINESS", "happy"),
        ("happiness ", "happy"),
        ("3_happy", "happy"),
        ("happy2", "happy"),
        ("fröhlich", "happy"),
        ("froehlich", "happy"),
        ("Wütend", "angry"),
        ("Ärger", "angry"),
        ("Überraschung", "surprise"),
        ("Ueberraschung", "surprise"),
        ("colère", "angry"),
        ("Tristesse", "sad"),
        ("miedo", "fear"),
        ("nojo", "disgust"),
        ("no expression", "neutral"),
        ("sad faces", "sad"),
        ("02-train_ANGRY (new)", "angry"),
        ("face_happy", "happy"),
        ("happy or surprised", None),
        ("not happy", None),
        ("contempt", None),
        ("grumpy", None),
        ("", None),
        ("3", None),
        ("感情", None),
    ],
)
def test_what_a_class_name_means(name, emotion):
    assert emotion_of(name) == emotion


@pytest.mark.parametrize(
    ("names", "data_set", "of_one"),
    [
        ("0123456", "FER2013", "disgust"),
        ("1234567", "RAF-DB", "surprise"),
        ("01234567", "AffectNet", "happy"),
        (["00", "01", "06"], "FER2013", "disgust"),
    ],
)
def test_numbers_mean_another_emotion_in_each_data_set(names, data_set, of_one):
    found, emotions = numbered_classes(list(names))
    assert found == data_set
    assert emotions[names[1] if names[0] in ("0", "00") else "1"] == of_one
    assert numbered_classes(["1", "9"]) is None
    assert numbered_classes([]) is None


def test_the_mapping_is_a_proposal():
    mapping = propose_mapping(["joy", "HA", "contempt", "grumpy", "4"])
    assert mapping.emotions == {
        "joy": "happy",
        "HA": "happy",
        "contempt": LEFT_OUT,
        "grumpy": LEFT_OUT,
        "4": "sad",
    }
    assert mapping.unknown == ("grumpy",)
    assert mapping.numbering == "FER2013"
    chosen = mapping.with_choices({"grumpy": "angry"})
    assert chosen.emotions["grumpy"] == "angry"
    assert chosen.unknown == ()
    assert propose_mapping(["7", "8", "9"]).unknown == ("7", "8", "9")


@pytest.mark.parametrize(
    ("photo", "class_name"),
    [
        ("happy/1.jpg", "happy"),
        ("test/happy/ann/1.jpg", "happy"),
        ("set/grumpy/1.jpg", "grumpy"),
        ("1.jpg", ""),
        ("contempt/bob/1.jpg", "contempt"),
    ],
)
def test_the_class_is_the_folder_of_an_emotion(photo, class_name):
    assert labels_by_folder([photo]).labels[0].class_name == class_name


def test_folders_that_only_look_like_classes():
    photos = ["happy/calm/1.jpg", "sad/calm/2.jpg", "angry/bob/3.jpg"]
    classes = [label.class_name for label in labels_by_folder(photos).labels]
    assert classes == ["happy", "sad", "angry"]
    photos = ["happy album/sad/1.jpg", "happy album/angry/2.jpg", "other/fear/3.jpg"]
    classes = [label.class_name for label in labels_by_folder(photos).labels]
    assert classes == ["sad", "angry", "fear"]


@pytest.mark.parametrize(
    "table",
    [
        "file,label\na.jpg,joy\nb.jpg,anger\n",
        "Label;Image Path\njoy;album/a.jpg\nanger;album\\b.jpg\n",
        "id\temotion\tfilename\n1\tjoy\t./A.JPG\n2\tanger\tb.jpg\n",
        '\ufefffile,label\r\n"a.jpg",joy\r\n"b.jpg", anger \r\n\r\n',
    ],
)
def test_tables_of_files_and_labels(table):
    labels = labels_by_table(["album/a.jpg", "album/b.jpg", "c.jpg"], table)
    assert [label.class_name for label in labels.labels] == ["joy", "anger", ""]
    assert labels.notes == ()
    assert labels.unlabelled == 1
    assert labels.counts == {"anger": 1, "joy": 1}


def test_rows_that_are_not_used_are_named():
    photos = ["x/a.jpg", "y/a.jpg", "b.jpg", "c.jpg"]
    table = "file,label\na.jpg,joy\nx/a.jpg,sad\nzz.jpg,joy\nb.jpg,\nc.jpg,joy\nc.jpg,sad\n"
    labels = labels_by_table(photos, table, "labels.csv")
    assert [label.class_name for label in labels.labels] == ["sad", "", "", "sad"]
    assert labels.notes == (
        "labels.csv: 1 row without a photo of that name, e.g. 'zz.jpg'",
        "labels.csv: 1 row with the name of several photos, e.g. 'a.jpg'",
        "labels.csv: 1 row without a label",
        "labels.csv: 1 row that gives a photo another label; the last one counts",
    )


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("", "column for the file .* Received: an empty file"),
        ("a,b\n1,2\n", "column for the file .* Received: a,b"),
        ("file,mood\na.jpg,joy\n", "column for the label .* Received: file,mood"),
        ('file,label\n"a.jpg,joy\n', "cannot be read as CSV"),
    ],
)
def test_tables_that_cannot_be_read(table, message):
    with pytest.raises(DatasetError, match=message):
        labels_by_table(["a.jpg"], table)
