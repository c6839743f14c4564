"""The private names of Keras that are used, where no public way exists.

Checked on Keras 3.12.0, 3.13.2, 3.15.1 and 3.16 (nightly). No other file of
the package names one; a test looks.
"""

import functools
import inspect
import weakref
from collections.abc import Callable
from typing import Any

import keras
from keras.src.models.functional import Functional
from keras.src.random.seed_generator import global_seed_generator

from keras_hypersphere.backend import replicas


class ReplicaLosses(keras.layers.Layer):
    """Keeps what `add_loss` has taken apart, replica by replica.

    Replicas take turns on one layer object: when the second has gone on, the
    first one's loss is still in its list. So each loss carries the number of
    its replica, and only that replica finds it.
    """

    def add_replica_loss(self, loss: Any) -> None:
        """Adds a scalar loss of this replica."""
        if replicas.replica_count() > 1:
            loss._replica = replicas.replica_index()
        self.add_loss(loss)
        # On JAX Keras knows losses by `id`. One that outlives its loss may
        # come back as another layer's, and that one's loss would be dropped.
        if id(loss) in self._loss_ids:
            forget = weakref.finalize(loss, self._loss_ids.discard, id(loss))
            forget.atexit = False

    def _get_own_losses(self) -> list[Any]:
        here = replicas.replica_index()
        return [
            loss
            for loss in super()._get_own_losses()
            if getattr(loss, "_replica", here) == here
        ]


class WholeBatchClipping(keras.Optimizer):
    """Clips the gradient of the whole batch, also under several replicas.

    Keras clips what each replica has, and adds the parts up afterwards: norms
    of parts, which are others, and whose sum may be larger than the limit.
    """

    def _clip_gradients(self, grads: list[Any]) -> list[Any]:
        count = replicas.replica_count()
        clips = (self.clipnorm, self.global_clipnorm, self.clipvalue)
        if count == 1 or not any(clips):
            return super()._clip_gradients(grads)
        sums = [
            g if g is None else replicas.sum_over_replicas(g) for g in grads
        ]
        # Keras adds up the replicas next, which are equal now.
        return [
            g if g is None else g / count for g in super()._clip_gradients(sums)
        ]


def functional_constructor(init: Callable[..., None]) -> Callable[..., None]:
    """A constructor `(self, inputs, outputs, name=None, **kwargs)`.

    Keras saves and copies a subclass as the functional model that it is if the
    names of the arguments are the same; those of Keras 3.12 are hidden.
    """
    if inspect.getfullargspec(Functional.__init__).args:
        return init

    @functools.wraps(init)
    def hidden(*args: Any, **kwargs: Any) -> None:
        init(*args, **kwargs)

    return hidden


def variable_index(optimizer: keras.Optimizer, variable: Any) -> int:
    """Which of the variables it was built with an optimizer updates."""
    return optimizer._get_variable_index(variable)


def producer(tensor: keras.KerasTensor) -> keras.Operation:
    """The layer or function that made a symbolic tensor."""
    return tensor._keras_history.operation


def is_read(operation: keras.Operation) -> bool:
    """Whether anything takes the outputs of an operation."""
    return bool(operation._outbound_nodes)


def first_output(operation: keras.Operation) -> keras.KerasTensor:
    """What the first call of an operation made."""
    return operation._inbound_nodes[0].outputs[0]


def global_seed_variable() -> keras.Variable:
    """The state of the random numbers that have no generator of their own."""
    return global_seed_generator().state


def begin_at_epoch(model: keras.Model, epoch: int) -> None:
    """Lets the `fit` that is about to begin start at an epoch."""
    model._initial_epoch = epoch
