"""An original Caffe network becomes an entry of the zoo: weights and card."""

import dataclasses
import os
import sys
import tempfile
from pathlib import Path

import keras
import numpy as np

from keras_hypersphere.caffe_format.layer_blobs import Caffemodel
from keras_hypersphere.caffe_format.source_file import SourceFile
from keras_hypersphere.tools.caffe.caffe_network import CaffeNetwork
from keras_hypersphere.tools.caffe.cards.original import (
    doubt,
    identify,
    known_original,
)
from keras_hypersphere.tools.caffe.verification.report import compare
from keras_hypersphere.zoo import FaceEmbedder
from keras_hypersphere.zoo.cards.cache import cache_folder
from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.cards.golden import golden_crop, golden_numbers
from keras_hypersphere.zoo.cards.registry import get_card, is_packaged
from keras_hypersphere.zoo.loading.caffe_weights import SUFFIXES, is_caffe
from keras_hypersphere.zoo.loading.card_model import build
from keras_hypersphere.zoo.loading.weights import write_arrays
from keras_hypersphere.zoo.runtimes.preprocessing import preprocess_input

# Of the embedding's range: sums in another order differ by some 1e-6.
SAME = 1e-5
CROPS = 4
SEED = 1


def wanted_card(name: str) -> Card:
    """The card that a conversion shall finish.

    Raises:
        ValueError: If there is none, or the zoo has its weights already.
    """
    card = get_card(name)
    if is_packaged(card):
        raise ValueError(
            f"the zoo has the weights of {name} already; nothing is to be "
            "converted for this card"
        )
    return card


def load_backbone(card: Card, caffemodel: Caffemodel) -> keras.Model:
    """The zoo's network with the weights of an original file, by name.

    Raises:
        ValueError: If the file is of another network, or the card knows its
            original and this is another file.
    """
    identify(card, caffemodel)
    # The zoo knows caffemodels by their suffix.
    if not is_caffe(caffemodel):
        raise ValueError(
            f"{caffemodel}: must end in {' or '.join(SUFFIXES)}; rename it"
        )
    return build(card, weights=caffemodel)


def feature_blob(card: Card, network: CaffeNetwork) -> str:
    """The blob of a prototxt that holds the card's embedding.

    Raises:
        ValueError: If it has no such layer.
    """
    layers = network.net.layer
    tops = [list(x.top) for x in layers if x.name == card.feature_layer]
    if not tops or not tops[-1]:
        raise ValueError(
            f"{network.file}: has no layer {card.feature_layer!r}, which gives "
            f"the embedding of {card.name}; it is of another network"
        )
    return tops[-1][-1]


def write_entry(
    card: Card,
    backbone: keras.Model,
    converted: keras.Model,
    network: CaffeNetwork,
) -> Card:
    """Puts the weights and the finished card of a network into the cache.

    Both files are written whole before either is where it is looked for.
    Where the card knows no hash of its original, it says that the file was
    not identified, and stderr says so too.

    Args:
        card: The card to finish.
        backbone: What `load_backbone` returned.
        converted: What `to_keras` returned, with the card's embedding as its
            output, after `verify` found no fault with it.
        network: The original files.

    Returns:
        The finished card.

    Raises:
        ValueError: If both networks differ in their embeddings.
    """
    check_embedding(card, backbone, converted)
    caffemodel = network.caffemodel
    identified = identify(card, caffemodel)
    card = dataclasses.replace(card, parameters=backbone.count_params())
    cache = cache_folder()
    cache.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=cache, prefix=".convert-") as folder:
        weights = Path(folder) / card.weights_file
        write_arrays(
            weights,
            {
                variable.path: keras.ops.convert_to_numpy(variable)
                for variable in backbone.weights
            },
        )
        made = SourceFile(weights).describe()
        source = caffemodel.source.describe()
        golden = FaceEmbedder(backbone, card).embed_aligned(golden_crop(card))
        # What was measured of other weights says nothing of these.
        other = card.finished and made["sha256"] != card.weights_sha256
        card = dataclasses.replace(
            card,
            threshold=0.0 if other else card.threshold,
            measured=() if other else card.measured,
            source_bytes=source["bytes"],
            source_sha256=source["sha256"],
            source_git_blob=known_original(card).source_git_blob,
            source_identified=identified,
            weights_bytes=made["bytes"],
            weights_sha256=made["sha256"],
            weights_dtype="float32",
            weights_command="keras-hypersphere convert "
            f"{Path(network.file).name} {source['name']} --card {card.name}",
            storage_effect="none: float32",
            golden_output=golden_numbers(golden),
        )
        written = Path(folder) / f"{card.name}.json"
        card.save(written)
        # Until the card is there, nothing looks at the weights.
        for path in (weights, written):
            os.replace(path, cache / path.name)
    if not identified:
        print(f"warning: {doubt(card, caffemodel, backbone)}", file=sys.stderr)
    return card


def check_embedding(
    card: Card, backbone: keras.Model, converted: keras.Model
) -> None:
    """Raises if two networks embed noise differently."""
    random = np.random.default_rng(SEED)
    shape = (CROPS, *card.input_shape[:2], 3)
    crops = preprocess_input(random.integers(0, 256, shape), card)
    ours, theirs = (
        keras.ops.convert_to_numpy(model(crops, training=False))
        for model in (backbone, converted)
    )
    _, of_range, reason = compare(ours, theirs.reshape(CROPS, -1))
    if of_range is None or of_range > SAME:
        reason = reason or f"they are {of_range:.1e} of their range apart"
        raise ValueError(
            f"the embeddings of {card.architecture} are not those of the "
            f"prototxt's {card.feature_layer!r}: {reason}; it is of another "
            "network"
        )
