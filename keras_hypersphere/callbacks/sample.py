"""Data that a callback looks at itself, and numbers of its embeddings."""

from collections.abc import Iterator
from typing import Any

import keras
import numpy as np

from keras_hypersphere.callbacks import anatomy
from keras_hypersphere.data.identities import whole_numbers
from keras_hypersphere.evaluation.scores import unit_rows
from keras_hypersphere.models.embedding_spread import share
from keras_hypersphere.models.watch import Watch


def is_dataset(x: Any) -> bool:
    """Whether `x` gives batches of (x, y) itself."""
    return isinstance(x, keras.utils.PyDataset) or (
        hasattr(x, "element_spec") and hasattr(x, "__iter__")
    )


def batches(x: Any, y: Any) -> Iterator[tuple[Any, Any]]:
    """Pairs of inputs and labels: all at once, or those of a data set."""
    if not is_dataset(x):
        yield x, y
        return
    indexed = isinstance(x, keras.utils.PyDataset)
    found = (x[i] for i in range(x.num_batches)) if indexed else iter(x)
    for batch in found:
        inputs, labels, _ = keras.utils.unpack_x_y_sample_weight(batch)
        yield inputs, labels


def embed(
    parts: anatomy.Anatomy, x: Any, y: Any, batch_size: int
) -> tuple[np.ndarray, np.ndarray]:
    """(N, d) embeddings and (N,) labels of a sample."""
    embeddings: Any = []
    labels: Any = []
    for inputs, targets in batches(x, y):
        embeddings.append(
            parts.embedder.predict(
                anatomy.images(inputs, parts),
                batch_size=batch_size,
                verbose=0,
            )
        )
        labels.append(np.asarray(targets).reshape(len(targets), -1))
    embeddings = np.concatenate(embeddings)
    labels = whole_numbers(np.concatenate(labels), "y")
    if len(labels) != len(embeddings):
        raise ValueError(
            "`y` must hold one class index per sample, (N,) or (N, 1). "
            f"Received: y of shape {labels.shape} for {len(embeddings)} "
            "samples."
        )
    return embeddings, labels.astype("int64")


def measures(
    watch: Watch | None,
    embeddings: np.ndarray,
    labels: np.ndarray,
    batch_size: int,
) -> dict[str, float]:
    """Means over the sample; `watch` knows the heads, if there are any."""
    x = embeddings.astype("float64")
    classes = len(np.unique(labels))
    found: dict[str, list[np.ndarray]] = {}
    if watch is None:
        found["embedding_norm"] = [np.linalg.norm(x, axis=1)]
    else:
        # Memory for logits of a batch, not of the sample.
        for start in range(0, len(labels), batch_size):
            rows = slice(start, start + batch_size)
            values = watch.samples(
                keras.ops.convert_to_tensor(embeddings[rows]), labels[rows]
            )
            for name, value in values.items():
                value = keras.ops.convert_to_numpy(value)
                found.setdefault(name, []).append(value)
        classes = getattr(watch.heads[-1], "units", classes)
    means = {k: float(np.concatenate(v).mean()) for k, v in found.items()}
    cosine = mean_cosine(x, labels)
    spread = np.sqrt(max(share(classes) * (1.0 - cosine), 0.0))
    return {**means, "embedding_spread": float(spread)}


def mean_cosine(x: np.ndarray, labels: np.ndarray) -> float:
    """Mean cosine of pairs of two classes, 0 without one.

    By sums over classes: the pairs of all samples, less those of one class.
    Two zero vectors have the cosine 1.
    """
    u = directions(x)
    _, index, counts = np.unique(
        labels, return_inverse=True, return_counts=True
    )
    sums = np.zeros((len(counts), u.shape[1]))
    np.add.at(sums, index, u)
    pairs = float(len(u)) ** 2 - np.square(counts.astype("float64")).sum()
    if pairs == 0:
        return 0.0
    total = np.square(sums.sum(axis=0)).sum() - np.square(sums).sum()
    return float(total / pairs)


def cosines(left: np.ndarray, right: np.ndarray) -> np.ndarray:
    """Cosine of each row of `left` with that of `right`; 1 for two zeros."""
    return np.einsum("ij,ij->i", directions(left), directions(right))


def directions(x: np.ndarray) -> np.ndarray:
    """Unit vectors in float64, with one more entry: 1 where a vector is 0."""
    zero = ~x.any(axis=1, keepdims=True)
    return np.hstack([unit_rows(x.astype("float64")), zero])
