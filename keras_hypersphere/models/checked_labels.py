"""Labels on their way to `fit`, looked at where they can still be seen.

Inside of a compiled step nobody can raise: data is checked before.
"""

import contextlib
import types
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_hypersphere.backend import datasets
from keras_hypersphere.ops import labels as class_labels

# y -> None, or an error.
Check = Callable[[Any], None]


def require_labels(y: Any) -> None:
    """Refuses a batch without labels, or of one-hot ones."""
    if y is None:
        raise ValueError(
            "`y` must hold the class indices of the batch. Received: "
            "y=None. Call fit(x, y), or give a data set of (x, y)."
        )
    class_labels.check_shape(tuple(y.shape), None)


def check(y: Any, units: int, ignore_class: int | None) -> None:
    """Refuses labels of any kind that can be seen."""
    if y is None:
        require_labels(y)
    if not hasattr(y, "shape") or hasattr(y, "to_numpy"):
        y = np.asarray(y)
    y = class_labels.numbers(y)
    class_labels.check_shape(tuple(y.shape), None)
    class_labels.check_values(y, units, ignore_class)


def checked(x: Any, y: Any, look: Check) -> Any:
    """The data `x` of `fit`, whose labels are looked at as they come."""
    if y is not None:
        look(y)
        return x
    if isinstance(x, keras.utils.PyDataset):
        return CheckedDataset(x, look)
    if isinstance(x, types.GeneratorType):
        return checked_batches(x, look)
    if datasets.is_tensorflow_dataset(x):
        return datasets.with_check(x, look)
    if not hasattr(x, "__iter__") or hasattr(x, "shape"):
        look(y)
    if keras.backend.backend() != "torch" and hasattr(x, "batch_sampler"):
        # A data loader of PyTorch is asked for one batch, its first.
        look_at(next(iter(x)), look)
    return x


def look_at(batch: Any, look: Check) -> None:
    """Looks at the labels of a batch, whatever Keras takes for one."""
    look(keras.utils.unpack_x_y_sample_weight(batch)[1])


def checked_batches(batches: Iterator[Any], look: Check) -> Iterator[Any]:
    """The batches of a generator."""
    for batch in batches:
        look_at(batch, look)
        yield batch


class CheckedDataset(keras.utils.PyDataset):
    """Another data set, whose batches are looked at."""

    def __init__(self, dataset: keras.utils.PyDataset, look: Check) -> None:
        super().__init__(
            workers=dataset.workers,
            use_multiprocessing=dataset.use_multiprocessing,
            max_queue_size=dataset.max_queue_size,
        )
        self.dataset, self.look = dataset, look

    def __getitem__(self, index: int) -> Any:
        batch = self.dataset[index]
        look_at(batch, self.look)
        return batch

    @property
    def num_batches(self) -> int | None:
        return self.dataset.num_batches

    def on_epoch_begin(self) -> None:
        self.dataset.on_epoch_begin()

    def on_epoch_end(self) -> None:
        self.dataset.on_epoch_end()


@contextlib.contextmanager
def weights_kept(model: keras.Model) -> Iterator[None]:
    """An error within an epoch leaves the model as the last step left it.

    On JAX a step takes the weights out of the model, and Keras brings them
    back at the end of an epoch, or not at all.
    """
    if keras.backend.backend() != "jax":
        yield
        return
    # No copies: the first step gives their memory to what replaces them.
    held = {id(v): v.value for v in [*model.variables, *_trained_with(model)]}
    try:
        yield
    except BaseException:
        model.jax_state_sync()
        weights = {id(variable) for variable in model.variables}
        for variable in [*model.variables, *_trained_with(model)]:
            try:
                variable.numpy()
            except TypeError:
                # Before the first step nothing has used up what it was. What
                # was made for this training, and is no weight, begins at zero.
                before = held.get(id(variable))
                if before is None and id(variable) not in weights:
                    before = ops.zeros(variable.shape, variable.dtype)
                if before is not None:
                    variable.assign(before)
        raise


def _trained_with(model: keras.Model) -> list[keras.Variable]:
    """What `fit` keeps next to the weights."""
    optimizer = getattr(model, "optimizer", None)
    return [
        *model.metrics_variables,
        *(optimizer.variables if optimizer else ()),
    ]


class CheckedLabels(keras.Model):
    """A model whose `fit` and `evaluate` look at all labels that come.

    A subclass says `units`, `ignore_class` and what it watches.
    """

    units: int | None = None
    ignore_class: int | None = None
    watch: Any = None

    def watch_embeddings(self, on: bool) -> None:
        """Begins to measure embeddings, or stops it."""
        raise NotImplementedError

    def fit(
        self,
        x: Any = None,
        y: Any = None,
        *args: Any,
        validation_data: Any = None,
        **kwargs: Any,
    ) -> Any:
        """As `keras.Model.fit`; an error ends the watch that it began."""
        before = self.watch.on
        if isinstance(validation_data, list | tuple):
            self._look(validation_data[1])
        elif validation_data is not None:
            validation_data = checked(validation_data, None, self._look)
        if validation_data is not None:
            kwargs["validation_data"] = validation_data
        try:
            with datasets.errors_of_checks(), weights_kept(self):
                x = checked(x, y, self._look)
                return super().fit(x, y, *args, **kwargs)
        finally:
            self.watch_embeddings(before)

    def evaluate(
        self, x: Any = None, y: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """As `keras.Model.evaluate`."""
        with datasets.errors_of_checks(), weights_kept(self):
            x = checked(x, y, self._look)
            return super().evaluate(x, y, *args, **kwargs)

    def train_on_batch(
        self, x: Any, y: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """As `keras.Model.train_on_batch`."""
        self._look(y)
        return super().train_on_batch(x, y, *args, **kwargs)

    def test_on_batch(
        self, x: Any, y: Any = None, *args: Any, **kwargs: Any
    ) -> Any:
        """As `keras.Model.test_on_batch`."""
        self._look(y)
        return super().test_on_batch(x, y, *args, **kwargs)

    def _look(self, y: Any) -> None:
        units = 2**31 if self.units is None else self.units
        check(y, units, self.ignore_class)
