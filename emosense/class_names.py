"""Names that data sets give to the seven emotions, and which of ours they mean."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Mapping
from typing import Final

from emosense.emotions import EMOTIONS

_NAMES: Final[dict[str, str]] = {
    "angry": "anger rage enraged furious wut wutend zorn zornig arger argerlich verargert colere "
    "enojo enojado enfadado ira rabbia arrabbiato raiva",
    "disgust": "disgusted disgusting disgustful ekel angeekelt abscheu degout degoute asco asqueado "
    "disgusto nojo",
    "fear": "fearful afraid scared frightened anxious angst angstlich furcht furchtsam verangstigt "
    "peur apeure effraye miedo asustado paura spaventato medo",
    "happy": "happiness joy joyful smile smiling freude freudig frohlich glucklich joie heureux "
    "heureuse content felicidad feliz alegria alegre gioia felice",
    "sad": "sadness unhappy sorrow sorrowful trauer traurig traurigkeit triste tristesse tristeza "
    "tristezza",
    "surprise": "surprised surprising astonished amazed uberraschung uberrascht erstaunt surpris "
    "sorpresa sorprendido sorpreso surpresa",
    "neutral": "neutrality calm natural expressionless noexpression noemotion normal neutre neutro "
    "neutrale ausdruckslos",
}
"""Nouns and adjectives in English, German, French, Spanish, Italian and Portuguese, as keys."""

_ABBREVIATIONS: Final = {
    "an": "angry",
    "ang": "angry",
    "di": "disgust",
    "dis": "disgust",
    "fe": "fear",
    "fea": "fear",
    "ha": "happy",
    "hap": "happy",
    "sa": "sad",
    "su": "surprise",
    "sur": "surprise",
    "ne": "neutral",
    "neu": "neutral",
}
"""Those of JAFFE, KDEF and others; they are also names of people and places."""

_BY_KEY: Final = {
    name: emotion for emotion, names in _NAMES.items() for name in (emotion, *names.split())
}

_NEGATIONS: Final = frozenset(("no", "non", "not", "kein", "keine", "nicht", "sin", "sans"))

OTHER_CLASSES: Final = frozenset(
    (
        *("contempt", "contemptuous", "unknown", "other", "others", "none", "uncertain", "nf"),
        *("notface", "noface", "verachtung", "mepris", "desprecio"),
    )
)
"""Keys of classes of FER+, AffectNet, CK+ and others that have no counterpart among the seven."""

_NUMBERINGS: Final[dict[frozenset[str], tuple[str, dict[str, str]]]] = {
    frozenset("0123456"): ("FER2013", dict(zip("0123456", EMOTIONS, strict=True))),
    frozenset("1234567"): (
        "RAF-DB",
        dict(
            zip(
                "1234567",
                ("surprise", "fear", "disgust", "happy", "sad", "angry", "neutral"),
                strict=True,
            )
        ),
    ),
    frozenset("01234567"): (
        "AffectNet",
        dict(
            zip(
                "0123456",
                ("neutral", "happy", "sad", "surprise", "fear", "disgust", "angry"),
                strict=True,
            )
        ),
    ),
}
"""Data sets by the numbers that they give to their classes; AffectNet's 7 is contempt."""


def class_key(name: str) -> str:
    """Return a class's name in the form in which names are compared.

    Without case, accents, blanks and punctuation, and without a number before or behind it.

    >>> class_key("3_Fröhlich"), class_key("07")
    ('frohlich', '7')
    """
    folded = unicodedata.normalize("NFKD", name.casefold())
    letters = re.sub(r"[^a-z0-9]", "", folded)
    if letters.isdecimal():
        return letters.lstrip("0") or "0"
    return letters.strip("0123456789")


def emotion_of(name: str) -> str | None:
    """Return the emotion that a class's name means, or None; numbers mean none.

    A name of several words means the one emotion that is among them.

    >>> emotion_of("Anger"), emotion_of("happy_faces"), emotion_of("contempt")
    ('angry', 'happy', None)
    """
    if (emotion := _emotion_of_key(class_key(name))) is not None:
        return emotion
    words = [class_key(word) for word in re.split(r"[\W_]+", name)]
    if not _NEGATIONS.isdisjoint(words):
        return None
    found = {emotion for word in words if (emotion := _emotion_of_key(word)) is not None}
    return found.pop() if len(found) == 1 else None


def _emotion_of_key(key: str) -> str | None:
    # "froehlich" is written for "fröhlich".
    return _BY_KEY.get(key) or _BY_KEY.get(re.sub("([aou])e", r"\1", key))


def emotion_of_abbreviation(name: str) -> str | None:
    """Return the emotion that an abbreviation such as JAFFE's ``HA`` means, or None.

    >>> emotion_of_abbreviation("HA")
    'happy'
    """
    return _ABBREVIATIONS.get(class_key(name))


def is_other_class(name: str) -> bool:
    """Return whether a class is known to be none of the seven, such as contempt.

    >>> is_other_class("Contempt"), is_other_class("grumpy")
    (True, False)
    """
    return class_key(name) in OTHER_CLASSES


def numbered_classes(names: Collection[str]) -> tuple[str, Mapping[str, str]] | None:
    """Return which numbering a set of class names follows, if all of them are numbers.

    Several data sets share numbers, so the answer is a proposal: the first of FER2013 (0..6), RAF-DB
    (1..7) and AffectNet (0..7) that has all of them.

    Returns:
        (data set, emotion by class name); a number without an emotion is missing. None if a name is
        no number, or no numbering has all of them.

    >>> numbered_classes(["1", "7"])
    ('RAF-DB', {'1': 'surprise', '7': 'neutral'})
    """
    keys = {name: class_key(name) for name in names}
    if not keys or not all(key.isdecimal() for key in keys.values()):
        return None
    for numbers, (data_set, emotions) in _NUMBERINGS.items():
        if numbers.issuperset(keys.values()):
            return data_set, {name: emotions[key] for name, key in keys.items() if key in emotions}
    return None
