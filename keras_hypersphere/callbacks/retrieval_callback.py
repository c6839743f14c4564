"""Retrieval after every epoch of `fit`."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_hypersphere.callbacks.measurement import Measurement
from keras_hypersphere.evaluation import input_checks
from keras_hypersphere.evaluation.classes import class_numbers
from keras_hypersphere.evaluation.retrieval import as_depths, retrieval


class RetrievalCallback(Measurement):
    """Logs how well photos find others of their person.

    At the end of an epoch all photos are embedded, and each is searched for
    among the others; see `kh.evaluation.retrieval` for what is counted, and
    what of a person with one photo. The logs get
    `val_retrieval_recall_at_1` (and one for each other k),
    `val_retrieval_precision_at_1`, `val_retrieval_r_precision` and
    `val_retrieval_map_at_r`. Put it before the callbacks that read them, and
    tell those the direction, which Keras cannot guess.

    The embeddings are those that `kh.callbacks.VerificationCallback` takes.

    Args:
        images: what the backbone takes: photos, or a data set of batches of
            them, in a fixed order.
        labels: `(n,)` array, who is on each photo, of any dtype.
        k: int or ints >= 1, for the recall. Defaults to `(1, 5, 10)`.
        every: int. It measures in the first epoch, in each `every`-th after
            it, and in the last. Defaults to `1`.
        batch_size: int. Defaults to `32`.
        distance: `"cosine"`, `"l2"` or `"squared-l2"`. Defaults to
            `"cosine"`.
        prefix: str, before the names. Defaults to `"val_retrieval_"`.

    The last result is kept in `report`, a `RetrievalReport`. Embeddings that
    are not finite give NaN in the logs, and a warning once a training.

    Raises:
        ValueError: if the arguments are not those above, if nobody has two
            photos, or if the embeddings are not `(n, d)`.

    Example:

    >>> backbone = keras.Sequential(
    ...     [keras.Input((8,)), keras.layers.Dense(4)]
    ... )
    >>> model = kh.models.MarginModel(backbone, kh.layers.AMSoftmax(3))
    >>> model.compile("adam")
    >>> x, y = np.eye(8)[:6], np.array([0, 0, 1, 1, 2, 2])
    >>> search = kh.callbacks.RetrievalCallback(x, y, k=1)
    >>> logs = model.fit(x, y, callbacks=[search], verbose=0).history
    >>> 0.0 <= logs["val_retrieval_map_at_r"][-1] <= 1.0
    True

    Reference:
        A Metric Learning Reality Check (2020),
        https://arxiv.org/abs/2003.08505, for R-precision and MAP@R.
    """

    def __init__(
        self,
        images: Any,
        labels: ArrayLike,
        k: int | Sequence[int] = (1, 5, 10),
        every: int = 1,
        batch_size: int = 32,
        distance: str = "cosine",
        prefix: str = "val_retrieval_",
    ) -> None:
        super().__init__(every, batch_size, prefix)
        self.labels = class_numbers(labels, np.size(labels))
        if not len(self.labels) or np.bincount(self.labels).max() < 2:
            raise ValueError(
                "`labels` must name somebody with two photos or more. "
                f"Received: {len(self.labels)} labels, all different."
            )
        if hasattr(images, "shape") and len(images) != len(self.labels):
            raise ValueError(
                f"`images` must hold one photo for each of the "
                f"{len(self.labels)} labels. Received: images of shape "
                f"{tuple(images.shape)}."
            )
        self.images = images
        self.k = as_depths(k)
        input_checks.require_distance(distance)
        self.distance = distance

    def measured(self, epoch: int) -> dict[str, float]:
        embeddings = self._embeddings()
        names = ["precision_at_1", "r_precision", "map_at_r"]
        recall = {f"recall_at_{k}": k for k in self.k}
        if not np.isfinite(embeddings).all():
            self.warn_of_divergence("photos", next(iter(recall)), epoch)
            return dict.fromkeys([*recall, *names], float("nan"))
        report = self._search(embeddings)
        return {
            **{name: report.recall_at(k) for name, k in recall.items()},
            **{name: getattr(report, name) for name in names},
        }

    def measure(self) -> Any:
        """Embeds all photos with the model as it is; returns the report."""
        return self._search(self._embeddings())

    def _search(self, embeddings: np.ndarray) -> Any:
        self.report = retrieval(embeddings, self.labels, self.k, self.distance)
        return self.report

    def _embeddings(self) -> np.ndarray:
        found = self.embed(self.images)
        if found.ndim != 2 or len(found) != len(self.labels):
            raise ValueError(
                "`images` must give one embedding (d,) for each of the "
                f"{len(self.labels)} labels. Received: embeddings of shape "
                f"{found.shape}."
            )
        return found
