"""Whether a file is the original that a card of the zoo speaks of."""

import dataclasses

import keras

from keras_hypersphere.caffe_format.layer_blobs import Caffemodel
from keras_hypersphere.caffe_format.source_file import SourceFile
from keras_hypersphere.zoo.cards.card import Card
from keras_hypersphere.zoo.cards.registry import packaged_card
from keras_hypersphere.zoo.loading.caffe_weights import blob_shape


def known_original(card: Card) -> Card:
    """The card, with the hashes that its original must have, if any.

    What a finished card was made of last time may change, unless it was
    the original.
    """
    packaged = packaged_card(card.name)
    if packaged is not None:
        return packaged
    if card.finished and not card.source_identified:
        return dataclasses.replace(
            card, source_bytes=0, source_sha256="", source_git_blob=""
        )
    return card


def identify(card: Card, weights: Caffemodel) -> bool:
    """Whether a file is the card's original; False if no hash is known.

    Raises:
        ValueError: If it is another file.
    """
    known, source = known_original(card), weights.source
    hashes = (
        ("sha256", known.source_sha256, lambda: source.hash("sha256")),
        ("git blob", known.source_git_blob, lambda: git_blob(source)),
    )
    for name, expected, digest in hashes:
        if expected and digest() != expected:
            size = known.source_bytes
            raise ValueError(
                f"{weights}: is not the file of {card.name}: it has "
                f"{source.size} bytes, {name} {digest()}; the card expects "
                f"{f'{size} bytes, ' if size else ''}{name} {expected}"
            )
    return any(expected for _, expected, _ in hashes)


def git_blob(source: SourceFile) -> str:
    """The id that git gives the content of a file."""
    return source.hash("sha1", b"blob %d\0" % source.size)


def doubt(card: Card, weights: Caffemodel, backbone: keras.Model) -> str:
    """What to say of a file that could not be identified, in one line."""
    words = (
        f"{weights}: was not identified as {card.source_file} of {card.name}, "
        "since the card knows no hash of that"
    )
    people = classifier_sizes(weights, backbone)
    if card.classes and people and card.classes not in people:
        words += (
            f", and its classifier tells {people[0]:,} people apart, that of "
            f"the original {card.classes:,}"
        )
    published = "; the published results may be of other weights"
    return words + (published if card.published else "")


def classifier_sizes(weights: Caffemodel, backbone: keras.Model) -> list[int]:
    """How many people layers tell apart that stand behind the embedding."""
    ours = {layer.name for layer in backbone.layers}
    shapes = [
        blob_shape(held[0])
        for name, held in weights.layers.items()
        if name not in ours and held
    ]
    width = backbone.output_shape[-1]
    return [shape[0] for shape in shapes if shape[1:] == (width,)]
