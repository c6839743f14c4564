"""Center loss: pulls features to the centers of their classes."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.backend import replicas
from keras_hypersphere.layers.head import Head, HeadStep
from keras_hypersphere.ops import centers, gradients
from keras_hypersphere.ops import labels as class_labels


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class CenterLoss(Head):
    """Returns its inputs and adds the center loss.

    `L = loss_weight / (2 N) * sum_i |x_i - c_{y_i}|^2`. In training, the
    centers follow their samples: `c_j <- c_j - rate * sum_i (c_j - x_i) /
    (1 + n_j)` over the `n_j` samples of class `j` in the whole batch.

    Put it between a backbone and a softmax head, for example
    `[CenterLoss(classes), keras.layers.Dense(classes)]`.

    Args:
        units: int, number of classes.
        rate: float >= 0, how fast centers move with `gradient="exact"`.
            Defaults to `0.5`, the paper's.
        loss_weight: float >= 0. Defaults to `0.008`, that of the published
            face model.
        gradient: `"exact"`: centers are state, moved by `rate` in training;
            or `"caffe"`: they are trained by the optimizer, with the
            gradient `sum_i (c_j - x_i) / (1 + n_j)` whatever `loss_weight`
            is, and `rate` is not used. Defaults to `"exact"`.
        ignore_class: int or None: samples of this class have no loss and
            move no center. Defaults to None.
        center_initializer: Defaults to `"zeros"`.

    Call arguments:
        inputs: `(N, d)` float tensor.
        labels: None, or `(N,)` or `(N, 1)` class indices: integers, or
            floats that are whole. Without labels nothing is added.
        training: bool, whether centers move with `gradient="exact"`.

    Input shape:
        `(N, d)`

    Output shape:
        `(N, d)`, the inputs as they are.

    dtype: that of the inputs; the loss and moving centers are float32 under
    every policy but float64.

    Raises:
        ValueError: if an argument is not one of those above, or if labels
            are one-hot, fractional or out of range.

    Example:

    >>> layer = kh.layers.CenterLoss(2, loss_weight=1.0)
    >>> x = keras.ops.array([[1.0, 0.0], [0.0, 2.0]])
    >>> y = layer(x, labels=keras.ops.array([0, 1]), training=True)
    >>> float(layer.losses[0])
    1.25
    >>> keras.ops.convert_to_numpy(layer.centers).tolist()
    [[0.25, 0.0], [0.0, 0.5]]

    Reference:
        A Discriminative Feature Learning Approach for Deep Face Recognition
        (2016), https://doi.org/10.1007/978-3-319-46478-7_31, where the
        weight is 0.003. Its Caffe has no `rate`: centers go through the
        solver, with its learning rate, momentum and weight decay.
    """

    gives_logits = False
    adds_loss = True

    def __init__(
        self,
        units: int,
        rate: float = 0.5,
        loss_weight: float = 0.008,
        gradient: str = "exact",
        ignore_class: int | None = None,
        center_initializer: Any = "zeros",
        **kwargs: Any,
    ) -> None:
        super().__init__(units, ignore_class=ignore_class, **kwargs)
        self.rate = arguments.number("rate", rate, minimum=0.0)
        self.loss_weight = arguments.number(
            "loss_weight", loss_weight, minimum=0.0
        )
        self.gradient = arguments.choice(
            "gradient", gradient, ("exact", "caffe")
        )
        self.center_initializer = keras.initializers.get(center_initializer)

    def build(self, inputs_shape, labels_shape=None) -> None:
        arguments.feature_vectors(inputs_shape)
        shape = (self.units, arguments.feature_size(inputs_shape))
        if self.gradient == "caffe":
            self.centers = self.add_weight(
                name="centers", shape=shape, initializer=self.center_initializer
            )
        else:
            # A half-precision center would stand still near its class.
            self.centers = self.add_state(
                "centers", shape, initializer=self.center_initializer
            )
        self.built = True

    def without_labels(self, inputs: Any) -> Any:
        return inputs

    def step(self, inputs: Any, labels: Any, training: bool | None) -> HeadStep:
        x = self.upcast(inputs)
        all_centers = ops.cast(self.centers, self.upcast_dtype)
        own = centers.own_centers(all_centers, labels)
        losses = self.loss_weight * centers.losses(x, ops.stop_gradient(own))
        if self.gradient == "caffe":
            # The mean over samples is divided out: the step is a sum.
            kept = ops.cast(class_labels.kept(labels), self.upcast_dtype)
            samples = replicas.global_batch_size(ops.sum(kept))
            pull = ops.sum(centers.steps(x, own, labels) * own, axis=-1)
            pull = pull * ops.cast(samples, self.upcast_dtype)
            losses = gradients.straight_through(losses, losses + pull)
        elif training:
            steps = centers.steps(x, own, labels)
            self.centers.assign(
                centers.moved(all_centers, steps, labels, self.rate)
            )
        return HeadStep(inputs, inputs, losses)

    def compute_output_shape(self, inputs_shape, labels_shape=None) -> Any:
        return inputs_shape

    def compute_output_spec(self, inputs, labels=None, training=None) -> Any:
        if labels is not None:
            class_labels.check_shape(tuple(labels.shape), inputs.shape[0])
        return keras.KerasTensor(inputs.shape, dtype=inputs.dtype)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "rate": self.rate,
            "loss_weight": self.loss_weight,
            "gradient": self.gradient,
            "center_initializer": keras.initializers.serialize(
                self.center_initializer
            ),
        }
