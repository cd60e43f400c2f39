"""The table of all trained networks: scores from their cards, speed measured now, side by side.

    python benchmarks/networks.py [--photos FOLDER] [--faces FACES.npz]

Speed is the median of rounds in which all networks take turns, so that a busy machine slows all of
them alike. With --photos, every photo whose file name holds an emotion (angry, disgusted, ...) counts
as posed: its first face should get that emotion. With --faces, networks classify the arrays x (n, 48, 48)
uint8 and y (n,) of an npz file; recalls are of the classes that it has.
"""

from __future__ import annotations

import argparse
import statistics
from pathlib import Path

import numpy as np

from emosense.analyzer import Analyzer
from emosense.emotions import EMOTIONS
from emosense.evaluation.predictions import ferplus_agreement, read_predictions
from emosense.media.formats import PHOTO_SUFFIXES
from emosense.networks.classifier import EmotionClassifier
from emosense.networks.registry import list_models
from emosense.networks.throughput import BATCHES, faces_per_second

# Stems, so that "disgusted" and "surprised" are found.
STEMS = {
    "angry": "angry",
    "disgust": "disgust",
    "fear": "fear",
    "happy": "happy",
    "sad": "sad",
    "surprise": "surpris",
    "neutral": "neutral",
}


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--photos", type=Path, help="folder of posed photos")
    parser.add_argument("--faces", type=Path, help="npz file with faces x and labels y")
    parser.add_argument("--reference", default="cnn8")
    parser.add_argument("--rounds", type=int, default=5)
    arguments = parser.parse_args()
    models = list_models()
    classifiers = {name: EmotionClassifier(model) for name, model in models.items()}
    speed = {
        batch: {
            name: statistics.median(rates)
            for name, rates in zip(
                models,
                zip(
                    *(
                        [faces_per_second(c, batch, 0.5) for c in classifiers.values()]
                        for _ in range(arguments.rounds)
                    ),
                    strict=True,
                ),
                strict=True,
            )
        }
        for batch in BATCHES
    }
    print(
        "| model | PrivateTest % | without copies % | FER+ % | macro F1 | ECE | MFLOPs | parameters "
        "| faces/s, 1 | faces/s, 64 |\n|---|---|---|---|---|---|---|---|---|---|"
    )
    for name, model in models.items():
        card, test = model.card, model.card.metrics["PrivateTest"]
        agreement = ferplus_agreement(read_predictions(model))
        fresh = card.metrics["PrivateTest without copies"].accuracy
        rates = [
            f"{speed[batch][name]:.0f} ({speed[batch][name] / speed[batch][arguments.reference]:.2f}x)"
            for batch in BATCHES
        ]
        print(
            f"| {name} | {100 * test.accuracy:.1f} | {100 * fresh:.1f} | "
            f"{'' if agreement is None else f'{100 * agreement:.1f}'} | {test.macro_f1:.3f} | "
            f"{test.ece:.3f} | {(card.flops or 0) / 1e6:.0f} | {card.parameters:,} | "
            + " | ".join(rates)
            + " |"
        )
    if arguments.faces is not None:
        show_faces(arguments.faces, classifiers)
    if arguments.photos is not None:
        show_posed(arguments.photos, list(models))


def show_faces(path: Path, classifiers: dict[str, EmotionClassifier]) -> None:
    """Print accuracy, recalls and selective accuracy on the faces of a file."""
    with np.load(path) as arrays:
        images, labels = arrays["x"].reshape(-1, 48, 48).astype(np.uint8), arrays["y"]
    classes = [i for i in range(len(EMOTIONS)) if (labels == i).any()]
    names = " | ".join(EMOTIONS[i] for i in classes)
    print(f"\n{path.name}, {len(images)} faces: recalls\n")
    print(f"| model | accuracy % | mean recall | {names} | answered % | right of these % |")
    print("|---|---|---|" + "---|" * (len(classes) + 2))
    for name, classify in classifiers.items():
        probabilities = classify(images)
        predicted = probabilities.argmax(axis=1)
        recalls = [float((predicted[labels == i] == i).mean()) for i in classes]
        sure = classify.calibration.sure(probabilities)
        selective = f"{100 * (predicted == labels)[sure].mean():.1f}" if sure.any() else ""
        print(
            f"| {name} | {100 * (predicted == labels).mean():.1f} | {np.mean(recalls):.3f} | "
            + " | ".join(f"{recall:.2f}" for recall in recalls)
            + f" | {100 * sure.mean():.1f} | {selective} |"
        )


def show_posed(folder: Path, models: list[str]) -> None:
    """Print what each model says of each posed photo."""
    posed = [
        (path, emotion)
        for path in sorted(folder.iterdir())
        if path.suffix[1:].lower() in PHOTO_SUFFIXES
        for emotion in EMOTIONS
        if STEMS[emotion] in path.stem.lower()
    ]
    print("\n| posed | " + " | ".join(models) + " |\n|---|" + "---|" * len(models))
    right = dict.fromkeys(models, 0)
    answers: dict[str, list[str]] = {}
    for name in models:
        analyzer = Analyzer(name)
        for path, emotion in posed:
            faces = analyzer.photo(path).faces
            text = f"{faces[0].emotion} {faces[0].probability:.0%}" if faces else "no face"
            if faces and not faces[0].sure:
                text += ", unsure"
            right[name] += bool(faces) and faces[0].emotion == emotion
            answers.setdefault(f"{emotion} ({path.name})", []).append(text)
    for what, row in answers.items():
        print(f"| {what} | " + " | ".join(row) + " |")
    print("| right | " + " | ".join(f"{n} of {len(posed)}" for n in right.values()) + " |")


if __name__ == "__main__":
    main()
