"""Verification of pairs after every epoch of `fit`."""

import warnings
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from keras_hypersphere import arguments
from keras_hypersphere.callbacks import sample
from keras_hypersphere.callbacks.measurement import Measurement
from keras_hypersphere.callbacks.pair_sides import pair_sides
from keras_hypersphere.evaluation import input_checks
from keras_hypersphere.evaluation.folds import (
    fold_of_pair,
    require_trainable,
)
from keras_hypersphere.evaluation.roc import verification_report
from keras_hypersphere.evaluation.scores import larger_is_same, pair_scores

METRICS = ("accuracy", "auc", "eer")


class VerificationCallback(Measurement):
    """Logs how well embeddings tell same from different pairs.

    At the end of an epoch both photos of each pair are embedded; the logs
    get `val_verification_accuracy`, `val_verification_auc`,
    `val_verification_eer`, and the true accept rate at each false accept rate
    of `far`, `val_verification_tar_at_far_0.01` for example. Put it before
    the callbacks that read them, and tell those the direction, which Keras
    cannot guess.

    Pairs are `left` and `right`, or `pairs` among `images`: then each photo
    is embedded once, however many pairs it is in.

    The embeddings are `predict` of a `MarginModel`, of the `.backbone` of a
    `with_head`, of what comes before the one head of another functional
    model, and otherwise of the model itself.

    Args:
        left: what the backbone takes: the first photo of each pair, or a
            data set of batches of them, in a fixed order. Defaults to None,
            for `images` and `pairs`.
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
        far: float or floats in [0, 1): false accept rates, whose true accept
            rates are logged. A rate of 1/1000 takes 1000 different pairs to
            mean anything. Defaults to `(0.01, 0.001)`; `()` logs none.
        images: photos, or a data set of batches of them, in a fixed order.
            Defaults to None, for `left` and `right`.
        pairs: `(n, 2)` indices of photos in `images`. Defaults to None.

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
        left: Any = None,
        right: Any = None,
        same: ArrayLike = (),
        every: int = 1,
        batch_size: int = 32,
        distance: str = "cosine",
        folds: int | ArrayLike | None = None,
        prefix: str = "val_verification_",
        collapse: float = 0.1,
        far: float | Sequence[float] = (0.01, 0.001),
        images: Any = None,
        pairs: ArrayLike | None = None,
    ) -> None:
        super().__init__(every, batch_size, prefix)
        self.same = input_checks.as_flags(same, "same", np.size(same))
        input_checks.require_both_kinds(self.same, "`same`")
        self.sides = pair_sides(left, right, images, pairs, len(self.same))
        input_checks.require_distance(distance)
        self.distance = distance
        if folds is not None:
            fold, count = fold_of_pair(folds, len(self.same))
            require_trainable(fold, count, self.same)
        self.folds = folds
        self.far = far_names(far)
        self.collapse = arguments.number("collapse", collapse, minimum=0.0)

    def measured(self, epoch: int) -> dict[str, float]:
        left, right = self.sides.embeddings(self.embed)
        if not (np.isfinite(left).all() and np.isfinite(right).all()):
            self.warn_of_divergence("pairs", METRICS[0], epoch)
            return dict.fromkeys([*METRICS, *self.far], float("nan"))
        with warnings.catch_warnings():
            # Said once a training, below.
            warnings.filterwarnings("ignore", "All .* scores are one")
            report = self._compare(left, right)
        self._check_spread(left, right, report, epoch)
        return {
            **{name: getattr(report, name) for name in METRICS},
            **{name: report.tar_at(far) for name, far in self.far.items()},
        }

    def measure(self) -> Any:
        """Embeds all pairs with the model as it is; returns the report."""
        return self._compare(*self.sides.embeddings(self.embed))

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
        self.warn(
            "collapse",
            f"Collapse in epoch {epoch + 1}: in inference, embeddings of "
            "different pairs have nearly one direction (or are zero). Their "
            f"spread is {spread:.3g}, healthy is near 1. {tied}If the training "
            "itself looks well, see to layers that act otherwise in "
            "inference: the moving statistics of BatchNormalization need "
            "more steps, or a smaller `momentum`.",
        )


def far_names(far: float | Sequence[float]) -> dict[str, float]:
    """Names of true accept rates in the logs, and their false ones."""
    rates = [
        input_checks.as_number(rate, "far", 0.0) for rate in np.atleast_1d(far)
    ]
    for rate in rates:
        if rate >= 1:
            raise ValueError(
                f"`far` must be rates from 0 to less than 1. Received: "
                f"far={far!r}; 1 % is 0.01."
            )
    return {f"tar_at_far_{rate:g}": rate for rate in rates}
