"""Base of the heads that own class weights and apply a margin."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.constraints.unit_vectors import UnitVectors
from keras_hypersphere.initializers.resolve import resolve
from keras_hypersphere.layers import weights_at_hand
from keras_hypersphere.layers.head import Head, HeadStep
from keras_hypersphere.ops import columns, gradients, sphere
from keras_hypersphere.ops.projections import project
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing


class MarginHead(Head):
    """Base of the heads with class weights; subclass it for a new margin.

    It owns `kernel`, `(d, units)`, checks and routes labels, counts
    annealing steps and saves all of that. A subclass says two things:

    * `logits(x, classes=None)`: `(N, units)` logits without a margin;
    * `apply_margin(logits, x, labels, annealing_value, training, classes)`:
      those logits with the margin, in training with labels.

    `x` is `(N, d)` in float32 (float64 under such a policy). `labels` are
    `(N,)` int32; a negative one belongs to no class, and its row stays as it
    is. `annealing_value` is lambda, or None without an annealing. `classes`
    are `(K,)` int32: the columns at hand, `(N, K)` logits instead of all;
    None stands for all of them. `class_weights(classes)`, `target_mask(labels,
    classes)`, `cosines(x, classes, scale)`, `lengths(x)` and `anneal(plain,
    margin, annealing_value)` are there to help.

    Three methods more may be there: `build_state()` makes what training
    moves, by `add_state`; `update_state(x, labels, logits)` moves it, by
    `move_mean` or `assign`, once in each training call with labels, before
    the margin is applied; and
    `sample_losses(x, labels, logits, training)` gives a loss of the head's
    own, one value per sample, which is added. Their `logits` are None in
    `ChunkedClasses` and `SampledClasses`. A head whose own loss stands
    for the softmax cross-entropy sets `trains_itself = True`.

    Args:
        units: int, number of classes.
        annealing: `kh.schedules.LambdaAnnealing` or None. Defaults to None.
            Its step advances once in each training call with labels.
        gradient: `"exact"`; `"straight-through"`: the value with the margin
            and the slope of the plain logit; or `"caffe"`. Defaults to
            `"exact"`.
        margin_at_test: bool, whether labels bring the margin outside
            training too. Defaults to `False`.
        ignore_class: int or None: samples of this class get no margin and
            no loss, and move nothing. Defaults to None.
        kernel_initializer: Defaults to `"unit_sphere"`.
        kernel_regularizer: Defaults to None.

    Call arguments:
        inputs: `(N, d)` float tensor.
        labels: None, or `(N,)` or `(N, 1)` class indices.
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

    >>> class HalfCosine(kh.layers.MarginHead):
    ...     "The target's logit is halved: the simplest margin there is."
    ...     def logits(self, x, classes=None):
    ...         return keras.ops.matmul(x, self.class_weights(classes))
    ...     def apply_margin(self, logits, x, labels, annealing_value,
    ...                      training, classes=None):
    ...         target = self.target_mask(labels, classes)
    ...         return keras.ops.where(target, 0.5 * logits, logits)
    >>> head = HalfCosine(2, kernel_initializer="identity")
    >>> x = keras.ops.array([[3.0, 4.0]])
    >>> y = head(x, labels=keras.ops.array([1]), training=True)
    >>> keras.ops.convert_to_numpy(y).tolist()
    [[3.0, 2.0]]

    Reference:
        Large-Margin Softmax Loss for Convolutional Neural Networks (2016),
        https://arxiv.org/abs/1612.02295, the first of this family. The guide
        "Your own head" has heads with a running statistic, with norms and
        with a loss of their own.
    """

    # What `gradient` may be; a head without published Caffe has no "caffe".
    gradients: tuple[str, ...] = ("exact", "straight-through", "caffe")
    # Whether `gradient="caffe"` passes the kernel's normalization unchanged.
    unit_kernel = True
    # Whether `apply_margin` itself sees to `gradient="straight-through"`.
    passes_straight = False
    # Columns of the kernel for each class, next to each other.
    columns_per_class = 1

    def __init__(
        self,
        units: int,
        annealing: LambdaAnnealing | None = None,
        gradient: str = "exact",
        margin_at_test: bool = False,
        kernel_initializer: Any = "unit_sphere",
        kernel_regularizer: Any = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(units, **kwargs)
        if isinstance(annealing, dict):
            annealing = keras.saving.deserialize_keras_object(annealing)
        if annealing is not None and not isinstance(annealing, LambdaAnnealing):
            raise ValueError(
                "`annealing` must be a `kh.schedules.LambdaAnnealing` or None "
                f"(the full margin at once). Received: annealing={annealing!r}."
            )
        self.annealing = annealing
        self.gradient = arguments.choice("gradient", gradient, self.gradients)
        self.margin_at_test = arguments.flag("margin_at_test", margin_at_test)
        self.kernel_initializer = resolve(kernel_initializer)
        self.kernel_regularizer = keras.regularizers.get(kernel_regularizer)

    def build(self, inputs_shape, labels_shape=None) -> None:
        arguments.feature_vectors(inputs_shape)
        straight_through = self.gradient == "caffe" and self.unit_kernel
        count = self.units * self.columns_per_class
        self.kernel = self.add_weight(
            name="kernel",
            shape=(arguments.feature_size(inputs_shape), count),
            initializer=self.kernel_initializer,
            regularizer=self.kernel_regularizer,
            constraint=UnitVectors(axis=0, epsilon=0.0)
            if straight_through
            else None,
        )
        if self.annealing is not None:
            self.annealing_step = self.add_state(
                "annealing_step",
                dtype="int32",
                initializer=keras.initializers.Constant(self.annealing.start),
            )
        self.build_state()
        self.built = True

    def build_state(self) -> None:
        """Makes what training moves without a gradient, by `add_state`."""

    def update_state(self, x: Any, labels: Any, logits: Any) -> None:
        """Moves that state; called once a training call with labels."""

    def logits(self, x: Any, classes: Any = None) -> Any:
        """Logits without a margin, of some classes or of all."""
        raise NotImplementedError

    def apply_margin(
        self,
        logits: Any,
        x: Any,
        labels: Any,
        annealing_value: Any,
        training: bool | None,
        classes: Any = None,
    ) -> Any:
        """The logits with the margin."""
        raise NotImplementedError

    def margin_logits(
        self,
        x: Any,
        labels: Any,
        annealing_value: Any = None,
        training: bool | None = None,
        classes: Any = None,
    ) -> Any:
        """Logits with the margin, of some classes or of all."""
        plain = self.logits(x, classes)
        logits = self.apply_margin(
            plain, x, labels, annealing_value, training, classes
        )
        return self.with_slope(logits, plain)

    def with_slope(self, logits: Any, plain: Any) -> Any:
        """Logits with a margin, and the gradient that `gradient` asks for."""
        if self.gradient != "straight-through" or self.passes_straight:
            return logits
        return gradients.straight_through(logits, plain)

    def sample_losses(
        self, x: Any, labels: Any, logits: Any, training: bool | None
    ) -> Any:
        """(N,) losses of the head itself, from its logits; None without."""
        return None

    @property
    def has_margin(self) -> bool:
        return True

    @property
    def adds_loss(self) -> bool:
        """Whether a subclass has a loss of its own."""
        return type(self).sample_losses is not MarginHead.sample_losses

    def class_weights(self, classes: Any = None) -> Any:
        """(d, units) class weights as they are computed with, or (d, K)."""
        if classes is not None:
            handed = weights_at_hand.of(self)
            if handed is not None:
                return ops.cast(handed, self.upcast_dtype)
        kernel = ops.cast(self.kernel, self.upcast_dtype)
        return columns.of_classes(kernel, classes)

    def cosines(self, x: Any, classes: Any = None, scale: float = 1.0) -> Any:
        """(N, units) cosines times `scale`, or (N, K); 0 for zero vectors."""
        # The features are smaller than the cosines, so they are scaled.
        x = sphere.normalize(x)[0] * scale
        straight_through = self.gradient == "caffe"
        return project(
            x, self.class_weights(classes), straight_through=straight_through
        )

    def target_weights(self, x: Any, labels: Any) -> Any:
        """(N, d) weights of the target classes, as constants.

        Those of class 0 where a label belongs to no class.
        """
        return columns.own_weights(self.class_weights(), labels)

    def target_cosines(self, x: Any, labels: Any) -> Any:
        """(N, 1) cosines to the target classes, as constants.

        Whichever classes are at hand: a margin that compares with the target
        needs them in columns without the target too.
        """
        own, _ = sphere.normalize(self.target_weights(x, labels))
        unit, _ = sphere.normalize(ops.stop_gradient(x))
        return ops.sum(unit * own, axis=-1, keepdims=True)

    def lengths(self, x: Any) -> Any:
        """(N, 1) lengths of the features, with a finite gradient at zero."""
        return sphere.normalize(x)[1]

    def target_mask(self, labels: Any, classes: Any = None) -> Any:
        """(N, units) booleans, or (N, K): where a row's own class is."""
        return columns.mask(labels, self.units, classes)

    @staticmethod
    def anneal(plain: Any, margin: Any, annealing_value: Any) -> Any:
        """`(lambda * plain + margin) / (1 + lambda)`; None is 0."""
        if annealing_value is None:
            return margin
        # Shares first: the weighted sum itself may overflow.
        share = 1.0 / (1.0 + annealing_value)
        return plain * (annealing_value * share) + margin * share

    def without_labels(self, inputs: Any) -> Any:
        return self.logits(self.upcast(inputs))

    def step(self, inputs: Any, labels: Any, training: bool | None) -> HeadStep:
        x = self.upcast(inputs)
        plain = self.logits(x)
        logits = plain
        if training:
            self.update_state(x, labels, plain)
        if training or self.margin_at_test:
            value = self.next_annealing_value(training)
            logits = self.harder_logits(plain, x, labels, value, training)
        losses = self.sample_losses(x, labels, logits, training)
        return HeadStep(logits, plain, losses)

    def harder_logits(
        self,
        plain: Any,
        x: Any,
        labels: Any,
        annealing_value: Any,
        training: bool | None,
        classes: Any = None,
    ) -> Any:
        """`margin_logits` where the plain logits are at hand."""
        told = (x, labels, annealing_value, training, classes)
        if type(self).margin_logits is MarginHead.margin_logits:
            logits = self.apply_margin(plain, *told)
        else:
            # Who says it all in one method pays a product more.
            logits = self.margin_logits(*told)
        return self.with_slope(logits, plain)

    def annealing_now(self, training: bool | None = None) -> Any:
        """Lambda of the last training step, float32; before any, the first's.

        With `training`, of the step that is being made.
        """
        schedule: Any = self.annealing
        step = ops.convert_to_tensor(self.annealing_step)
        step = step - schedule.start
        if training:
            step = step + 1
        # The step of the batches that are accumulated is one.
        update = (step + self.batches_per_update - 1) // self.batches_per_update
        update = ops.maximum(update, 1) + schedule.start
        return ops.cast(schedule(update), self.upcast_dtype)

    def next_annealing_value(self, training: bool | None) -> Any:
        """Lambda of this step, or None; in training, the step is counted."""
        if self.annealing is None:
            return None
        value = self.annealing_now(training)
        if training:
            self.annealing_step.assign_add(1)
        return value

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "annealing": keras.saving.serialize_keras_object(self.annealing),
            "gradient": self.gradient,
            "margin_at_test": self.margin_at_test,
            "kernel_initializer": keras.initializers.serialize(
                self.kernel_initializer
            ),
            "kernel_regularizer": keras.regularizers.serialize(
                self.kernel_regularizer
            ),
        }
