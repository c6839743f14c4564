"""Softmax cross-entropy over a drawn part of the classes: PartialFC."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.backend import replicas
from keras_hypersphere.layers import weights_at_hand
from keras_hypersphere.layers.chunked_classes import ChunkedClasses
from keras_hypersphere.layers.margin_head import MarginHead
from keras_hypersphere.ops import class_draw, columns
from keras_hypersphere.ops.log_sums import log_sum_exp


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class SampledClasses(ChunkedClasses):
    """Trains a margin head on some of its classes in each step.

    A step draws `S`: all classes of the batch (of all replicas), and others
    at random, `int(rate * units)` together; if the batch alone has more, its
    classes. The loss is `mean_i(log(sum_{j in S} exp(f_ij)) - f_iy)` with the
    head's logits f and its margin. A step costs as much as with `rate *
    units` classes, but for what the optimizer does to the whole kernel.

    The sum lacks classes, so this loss is smaller than that of all classes.
    With `correction`, the terms of classes that are not in the batch are
    divided by the probability that they are drawn: the sum's expected value
    is then the sum over all classes.

    Outside of training, the loss is over all classes, in chunks as in
    `kh.layers.ChunkedClasses`. In training, `accuracy` is that among the
    classes drawn. A class that is not drawn has a gradient of zero; an
    optimizer's momentum and weight decay move it nevertheless.

    The seed is a weight: it is saved with the model, and moves in each
    training step.

    Args:
        head: a `kh.layers.MarginHead` whose loss is the softmax
            cross-entropy; others are refused.
        rate: float in (0, 1], the part of the classes to draw. Defaults to
            `0.1`; 1 is the exact softmax.
        correction: bool, see above. Defaults to `False`, as published.
        seed: int or None, of the draws. Defaults to None, another in each
            process.

    Call arguments:
        inputs: `(N, d)` float tensor.
        labels: None, or `(N,)` or `(N, 1)` class indices. With labels the
            loss is added.
        training: bool.

    Input shape:
        `(N, d)`

    Output shape:
        `(N, units)` plain logits without labels; with labels `(N,)`, the
        class of the largest plain logit, in training among those drawn.

    dtype: that of the head: float32 under every policy but float64. Classes
    are int32.

    Raises:
        ValueError: if an argument is not one of those above, or if labels
            are one-hot, fractional or out of range.

    Example:

    >>> head = kh.layers.AMSoftmax(1000)
    >>> layer = kh.layers.SampledClasses(head, rate=0.1, seed=1)
    >>> x, y = np.random.rand(8, 16).astype("float32"), np.arange(8)
    >>> predicted = layer(x, labels=y, training=True)
    >>> len(layer.losses)
    1

    Reference:
        Killing Two Birds with One Stone: Efficient and Robust Training of
        Face Recognition CNNs by Partial FC (2022),
        https://arxiv.org/abs/2203.15565. There a class belongs to one of
        several devices, each of which draws its own; there is no correction.
        The authors' text says that only drawn classes are updated: by
        momentum and weight decay, their second version moves all, as here.
    """

    def __init__(
        self,
        head: MarginHead,
        rate: float = 0.1,
        correction: bool = False,
        seed: int | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(head, **kwargs)
        self.rate = arguments.rate("rate", rate)
        self.correction = arguments.flag("correction", correction)
        self.seed = None if seed is None else arguments.integer("seed", seed)

    def build_state(self) -> None:
        # As a weight it is saved, which a generator is not.
        self.seed_state = keras.random.SeedGenerator(self.seed).state

    def draw(self, labels: Any) -> class_draw.Draw:
        """The classes of this step, the same whenever they are asked for."""
        everyone, _ = replicas.gather_over_replicas(labels)
        count = max(int(self.rate * self.units), 1)
        seed = ops.convert_to_tensor(self.seed_state)
        return class_draw.draw(everyone, self.units, count, seed)

    def cross_entropy(
        self, x: Any, labels: Any, annealing_value: Any, training: bool | None
    ) -> tuple[Any, Any]:
        if not training:
            return super().cross_entropy(x, labels, annealing_value, training)
        step = ops.convert_to_tensor([0, 1], dtype=self.seed_state.dtype)
        self.seed_state.assign(ops.add(self.seed_state, step))
        drawn = self.draw(labels)
        head = self.head
        # Once, whatever the head does with them.
        weights = head.class_weights(drawn.classes)
        with weights_at_hand.lend(head, weights):
            plain = head.logits(x, drawn.classes)
            logits = head.harder_logits(
                plain, x, labels, annealing_value, training, drawn.classes
            )
        own = columns.mask(labels, self.units, drawn.classes)
        target = columns.gather(logits, own)[:, 0]
        real = drawn.real
        if real is None:
            real = ops.ones_like(drawn.given)
        if self.correction:
            odds = ops.cast(drawn.log_odds, logits.dtype)
            logits = logits + ops.where(drawn.given, 0.0, odds)
        losses = log_sum_exp(logits, ops.expand_dims(real, 0)) - target
        plain = ops.where(real, plain, ops.full_like(plain, -float("inf")))
        best = ops.argmax(ops.stop_gradient(plain), axis=1)
        return losses, ops.take(drawn.classes, best, axis=0)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        del config["chunk"]
        return {
            **config,
            "rate": self.rate,
            "correction": self.correction,
            "seed": self.seed,
        }
