"""Losses of the papers on the same photos, batches and network.

    .venv/bin/python -m tests.benchmarks.recipes --lfw ../shared/lfw
        [--only softmax CosFace] [--seeds 3]

People of LFW with three photos or more are split in two halves that share
nobody. SphereFace-4 is trained on the one from random weights, the same for
all losses of a seed, with the same batches (32 people, 4 photos of each), the
same optimizer and the same steps. Fine-tunings begin with the network of
`softmax` of their seed and train as long again; `softmax, twice as long` is
what they are compared with. On the other half: AUC and TAR at FAR 1 % of
pairs, and recall@1.

One line of `docs/measured/recipes.jsonl` is one loss with one seed. What is
there is not trained again: after an interruption the same command goes on.
At the end come the tables, which `python -m docs.tables` writes into the
guides, and `make pictures` draws the angles. `--sface` adds the packaged model
before and after fine-tuning. `--steps` is a trial: nothing is kept. Minutes
are those of the processor, so that other work on the machine does not count.
"""

import argparse
import dataclasses
import json
import os
import time
from pathlib import Path

import numpy as np

from docs import measured_losses

ROOT = Path(__file__).parents[2]
LFW = ROOT / ".." / "shared" / "lfw"
OUT = ROOT / "build" / "recipes"
PEOPLE, PHOTOS, EPOCHS = 32, 4, 12
# Of the packaged network, which is ten times as dear.
SFACE_PEOPLE, SFACE_EPOCHS = 8, 3
RATE = 1e-3
# Of a network that is trained already.
FINE_RATE = 1e-4
BINS = np.linspace(0, 180, 91)

# Recipe that gives the head, what is changed of it, and where it begins.
LOSSES = {
    "softmax": ("softmax", {}, None),
    **{
        f"A-Softmax, m = {m}": ("sphereface", {"margin": m}, None)
        for m in (1, 2, 3, 4)
    },
    "center loss": ("centerface", {}, None),
    "CosFace": ("cosface", {}, None),
    "ArcFace": ("arcface", {"gradient": "exact", "scale": 30.0}, None),
    "AdaFace": ("adaface", {"scale": 30.0}, None),
    "CurricularFace": ("curricularface", {"scale": 30.0}, None),
    "semi-hard triplets": ("facenet", {}, None),
    "softmax, twice as long": ("softmax", {}, "softmax"),
    "NormFace, scaled cosine": ("normface", {}, "softmax"),
    "NormFace, C-contrastive": ("normface_contrastive", {}, "softmax"),
}
SFACE = {
    "sface, as it is": (None, {}, "sface"),
    "sface, ArcFace": ("arcface", {"scale": 30.0}, "sface"),
    "sface, softmax": ("softmax", {}, "sface"),
}


def main():
    arguments = parse()
    OUT.mkdir(parents=True, exist_ok=True)
    measured_losses.RESULTS.parent.mkdir(parents=True, exist_ok=True)
    chosen = {**LOSSES, **(SFACE if arguments.sface else {})}
    if arguments.only:
        unknown = set(arguments.only) - set(chosen)
        if unknown:
            raise SystemExit(f"no such loss: {', '.join(sorted(unknown))}")
        chosen = {name: chosen[name] for name in arguments.only}
    for seed in range(arguments.seeds):
        for name, (recipe, changes, start) in chosen.items():
            rows = measured_losses.results()
            if (name, seed) in {(row["loss"], row["seed"]) for row in rows}:
                continue
            if start == "softmax" and not weights_of(seed).exists():
                # The row is here, of another machine: only its weights.
                part("softmax", seed, *LOSSES["softmax"], arguments)
            row = part(name, seed, recipe, changes, start, arguments)
            if arguments.steps is None:
                with measured_losses.RESULTS.open("a") as file:
                    file.write(f"{json.dumps(row)}\n")
            shown = {k: v for k, v in row.items() if k not in ("same", "other")}
            print(json.dumps(shown), flush=True)
    print(measured_losses.measured())
    print(measured_losses.fine_tuned())


def parse():
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--lfw", type=Path, default=LFW)
    parser.add_argument("--only", nargs="+")
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--steps", type=int, help="at most, to try it out")
    parser.add_argument("--sface", action="store_true")
    return parser.parse_args()


def weights_of(seed):
    """Where the network of `softmax` is, with which fine-tunings begin."""
    return OUT / f"softmax-{seed}.weights.h5"


