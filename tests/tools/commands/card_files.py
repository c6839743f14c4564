"""Unfinished cards of a user, and the networks they are finished with."""

import dataclasses

import numpy as np

from keras_hypersphere.zoo.cards.registry import get_card
from tests.tools.caffe.network_writer import NetworkWriter

NARROW = 8


def write_card(cache, name, base, **fields):
    """An unfinished card of a narrow network, where users put theirs."""
    card = get_card(base)
    card = dataclasses.replace(
        card,
        **{
            "name": name,
            "arguments": {**card.arguments, "width": 1 / NARROW},
            "dim": card.dim // NARROW,
            "weights_file": f"{name}.npz",
            "classes": 0,
            "source_bytes": 0,
            "source_sha256": "",
            "source_git_blob": "",
            **fields,
        },
    )
    cache.mkdir(parents=True, exist_ok=True)
    card.save(cache / f"{name}.json")
    return card


def write_sphereface4(folder, slopes=True, seed=0, people=0):
    """SphereFace-4 with an eighth of its widths, in Caffe's format.

    With `people`, a classifier stands behind the embedding.
    """
    writer = NetworkWriter(3, 112, 96, seed=seed)
    blob = "data"
    for stage in range(1, 5):
        channels = 64 * 2 ** (stage - 1) // NARROW
        blob = writer.conv(f"conv{stage}_1", blob, channels, 3, 1, 2)
        name = f"relu{stage}_1"
        writer.blobs[name] = [np.float32(writer.random.random(channels))]
        writer.relu(name, blob, "PReLU" if slopes else "ReLU")
    blob = writer.dense("fc5", blob, 512 // NARROW)
    if people:
        writer.dense("fc6", blob, people)
    return map(str, writer.write(folder))
