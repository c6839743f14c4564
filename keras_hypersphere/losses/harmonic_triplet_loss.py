"""FaceNet's harmonic triplet loss: new embeddings that fit old ones."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.backend import replicas
from keras_hypersphere.losses.metric_loss import MetricLoss
from keras_hypersphere.losses.triplet_arguments import (
    TripletArguments,
    mean_of_terms,
)
from keras_hypersphere.mining.pairwise_distance import pairwise_distance
from keras_hypersphere.ops.batch_pairs import NOBODY


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class HarmonicTripletLoss(MetricLoss):
    """Triplet loss over new embeddings mixed with old ones of the same images.

    `[D(a, p) - D(a, n) + margin]_+` as in `TripletLoss`, where anchors,
    positives and negatives are embeddings v2 that are learned, or v1 of a
    network that stays as it is. Pairs (a, p) are (v2, v2), (v2, v1) and
    (v1, v2); negatives are chosen from the union of v2 and v1. Pairs of v1
    alone are left out: there is nothing to learn between them.

    It trains a network whose embeddings can be compared with those that a
    former one has left in a database. Put it behind `keras.layers.
    Concatenate` of the new and the old network's embeddings, both of length
    1, and freeze the old one. As FaceNet did, train the new network's last
    layer alone first.

    Args:
        margin: float >= 0. Defaults to `0.2`.
        mining: `"semi-hard"`, `"hard"` or `"all"`, as in `TripletLoss`.
            Defaults to `"semi-hard"`.
        distance: `"squared-l2"`, `"l2"` or `"cosine"` (1 - cosine). Defaults
            to `"squared-l2"`.
        fallback: None or `"largest"`, as in `TripletLoss`. Defaults to None.
        same_image: bool, whether v2 and v1 of one image are a pair. Defaults
            to `True`.
        anchors: `"both"`, or `"v2"` for anchors among v2 alone. Defaults to
            `"both"`.
        cross_replica: bool, whether positives and negatives also come from
            the other replicas. Defaults to `True`.
        reduction: as in Keras; means are over all replicas' samples.
            Defaults to `"sum_over_batch_size"`.
        name: str or None.
        dtype: None or a dtype; half types compute in float32.

    Call arguments:
        y_true: `(N,)` or `(N, 1)` class indices.
        y_pred: `(N, 2d)`: v2, then v1, which gets no gradient.
        sample_weight: weighs images, with all triplets of their anchors.

    Input shape:
        `(N, 2d)`

    Output shape:
        `()`; `(N,)` from `call` and with `reduction=None`: for each image the
        sum of the hinges of its anchors, scaled so that the mean over images
        is the mean over pairs (`"all"`: over triplets; `"hard"`: over
        anchors). Zero without any.

    dtype: float32, or float64 if asked for.

    Raises:
        ValueError: if an argument is not one of those above, if the width of
            `y_pred` is odd, or if labels are one-hot, fractional, negative
            or from 2^31 on.

    Example:

    >>> v1 = np.array([[1.0, 0.0], [0.0, 1.0]])
    >>> v2 = np.array([[0.0, 1.0], [1.0, 0.0]])
    >>> loss = kh.losses.HarmonicTripletLoss(mining="hard")
    >>> float(loss(np.array([0, 1]), np.concatenate([v2, v1], axis=1)))
    2.200000047683716

    Reference:
        FaceNet: A Unified Embedding for Face Recognition and Clustering
        (2015), https://arxiv.org/abs/1503.03832, appendix. It does not say
        which of the mixed triplets count, nor how much; the choices above
        are ours.
    """

    def __init__(
        self,
        margin: float = 0.2,
        mining: str = "semi-hard",
        distance: str = "squared-l2",
        fallback: str | None = None,
        same_image: bool = True,
        anchors: str = "both",
        cross_replica: bool = True,
        reduction: str | None = "sum_over_batch_size",
        name: str | None = None,
        dtype: Any = None,
    ) -> None:
        super().__init__(reduction=reduction, name=name, dtype=dtype)
        self.options = TripletArguments.checked(
            margin, mining, distance, fallback
        )
        for option, value in self.options._asdict().items():
            setattr(self, option, value)
        self.same_image = arguments.flag("same_image", same_image)
        self.anchors = arguments.choice("anchors", anchors, ("both", "v2"))
        self.cross_replica = arguments.flag("cross_replica", cross_replica)

    def anchor_losses(self, labels: Any, y_pred: Any) -> Any:
        width = y_pred.shape[1]
        if width is None or width % 2:
            raise ValueError(
                "`y_pred` must hold v2 and v1, of one width, side by side. "
                f"Received: y_pred.shape={tuple(y_pred.shape)}."
            )
        everyone, everyones, first = y_pred, labels, 0
        if self.cross_replica:
            everyone, first = replicas.gather_over_replicas(y_pred)
            everyones, _ = replicas.gather_over_replicas(labels)
        if everyone.shape[0] == 0:
            return ops.sum(y_pred, axis=-1)
        new, old = split(y_pred, width // 2)
        references = ops.concatenate(split(everyone, width // 2), axis=0)
        # Columns: v2 of all images, then v1 of all images.
        others = ops.concatenate([everyones, everyones])
        nobody = ops.full_like(everyones, NOBODY)
        count = ops.shape(everyones)[0]
        own = first + ops.arange(ops.shape(labels)[0], dtype="int32")
        other = () if self.same_image else (own + count,)
        distances = pairwise_distance(new, references, self.distance)
        sums, terms = self.options.hinges(
            distances, labels, others, others, own, *other
        )
        if self.anchors == "both":
            candidates = ops.concatenate([everyones, nobody])
            skipped = () if self.same_image else (own,)
            distances = pairwise_distance(old, references, self.distance)
            of_old, more = self.options.hinges(
                distances, labels, others, candidates, *skipped
            )
            sums, terms = sums + of_old, terms + more
        return mean_of_terms(sums, terms, self.cross_replica)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            **self.options._asdict(),
            "same_image": self.same_image,
            "anchors": self.anchors,
            "cross_replica": self.cross_replica,
        }


def split(pairs: Any, width: int) -> tuple[Any, Any]:
    """(N, 2d) -> v2, and v1 without gradient, (N, d) each."""
    return pairs[:, :width], ops.stop_gradient(pairs[:, width:])