def faces(lfw, template, size):
    """Crops of people with three photos or more, and who is in which half."""
    from keras_hypersphere.tools.training.crop_file import crops_for

    folder = OUT / "people"
    folder.mkdir(exist_ok=True)
    for person in sorted((lfw / "images").iterdir()):
        link = folder / person.name
        if not link.exists() and len(os.listdir(person)) >= 3:
            link.symlink_to(person.resolve())
    source = crops_for(folder, OUT / template, template, size)
    labels = np.asarray(source.labels)
    people = np.random.default_rng(0).permutation(labels.max() + 1)
    first = np.isin(labels, people[: len(people) // 2])
    return source, np.flatnonzero(first), np.flatnonzero(~first)


def part(loss, seed, name, changes, start, arguments):
    """Trains with one loss and one seed, and measures."""
    import keras

    import keras_hypersphere as kh
    from keras_hypersphere.tools.training.float32_copy import float32_copy
    from keras_hypersphere.tools.training.recipe_model import (
        build,
        compile_model,
    )

    keras.backend.clear_session()
    own = start == "sface"
    people, epochs = (SFACE_PEOPLE, SFACE_EPOCHS) if own else (PEOPLE, EPOCHS)
    template, size = ("arcface", (112, 112)) if own else (
        "sphereface", (112, 96)
    )  # fmt: skip
    source, training, others = faces(arguments.lfw, template, size)
    fine = start is not None and loss != "softmax, twice as long"
    recipe = kh.recipes.get(name or "softmax")
    recipe = dataclasses.replace(
        recipe,
        backbone="sface" if own else "SphereFace4",
        **head_of(recipe, changes),
        fine_tunes=False,
        optimizer="AdamW",
        optimizer_arguments={},
        learning_rate=FINE_RATE if fine else RATE,
        batch_size=people * PHOTOS,
        epochs=epochs,
        warmup_epochs=1.0,
        schedule={"kind": "cosine"},
        weight_decay=5e-4,
        decay_excluded=("bias",),
        rate_multipliers={},
        clip_norm=5.0,
        ema=None,
        precision="mixed_bfloat16",
        augmentation="mirror",
        people_per_batch=people,
        photos_per_person=PHOTOS,
        template=template,
        image_size=size,
        channels="RGB",
        mean=(127.5,) * 3,
        scale=1 / 128,
        seed=seed,
    )
    batches = kh.data.FaceBatches(
        source, people * PHOTOS, indices=training, **recipe.batches()
    )
    steps = len(batches) * epochs
    recipe = anneal(recipe, steps)
    built = build(recipe, batches.classes)
    weights = weights_of(seed)
    # A trial has none.
    if start == "softmax" and weights.exists():
        built.backbone.load_weights(weights)
    seconds = 0.0
    if name is not None:
        compile_model(built, recipe, len(batches))
        seconds = fit(built.model, batches, epochs, arguments.steps)
    if loss == "softmax" and arguments.steps is None:
        part_file = OUT / f"part-{weights.name}"
        built.backbone.save_weights(part_file)
        os.replace(part_file, weights)
    return {
        "loss": loss,
        "seed": seed,
        "epochs": 0 if name is None else epochs,
        "people": int(batches.classes),
        "photos": len(training),
        "seconds": round(seconds, 1),
        "backend": keras.backend.backend(),
        **measure(float32_copy(built.backbone), recipe, source, others),
    }


def head_of(recipe, changes):
    """The head with what is changed of it; of a list, the first."""
    if recipe.head is None or not changes:
        return {}
    if isinstance(recipe.head, str):
        return {"head_arguments": {**recipe.head_arguments, **changes}}
    first, *rest = recipe.head_arguments
    return {"head_arguments": [{**first, **changes}, *rest]}


def anneal(recipe, steps):
    """λ falls from 1000 to 5 in half of the steps, however many there are."""
    if recipe.head != "ASoftmax":
        return recipe
    annealing = {
        "base": 1000.0,
        "gamma": 2 * 199 / steps,
        "power": 1.0,
        "minimum": 5.0,
    }
    if recipe.head_arguments["margin"] == 1:
        annealing = {"base": 0.0, "gamma": 0.0, "power": 1.0, "minimum": 0.0}
    changed = {**recipe.head_arguments, "annealing": annealing}
    return dataclasses.replace(recipe, head_arguments=changed)


def fit(model, batches, epochs, limit):
    """Trains; returns the seconds of all processors."""
    from keras_hypersphere.tools.training.divergence import StopOnDivergence

    start = time.process_time()
    model.fit(
        batches,
        epochs=epochs if limit is None else 1,
        steps_per_epoch=limit,
        shuffle=False,
        verbose=0,
        callbacks=[batches.follow(), StopOnDivergence()],
    )
    return time.process_time() - start


def measure(backbone, recipe, source, others):
    """Figures of the half that nobody has trained on."""
    import keras_hypersphere as kh
    from keras_hypersphere.plotting import pair_angles
    from keras_hypersphere.tools.training.held_out_pairs import validation_pairs

    x = kh.data.load_faces(
        source,
        others,
        image_size=recipe.image_size,
        mean=recipe.mean,
        scale=recipe.scale,
        channels=recipe.channels,
    )
    embeddings = backbone.predict(x, batch_size=64, verbose=0)
    embeddings = embeddings.astype(np.float64)
    unit = embeddings / np.linalg.norm(embeddings, axis=1, keepdims=True)
    labels = np.unique(source.labels[others], return_inverse=True)[1]
    pairs, same = validation_pairs(source, others, seed=0, limit=20000)
    scores = (unit[pairs[:, 0]] * unit[pairs[:, 1]]).sum(axis=1)
    report = kh.evaluation.verification_report(scores, same)
    found = kh.evaluation.retrieval(embeddings, labels, k=(1,))
    angles = pair_angles(unit, labels, 200_000, 0)
    histograms = [np.histogram(kind, BINS)[0].tolist() for kind in angles]
    return {
        "pairs": [int(same.sum()), int((~same).sum())],
        "auc": report.auc,
        "tar": report.tar_at(0.01),
        "recall": found.recall_at(1),
        "same": histograms[0],
        "other": histograms[1],
    }


if __name__ == "__main__":
    main()
