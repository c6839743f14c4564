"""People who are in training and evaluation, by names and by faces."""

import dataclasses
import unicodedata
from collections.abc import Iterable
from typing import Any

import numpy as np

from keras_hypersphere.data.face_loader import chosen
from keras_hypersphere.data.photo_pixels import decode
from keras_hypersphere.face_files.face_source import FaceSource
from keras_hypersphere.zoo import FaceEmbedder

# Photos of a person that are looked at.
PHOTOS = 5
# The cosine distance of sface. Of LFW's 9 million pairs of two people 15 are
# below: two names of one person (Sepp and Joseph Blatter), photos under a wrong
# name, sisters; at 0.5 there are 54, most of them different people.
DISTANCE = 0.42
ROWS = 1024
# Photos that `train` looks at: under a minute on two cores.
MOST = 5000


def same_people(
    training_names: Iterable[str], evaluation_names: Iterable[str]
) -> list[str]:
    """The names of training that are in evaluation too.

    Case, accents, signs and the order of the parts make no difference:
    `Bush, George W.` is `george_w_bush`. Names without a letter are numbers
    of a list, which say nothing about others.

    Args:
        training_names: Names of people.
        evaluation_names: Names of people.

    Returns:
        Those of `training_names`, in their order.
    """
    known = {key(name) for name in evaluation_names}
    return [name for name in training_names if key(name) in known - {()}]


def key(name: str) -> tuple[str, ...]:
    """What a name is compared by."""
    plain = unicodedata.normalize("NFKD", name).casefold()
    letters = "".join(
        sign if sign.isalnum() else " "
        for sign in plain
        if not unicodedata.combining(sign)
    )
    if not any(sign.isalpha() for sign in letters):
        return ()
    return tuple(sorted(letters.split()))


@dataclasses.dataclass(frozen=True)
class SamePerson:
    """Two who look like one.

    Args:
        training: The name in training.
        evaluation: The name in evaluation.
        distance: That of their mean embeddings.
    """

    training: str
    evaluation: str
    distance: float


def same_people_by_embeddings(
    training: FaceSource,
    evaluation: FaceSource,
    embedder: FaceEmbedder | None = None,
    distance: float = DISTANCE,
    training_indices: Any = None,
    evaluation_indices: Any = None,
) -> list[SamePerson]:
    """People of training whose faces are those of people in evaluation.

    The mean unit embedding of up to five crops of each person is compared
    with those of all others. It is a list to look at: twins are in it.

    Args:
        training: Crops of the size and template of the embedder.
        evaluation: Such crops.
        embedder: Default: the zoo's `sface`, of crops 112 x 112 by the
            template arcface.
        distance: Cosine distance below which two are one.
        training_indices: The photos that are meant. Default: all.
        evaluation_indices: The same, where both are parts of one data set.

    Returns:
        The pairs, the most alike first.

    Raises:
        ValueError: If the crops have another size.
    """
    embedder = embedder or FaceEmbedder.from_preset("sface")
    one = means(training, embedder, training_indices)
    other = means(evaluation, embedder, evaluation_indices)
    found = []
    for start in range(0, len(one), ROWS):
        apart = 1 - one[start : start + ROWS] @ other.T
        for row, column in np.argwhere(apart < distance).tolist():
            found.append(
                SamePerson(
                    training.class_names[start + row],
                    evaluation.class_names[column],
                    float(apart[row, column]),
                )
            )
    return sorted(found, key=lambda pair: pair.distance)


def people_held_out_again(
    source: FaceSource,
    training_indices: np.ndarray,
    held_out: np.ndarray,
    template: str,
    image_size: tuple[int, int],
) -> tuple[list[SamePerson], str]:
    """People of training whose faces are those of people held out.

    Args:
        source: Crops.
        training_indices: The photos to train on.
        held_out: The photos of the people held out.
        template: What the crops are aligned to.
        image_size: Their height and width.

    Returns:
        The pairs, and why nobody looked, if so.
    """
    if (template, tuple(image_size)) != ("arcface", (112, 112)):
        return [], ""
    photos = np.concatenate([training_indices, held_out])
    _, counts = np.unique(source.labels[photos], return_counts=True)
    looked_at = int(np.minimum(counts, PHOTOS).sum())
    if looked_at > MOST:
        return [], (
            f"nobody looked whether a person has two names: {looked_at:,} "
            "photos are many; `same_people_by_embeddings` in "
            "keras_hypersphere.tools.training.same_people does"
        )
    found = same_people_by_embeddings(
        source,
        source,
        training_indices=training_indices,
        evaluation_indices=held_out,
    )
    return found, ""


def means(
    source: FaceSource, embedder: FaceEmbedder, indices: Any = None
) -> np.ndarray:
    """`(people, dim)` mean unit embeddings of length 1; 0 without photos."""
    meant = chosen(source, indices)
    order = meant[np.argsort(source.labels[meant], kind="stable")]
    labels = source.labels[order]
    first = np.searchsorted(labels, labels)
    few = np.arange(len(order)) - first < PHOTOS
    photos, labels = order[few], labels[few]
    total = np.zeros((len(source.class_names), embedder.card.dim))
    for start in range(0, len(photos), ROWS):
        part = slice(start, start + ROWS)
        crops = [
            decode(source.read(photo), f"Photo {photo} of '{source.path}'")
            for photo in photos[part].tolist()
        ]
        vectors = embedder.embed_aligned(np.stack(crops)).astype(np.float64)
        lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
        np.add.at(total, labels[part], vectors / np.maximum(lengths, 1e-12))
    lengths = np.linalg.norm(total, axis=1, keepdims=True)
    return total / np.maximum(lengths, 1e-12)


def without_people(
    source: FaceSource, names: Iterable[str], indices: Any = None
) -> np.ndarray:
    """The photos of a data set that are not of these people.

    Args:
        source: The data set.
        names: Class names, such as `same_people` returns.
        indices: The photos that are asked about. Default: all.

    Returns:
        `(N,)` int64, for the `indices` of `FaceBatches`.

    Raises:
        ValueError: If a name is none of the data set.
    """
    gone = set(names)
    unknown = gone - set(source.class_names)
    if unknown:
        raise ValueError(
            f"'{source.path}' has no person {sorted(unknown)[0]!r}. Give names "
            "of its `class_names`."
        )
    wanted = np.array([name not in gone for name in source.class_names])
    photos = chosen(source, indices)
    return photos[wanted[source.labels[photos]]]
