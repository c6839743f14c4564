"""Writes the weight file and the card of a miniature."""

import dataclasses
import hashlib
from pathlib import Path
from typing import Any

import keras

from keras_hypersphere import zoo
from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.cards.golden import golden_crop, golden_numbers
from keras_hypersphere.zoo.faces.embedder import FaceEmbedder
from keras_hypersphere.zoo.loading.preset import moved
from keras_hypersphere.zoo.loading.weights import load_file, write_arrays
from tests.miniatures.miniature import FOLDER, Miniature
from tests.miniatures.seeded_weights import (
    DTYPE,
    seeded_weights,
)

# The golden embedding is kept while it agrees: its last digits depend on
# the machine, and the card should not.
GOLDEN_TOLERANCE = 1e-5


def make_miniature(miniature: Miniature, folder: Path) -> Card:
    """Writes the weight file and the card of a miniature.

    Both come out byte for byte the same every time.

    Args:
        miniature: What to make.
        folder: Where both go.

    Returns:
        The card.
    """
    model = network(miniature)
    card = draft(miniature, model)
    path = folder / card.weights_file
    values = seeded_weights(model, miniature.seed, miniature.gain)
    write_arrays(path, values)
    load_file(model, path)
    embedding = FaceEmbedder(model, card).embed_aligned(golden_crop(card))
    known = FOLDER / f"{card.name}.json"
    golden = Card.load(known).golden_output if known.is_file() else ()
    card = dataclasses.replace(
        card,
        weights_bytes=path.stat().st_size,
        weights_sha256=hashlib.sha256(path.read_bytes()).hexdigest(),
        golden_output=golden_numbers(embedding),
    )
    if len(golden) == card.dim:
        kept = dataclasses.replace(card, golden_output=golden)
        card = kept if moved(embedding, kept) <= GOLDEN_TOLERANCE else card
    card.save(folder / f"{card.name}.json")
    return card


def arguments(miniature: Miniature) -> dict[str, Any]:
    """What the function of the network is called with."""
    return {**miniature.arguments, "width": 1 / miniature.narrow}


def network(miniature: Miniature) -> keras.Model:
    """The network that a miniature is."""
    return getattr(zoo, miniature.architecture)(
        input_shape=miniature.input_shape,
        **arguments(miniature),
    )


def draft(miniature: Miniature, model: keras.Model) -> Card:
    """The card without what only the weight file tells."""
    dim = model.output_shape[-1]
    return Card(
        name=miniature.name,
        description=(
            f"{miniature.architecture} with 1/{miniature.narrow} of its "
            "widths and random weights, to test loading; knows no faces"
        ),
        architecture=miniature.architecture,
        arguments=arguments(miniature),
        parameters=model.count_params(),
        source=f"noise: numpy.random.default_rng({miniature.seed})",
        source_url="",
        source_package="",
        source_file="",
        source_bytes=0,
        source_sha256="",
        weights_file=f"{miniature.name}.npz",
        weights_url="",
        weights_bytes=0,
        weights_sha256="",
        weights_dtype=DTYPE,
        weights_command=(
            "python -m tests.miniatures "
            f"{miniature.name} --seed {miniature.seed}"
        ),
        licence="Apache-2.0",
        licence_url="https://www.apache.org/licenses/LICENSE-2.0",
        training_data="none: it was never trained",
        input_shape=miniature.input_shape,
        channels=miniature.channels,
        mean=miniature.mean,
        scale=miniature.scale,
        template=miniature.template,
        flip=miniature.flip,
        feature_layer=model.layers[-1].name,
        dim=2 * dim if miniature.flip == "concat" else dim,
        distance=miniature.distance,
        threshold=0.0,
        published=(),
        measured=(),
        storage_effect="none: the weights were made in float16",
        golden_seed=miniature.seed,
        golden_output=(),
        notes=(
            "Random weights tell no two people apart. Preprocessing, "
            "template, mirroring and distance are those of the network that "
            "it is a miniature of."
        ),
    )
