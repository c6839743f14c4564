"""Verification of pairs after every epoch of `fit`."""

import warnings
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike

from keras_hypersphere import arguments
from keras_hypersphere.callbacks import anatomy, sample
from keras_hypersphere.evaluation import checks
from keras_hypersphere.evaluation.folds import (
    fold_of_pair,
    require_trainable,
)
from keras_hypersphere.evaluation.roc import verification_report
from keras_hypersphere.evaluation.scores import larger_is_same, pair_scores

METRICS = ("accuracy", "auc", "eer")


class VerificationCallback(keras.callbacks.Callback):
    """Logs how well embeddings tell same from different pairs.

    At the end of an epoch both photos of each pair are embedded; the logs
    get `val_verification_accuracy`, `val_verification_auc` and
    `val_verification_eer`. Put it before the callbacks that read them, and
    tell those the direction, which Keras cannot guess.

    The embeddings are `predict` of a `MarginModel`, of the `.backbone` of a
    `with_head`, of what comes before the one head of another functional
    model, and otherwise of the model itself.

    Args:
        left: what the backbone takes: the first photo of each pair, or a
            data set of batches of them, in a fixed order.
        right: the second photo of each pair.
        same: `(n,)` booleans (or 0 and 1): do both show one person?
        every: int. It measures in the first epoch, in each `every`-th after
            it, and in the last. Defaults to `1`.
        batch_size: int. Defaults to `32`.
        distance: `"cosine"`, `"l2"` or `"squared-l2"`. Defaults to
            `"cosine"`.
        folds: None: the accuracy is the best over all thresholds, found on
            the pairs themselves, so a little high. Otherwise as in
            `kh.evaluation.lfw`: the threshold of a fold is found on the
            others. Defaults to None.
        prefix: str, before the names. Defaults to `"val_verification_"`.
        collapse: float >= 0, the spread below which it warns; 0 never does.
            Defaults to `0.1`.

    The last result is kept in `report`: a `VerificationReport`, or with
    `folds` a `Report`. It warns, once a training, of

    * collapse: `sqrt(1 - c) < collapse`, where `c` is the mean cosine of the
      different pairs. These are embeddings of inference, where layers such
      as `BatchNormalization` act otherwise than in training. Scores that
      differ by rounding alone are ties, so that the AUC is 0.5;
    * divergence: embeddings that are not finite. The logs get NaN, and what
      stops such a training (`keras.callbacks.TerminateOnNaN`) has its say.

    Raises:
        ValueError: if the arguments are not those above, if pairs of one
            kind are missing, also outside of a fold, or if the embeddings
            are not `(n, d)`.

    Example:

    >>> backbone = keras.Sequential(
    ...     [keras.Input((8,)), keras.layers.Dense(4)]
    ... )
    >>> model = kh.models.MarginModel(backbone, kh.layers.AMSoftmax(3))
    >>> model.compile("adam")
    >>> x, y = np.eye(8)[:6], np.array([0, 0, 1, 1, 2, 2])
    >>> pairs = kh.callbacks.VerificationCallback(
    ...     x[[0, 2, 4, 0]], x[[1, 3, 5, 2]], [True, True, True, False]
    ... )
    >>> best = keras.callbacks.EarlyStopping(
    ...     "val_verification_auc", mode="max"
    ... )
    >>> logs = model.fit(x, y, callbacks=[pairs, best], verbose=0).history
    >>> 0.0 <= logs["val_verification_auc"][-1] <= 1.0
    True

    Reference:
        Labeled Faces in the Wild (2007), https://vis-www.cs.umass.edu/lfw/,
        whose accuracy is that of `folds=10`.
    """

    def __init__(
        self,
        left: Any,
        right: Any,
        same: ArrayLike,
        every: int = 1,
        batch_size: int = 32,
        distance: str = "cosine",
        folds: int | ArrayLike | None = None,
        prefix: str = "val_verification_",
        collapse: float = 0.1,
    ) -> None:
        super().__init__()
        self.same = checks.as_flags(same, "same", np.size(same))
        checks.require_both_kinds(self.same, "`same`")
        for name, side in (("left", left), ("right", right)):
            if hasattr(side, "shape") and len(side) != len(self.same):
                raise ValueError(
                    f"`{name}` must hold one photo for each of the "
                    f"{len(self.same)} pairs. Received: {name} of shape "
                    f"{tuple(side.shape)}."
                )
        self.left, self.right = left, right
        self.every = arguments.positive_integer("every", every)
        self.batch_size = arguments.positive_integer("batch_size", batch_size)
        checks.require_distance(distance)
        self.distance = distance
        if folds is not None:
            fold, count = fold_of_pair(folds, len(self.same))
            require_trainable(fold, count, self.same)
        self.folds = folds
        if not isinstance(prefix, str):
            raise ValueError(
                f"`prefix` must be a string. Received: prefix={prefix!r}."
            )
        self.prefix = prefix
        self.collapse = arguments.number("collapse", collapse, minimum=0.0)
        self.report: Any = None
        self.epochs_seen = 0
        self.warned: set[str] = set()

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        self.parts = anatomy.dissect(model)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.epochs_seen = 0
        self.warned.clear()

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        due = self.epochs_seen % self.every == 0
        self.epochs_seen += 1
        last = (self.params or {}).get("epochs") == epoch + 1
        if logs is None or not (due or last):
            return
        # On JAX, asking for the model puts the weights where we find them.
        _ = self.model
        left, right = self._sides()
        if np.isfinite(left).all() and np.isfinite(right).all():
            with warnings.catch_warnings():
                # Said once a training, below.
                warnings.filterwarnings("ignore", "All .* scores are one")
                report = self._compare(left, right)
            values = report.accuracy, report.auc, report.eer
            self._check_spread(left, right, report, epoch)
        else:
            values = (float("nan"),) * 3
            self._warn(
                "divergence",
                f"Embeddings of pairs are NaN or infinite in epoch {epoch + 1}"
                f", so that `{self.prefix}{METRICS[0]}` and its like are NaN. "
                "Training has diverged: start again with a smaller learning "
                "rate.",
            )
        for name, value in zip(METRICS, values, strict=True):
            logs[self.prefix + name] = value

    def measure(self) -> Any:
        """Embeds all pairs with the model as it is; returns the report."""
        return self._compare(*self._sides())

    def _sides(self) -> tuple[np.ndarray, np.ndarray]:
        left, right = self._embed(self.left), self._embed(self.right)
        for name, side in (("left", left), ("right", right)):
            if side.ndim != 2 or len(side) != len(self.same):
                raise ValueError(
                    f"`{name}` must give one embedding (d,) for each of the "
                    f"{len(self.same)} pairs. Received: embeddings of shape "
                    f"{side.shape}."
                )
        return left, right

    def _compare(self, left: np.ndarray, right: np.ndarray) -> Any:
        if self.folds is not None:
            # With scikit-learn, which takes a second to load.
            from keras_hypersphere.evaluation.lfw import lfw

            self.report = lfw(
                left,
                right,
                self.same,
                folds=self.folds,
                distance=self.distance,
            )
        else:
            self.report = verification_report(
                pair_scores(left, right, self.distance),
                self.same,
                larger_is_same(self.distance),
            )
        return self.report

    def _check_spread(
        self, left: np.ndarray, right: np.ndarray, report: Any, epoch: int
    ) -> None:
        apart = ~self.same
        cosines = sample.cosines(left[apart], right[apart])
        spread = float(np.sqrt(max(1.0 - cosines.mean(), 0.0)))
        if spread >= self.collapse:
            return
        curve = getattr(report, "curve", report)
        tied = ""
        if len(curve.thresholds) == 2:
            tied = (
                "All scores are one up to rounding and tell nothing: "
                f"`{self.prefix}auc` is 0.5, as for guessing. "
            )
        self._warn(
            "collapse",
            f"Collapse in epoch {epoch + 1}: in inference, embeddings of "
            "different pairs have nearly one direction (or are zero). Their "
            f"spread is {spread:.3g}, healthy is near 1. {tied}If the training "
            "itself looks well, see to layers that act otherwise in "
            "inference: the moving statistics of BatchNormalization need "
            "more steps, or a smaller `momentum`.",
        )

    def _warn(self, what: str, text: str) -> None:
        if what not in self.warned:
            self.warned.add(what)
            warnings.warn(text, stacklevel=3)

    def _embed(self, photos: Any) -> np.ndarray:
        photos = anatomy.images(photos, self.parts)
        found = self.parts.embedder.predict(
            photos, batch_size=self.batch_size, verbose=0
        )
        return np.asarray(found)
