"""Sub-center ArcFace: several centers for each class."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.layers.arc_face import ArcFace
from keras_hypersphere.ops import sphere
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class SubCenterArcFace(ArcFace):
    """`ArcFace` with several centers for each class, of which one must win.

    `f_j = scale * max_k cos(theta_jk)`, with theta_jk the angle between x and
    sub-center k of class j, in training and outside of it. In training with
    labels, the target class y gets ArcFace's margin on its largest cosine.
    Wrong or unusual photos of a class gather at a sub-center of their own,
    and do not pull at the others.

    The kernel is `(d, units * subcenters)`; columns `j * subcenters` to
    `(j + 1) * subcenters - 1` are those of class j. Follow the head with a
    softmax cross-entropy from logits.

    Args:
        units: int, number of classes.
        subcenters: int >= 1, for each class. Defaults to `3`; 1 is ArcFace.
        margin: float in [0, pi), in radians. Defaults to `0.5`.
        scale: float > 0, multiplies all logits. Defaults to `64.0`.
        easy_margin: bool, whether only angles below pi/2 get the margin; all
            others keep their cosine. Defaults to `False`.
        annealing: `kh.schedules.LambdaAnnealing`, whose value weighs the
            plain logits against those with the margin: `(lambda * plain +
            margin) / (1 + lambda)`; or None for the full margin at once.
            Defaults to None.
        gradient: `"exact"`, the derivative of the above, or
            `"straight-through"`: the value as above, the slope of the
            plain logits. Defaults to `"exact"`.
        margin_at_test: bool, whether labels bring the margin outside
            training too. Defaults to `False`.
        ignore_class: int or None: samples of this class get no margin, and
            count in no loss of `kh.models.MarginModel`. Defaults to None.
        kernel_initializer: Defaults to `"unit_sphere"`.
        kernel_regularizer: Defaults to None.

    Call arguments:
        inputs: `(N, d)` float tensor.
        labels: None, or `(N,)` or `(N, 1)` class indices: integers, or
            floats that are whole.
        training: bool.

    Input shape:
        `(N, d)`

    Output shape:
        `(N, units)`

    dtype: float32 under every policy but float64, whose outputs are float64.

    Raises:
        ValueError: if an argument is not one of those above, or if labels
            are one-hot, fractional or out of range.

    Example:

    >>> head = kh.layers.SubCenterArcFace(2, subcenters=2, scale=1.0)
    >>> head.build((None, 2))
    >>> head.set_weights([np.float32([[1, 0, -1, 0], [0, 1, 0, -1]])])
    >>> x = keras.ops.array([[3.0, 4.0]])
    >>> [round(float(v), 4) for v in head(x)[0]]
    [0.8, -0.6]
    >>> [int(k) for k in head.nearest(x, keras.ops.array([0]))]
    [1]

    Reference:
        Sub-center ArcFace: Boosting Face Recognition by Large-scale Noisy Web
        Faces (2020), https://doi.org/10.1007/978-3-030-58621-8_43. The
        authors then drop centers that are not the dominant ones, and photos
        that are more than 75 degrees away, and train again with one center:
        `nearest` says which center a sample has.
    """

    gradients = ("exact", "straight-through")

    def __init__(
        self,
        units: int,
        subcenters: int = 3,
        margin: float = 0.5,
        scale: float = 64.0,
        easy_margin: bool = False,
        annealing: LambdaAnnealing | None = None,
        gradient: str = "exact",
        margin_at_test: bool = False,
        ignore_class: int | None = None,
        kernel_initializer: Any = "unit_sphere",
        kernel_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(
            units,
            margin=margin,
            scale=scale,
            easy_margin=easy_margin,
            annealing=annealing,
            gradient=gradient,
            margin_at_test=margin_at_test,
            ignore_class=ignore_class,
            kernel_initializer=kernel_initializer,
            kernel_regularizer=kernel_regularizer,
            **kwargs,
        )
        self.subcenters = arguments.positive_integer("subcenters", subcenters)
        self.columns_per_class = self.subcenters

    def logits(self, x: Any, classes: Any = None) -> Any:
        cosines = self.cosines(x, classes, self.scale)
        count = cosines.shape[-1] // self.subcenters
        cosines = ops.reshape(cosines, (-1, count, self.subcenters))
        return ops.max(cosines, axis=-1)

    def class_weights(self, classes: Any = None) -> Any:
        """(d, units * subcenters), or of some classes; centers in a row."""
        if classes is not None:
            each = ops.arange(self.subcenters, dtype="int32")
            classes = ops.reshape(classes, (-1, 1)) * self.subcenters + each
            classes = ops.reshape(classes, (-1,))
        return super().class_weights(classes)

    def nearest(self, x: Any, labels: Any) -> Any:
        """(N,) which sub-center of its class is nearest to each sample."""
        return ops.argmax(self._own_cosines(x, labels)[1], axis=-1)

    def target_weights(self, x: Any, labels: Any) -> Any:
        own, cosines = self._own_cosines(x, labels)
        best = ops.one_hot(
            ops.argmax(cosines, axis=-1), self.subcenters, dtype=own.dtype
        )
        return ops.sum(own * ops.expand_dims(best, -1), axis=1)

    def _own_cosines(self, x: Any, labels: Any) -> tuple[Any, Any]:
        """(N, subcenters, d) centers of the targets, and (N, subcenters)."""
        x = ops.stop_gradient(ops.cast(x, self.upcast_dtype))
        labels = ops.clip(ops.cast(labels, "int32"), 0, self.units - 1)
        kernel = ops.stop_gradient(self.class_weights())
        centers = ops.reshape(kernel, (-1, self.units, self.subcenters))
        own = ops.transpose(ops.take(centers, labels, axis=1), (1, 2, 0))
        unit, _ = sphere.normalize(own)
        directions, _ = sphere.normalize(x)
        return own, ops.sum(unit * ops.expand_dims(directions, 1), axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "subcenters": self.subcenters}
