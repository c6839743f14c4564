"""Which people are held out of a training, and which pairs they give."""

import numpy as np

from keras_hypersphere.face_files.face_source import FaceSource

NONE = "Train without a validation: `--validation none`"


def split_people(
    source: FaceSource, share: float = 0.1, seed: int = 0
) -> tuple[np.ndarray, np.ndarray]:
    """Parts people into those to train on and those who are held out.

    All photos of a person are on one side. Only people with two photos or
    more are held out, since others give no pair of one person; at least two
    people are, and at least two are left to train on.

    Args:
        source: The photos.
        share: Of the people, above 0 and below 1. Default: a tenth.
        seed: What draws them.

    Returns:
        Indices of photos, ascending: to train on, and held out.

    Raises:
        ValueError: If the people are too few.
    """
    if not 0 < share < 1:
        raise ValueError(
            f"`share` must be above 0 and below 1. Received: share={share!r}"
        )
    labels = np.asarray(source.labels)
    photos = np.bincount(labels)
    able = np.flatnonzero(photos >= 2)
    wanted = max(2, round(share * len(photos)))
    if len(able) < 2 or len(photos) < 4:
        raise ValueError(
            "People are held out to measure the model: at least two with two "
            "photos or more, and two others to train on. Received: "
            f"{len(photos)} people, {len(able)} of them with two photos or "
            f"more. {NONE}, or with a list of pairs of other people."
        )
    wanted = min(wanted, len(able), len(photos) - 2)
    drawn = np.random.default_rng(seed).choice(able, wanted, replace=False)
    held_out = np.isin(labels, drawn)
    return np.flatnonzero(~held_out), np.flatnonzero(held_out)


def validation_pairs(
    source: FaceSource, indices: np.ndarray, seed: int = 0, limit: int = 6000
) -> tuple[np.ndarray, np.ndarray]:
    """Draws pairs of photos, up to half of them of one person.

    Pairs of one person are taken in rounds, one of each person in each, so
    that who has many photos does not outweigh the rest.

    Args:
        source: The photos.
        indices: `(n,)`, which of them may be in a pair.
        seed: What draws.
        limit: At most so many pairs, half of each kind.

    Returns:
        pairs: `(P, 2)` int64, places in `indices`; those of one person come
            first.
        same: `(P,)` bool.

    Raises:
        ValueError: If there is no pair of one kind.
    """
    labels = np.asarray(source.labels)[np.asarray(indices)]
    random = np.random.default_rng(seed)
    alike = same_pairs(labels, random, limit // 2)
    apart = different_pairs(labels, random, limit // 2)
    if not len(alike) or not len(apart):
        raise ValueError(
            "Pairs to measure the model need two photos of one person, and a "
            f"photo of another. Received: {len(labels)} photos of "
            f"{len(np.unique(labels))} people. {NONE}."
        )
    same = np.repeat([True, False], [len(alike), len(apart)])
    return np.concatenate([alike, apart]).astype(np.int64), same


def same_pairs(
    labels: np.ndarray, random: np.random.Generator, limit: int
) -> np.ndarray:
    """Pairs of one person, in rounds over the people."""
    rounds, found = [], []
    for person in np.unique(labels):
        places = np.flatnonzero(labels == person)
        count = len(places) * (len(places) - 1) // 2
        drawn = random.choice(count, min(count, limit), replace=False)
        # Pair k of the list (1, 0), (2, 0), (2, 1), (3, 0) …
        larger = np.floor((1 + np.sqrt(1 + 8 * drawn)) / 2).astype(np.int64)
        smaller = drawn - larger * (larger - 1) // 2
        found.append(np.stack([places[smaller], places[larger]], axis=1))
        rounds.append(np.arange(len(drawn)))
    pairs = np.concatenate(found) if found else np.empty((0, 2), np.int64)
    order = np.argsort(np.concatenate([[], *rounds]), kind="stable")
    return pairs[order[:limit]]


def different_pairs(
    labels: np.ndarray, random: np.random.Generator, limit: int
) -> np.ndarray:
    """Pairs of two people, each pair once."""
    number = len(labels)
    if number * (number - 1) // 2 <= 4 * limit:
        left, right = np.triu_indices(number, 1)
        pairs = np.stack([left, right], axis=1)
        pairs = pairs[labels[left] != labels[right]]
        return random.permutation(pairs)[:limit]
    found = np.empty((0, 2), np.int64)
    # Where one person has nearly all photos, a draw gives few pairs.
    for _ in range(100):
        drawn = np.sort(random.integers(0, number, (2 * limit, 2)), axis=1)
        drawn = drawn[labels[drawn[:, 0]] != labels[drawn[:, 1]]]
        both = np.concatenate([found, drawn])
        _, first = np.unique(both, axis=0, return_index=True)
        found = both[np.sort(first)][:limit]
        if len(found) == limit:
            break
    return found
