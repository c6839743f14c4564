"""What `MarginModel.fit` costs next to `fit` of a plain Keras model.

    .venv/bin/python tests/benchmarks/head_fits.py
    KERAS_BACKEND=jax .venv/bin/python tests/benchmarks/head_fits.py

Each model is a small network and 1,000 classes: a Dense layer with Keras's own
cross-entropy and accuracy, or a head in a MarginModel, whose accuracy is that
of the logits without a margin. An epoch is 40 batches; epochs alternate
between all models in one process, so that a busy moment hits all of them, and
the minimum of each counts. Prints Markdown.
"""

import argparse
import statistics
import time

import keras
import numpy as np

import keras_hypersphere as kh

CLASSES, FEATURES, BATCH, BATCHES = 1_000, 64, 64, 40
HEADS = {
    "CosineDense": lambda: kh.layers.CosineDense(CLASSES, scale=16.0),
    "AMSoftmax": lambda: kh.layers.AMSoftmax(CLASSES),
    "ArcFace": lambda: kh.layers.ArcFace(CLASSES),
    "ASoftmax": lambda: kh.layers.ASoftmax(CLASSES),
}
DENSE = "Keras Dense"


def backbone() -> keras.Model:
    """A small network."""
    return keras.Sequential(
        [
            keras.Input((256,)),
            keras.layers.Dense(256, activation="relu"),
            keras.layers.Dense(FEATURES),
        ]
    )


def models() -> dict[str, keras.Model]:
    """All models, compiled."""
    plain = keras.Sequential([backbone(), keras.layers.Dense(CLASSES)])
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    plain.compile("adam", loss, metrics=["accuracy"])
    found = {DENSE: plain}
    for name, head in HEADS.items():
        found[name] = kh.models.MarginModel(backbone(), head())
        found[name].compile("adam")
    return found


def main() -> None:
    """Prints minimum, median and the ratio of minima."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=15)
    runs = parser.parse_args().runs
    rng = np.random.default_rng(0)
    x = rng.normal(size=(BATCH * BATCHES, 256)).astype("float32")
    y = rng.integers(0, CLASSES, len(x))
    found = models()
    times: dict[str, list[float]] = {name: [] for name in found}
    for run in range(runs + 1):
        for name, model in found.items():
            start = time.perf_counter()
            model.fit(x, y, batch_size=BATCH, shuffle=False, verbose=0)
            if run:  # the first compiles
                times[name].append(time.perf_counter() - start)
    print(
        f"\nKeras {keras.__version__} on {keras.backend.backend()}; "
        f"{CLASSES:,} classes, batch {BATCH}, {runs} epochs of {BATCHES} "
        "batches\n\n| model | ms an epoch: minimum (median) | to Dense |\n"
        "|---|---|---|"
    )
    base = min(times[DENSE])
    for name, values in times.items():
        least, middle = min(values), statistics.median(values)
        print(
            f"| {name} | {1e3 * least:.0f} ({1e3 * middle:.0f}) | "
            f"{least / base:.2f} |"
        )


if __name__ == "__main__":
    main()
