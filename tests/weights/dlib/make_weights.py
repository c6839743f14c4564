"""Turns dlib's original file into our weight file and its card."""

import dataclasses
import hashlib
import os
import tempfile
from pathlib import Path

import numpy as np

from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.cards.golden import golden_crop
from keras_hypersphere.zoo.cards.registry import get_card
from keras_hypersphere.zoo.loading.weights import write_arrays
from keras_hypersphere.zoo.runtimes.preprocessing import preprocess_input
from tests.weights.dlib.source import original

# The golden embedding is kept while it agrees: its last digits depend on
# the machine, and the card should not.
GOLDEN_TOLERANCE = 1e-4


def make_weights(
    source: "str | os.PathLike | None",
    weights_folder: Path,
    cards_folder: Path,
    name: str = "dlib-resnet",
) -> Card:
    """Writes the weight file and the card of dlib-resnet.

    Both come out byte for byte the same whenever the source is the same.

    Args:
        source: As in `source.original`.
        weights_folder: Where the weight file goes.
        cards_folder: Where the card goes.
        name: The card to start from.

    Returns:
        The new card.
    """
    from keras_hypersphere.zoo.backbones.dlib_resnet import DlibResNet

    card = get_card(name)
    data = original(source, card)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / Path(card.source_file).name
        path.write_bytes(data)
        model = DlibResNet(weights=path, input_shape=card.input_shape)
    values = {
        variable.path: np.asarray(value, card.weights_dtype)
        for variable, value in zip(
            model.weights, model.get_weights(), strict=True
        )
    }
    written = weights_folder / card.weights_file
    write_arrays(written, values)
    stored = DlibResNet(weights=written, input_shape=card.input_shape)
    crop = preprocess_input(golden_crop(card)[None], card)
    output = stored.predict(crop, verbose=0)[0].astype(float)
    away = np.abs(output - np.array(card.golden_output)).max()
    card = dataclasses.replace(
        card,
        parameters=model.count_params(),
        source_bytes=len(data),
        weights_bytes=written.stat().st_size,
        weights_sha256=hashlib.sha256(written.read_bytes()).hexdigest(),
        golden_output=(
            card.golden_output
            if away <= GOLDEN_TOLERANCE
            else tuple(round(x, 6) for x in output.tolist())
        ),
    )
    card.save(cards_folder / f"{name}.json")
    return card
