"""A training that was killed goes on as if it had not been."""

import os
import sys
import warnings
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import keras

from keras_hypersphere.backend.keras_internals import (
    begin_at_epoch,
    global_seed_variable,
)
from keras_hypersphere.backend.processes import is_first_process
from keras_hypersphere.backend.torch_random import (
    set_torch_states,
    torch_states,
)
from keras_hypersphere.callbacks.training_state import (
    TrainingState,
    random_states,
    set_random_states,
    with_keys,
)

FILE = "training-state.npz"


class ExactResume(keras.callbacks.Callback):
    """Saves a training so that it goes on exactly, after any interruption.

    A process that is killed, also while it saves, and started again with the
    same folder ends with the weights of an unbroken run: bit for bit where the
    backend computes the same twice. Kept are all variables of the model (batch
    statistics, centers, λ, seed generators), of the optimizer (momentum,
    learning rate, EMA) and of the metrics, the global random numbers of Python,
    NumPy, Keras and PyTorch, the epoch and the batch.

    Weights that are NaN or infinite do not replace a state: it warns, and keeps
    the last one that was finite.

    Put it last in `callbacks`. Within an epoch the batches that were trained on
    are read again and not trained on, so batches must be a function of epoch
    and place: `BalancedBatches` with its `follow()`, a `PyDataset` with
    `shuffle=False`, a `tf.data` pipeline with seeds. `fit(shuffle=True)` on
    arrays draws another order in another process.

    With `keras.distribution` on JAX the state is restored on any number of
    devices and processes. Weights that are sharded are never gathered: Orbax
    writes their parts into a folder beside the file (`pip install
    orbax-checkpoint`). Several processes need a folder that all of them see.

    Args:
        folder: str or path, where the state is kept, in one file that is
            replaced as a whole, and a folder for what is sharded. Made if it
            is not there.
        save_freq: `"epoch"`, or int, batches after which the state is saved
            too. Default: `"epoch"`.
        also: sequence of callbacks whose state is kept: `EarlyStopping`,
            `ReduceLROnPlateau`, `ModelCheckpoint`. Of each, attributes that are
            numbers, texts, arrays, and lists and dicts of these.

    Raises:
        ValueError: In `fit`, if the folder holds the training of another
            model or optimizer, or a damaged file.
        ImportError: In `fit`, if weights are sharded, and Orbax is missing.

    Example:

    >>> import tempfile
    >>> def train(epochs, folder):
    ...     keras.utils.set_random_seed(0)
    ...     model = keras.Sequential([keras.Input((4,)), keras.layers.Dense(1)])
    ...     model.compile("adam", "mse")
    ...     resume = kh.callbacks.ExactResume(folder)
    ...     history = model.fit(np.ones((8, 4)), np.ones(8), epochs=epochs,
    ...                         shuffle=False, callbacks=[resume], verbose=0)
    ...     return history.epoch
    >>> folder = tempfile.mkdtemp()
    >>> train(2, folder)
    [0, 1]
    >>> train(3, folder)
    [2]

    The same program, started again, goes on. When all epochs are done, it
    trains no further, and says so; remove the folder to begin anew.

    Reference:
        `keras.callbacks.BackupAndRestore`, which restores weights and epoch,
        and writes its file in place.
    """

    def __init__(
        self,
        folder: "str | os.PathLike",
        save_freq: "str | int" = "epoch",
        also: Sequence[keras.callbacks.Callback] = (),
    ) -> None:
        super().__init__()
        whole = isinstance(save_freq, int) and not isinstance(save_freq, bool)
        if save_freq != "epoch" and not (whole and int(save_freq) > 0):
            raise ValueError(
                "`save_freq` must be 'epoch' or a number of batches, 1 or "
                f"more. Received: save_freq={save_freq!r}"
            )
        self.path = Path(folder) / FILE
        self.save_freq = save_freq
        self.also = list(also)
        self.epoch = 0
        self._restored: TrainingState | None = None
        self._random: dict[str, Any] = {}
        self._skipping = 0
        self._train: Callable | None = None
        self._late: dict[tuple[str, int], Any] = {}
        self._torch: list[Any] = []

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self._restored = None
        self.path.parent.mkdir(parents=True, exist_ok=True)
        if not self.path.exists():
            return
        state = TrainingState.read(self.path)
        optimizer = self.model.optimizer
        if not optimizer.built:
            optimizer.build(self.model.trainable_variables)
        try:
            state.put("model", self.model_variables())
            state.put("optimizer", optimizer.variables)
            state.put("seed", [global_seed_variable()])
            for index, callback in enumerate(self.also):
                vars(callback).update(state.values(f"callback {index}"))
        except (ValueError, KeyError) as error:
            raise ValueError(
                f"'{self.path}' is the training of another model: {error}. "
                "Make the model as it was, or remove the file to begin anew."
            ) from error
        set_random_states(state.values("random"))
        self._restored = state
        epoch, batch = state.about["epoch"], state.about["batch"]
        begin_at_epoch(self.model, epoch)
        epochs = (self.params or {}).get("epochs")
        if epochs is not None and epoch >= epochs:
            warnings.warn(
                f"'{self.path}' holds a training of {epoch} epochs, and `fit` "
                f"is asked for {epochs}: nothing is left to train. Ask for "
                "more, or remove the file to begin anew.",
                stacklevel=2,
            )
        else:
            if is_first_process():
                print(
                    f"goes on at epoch {epoch + 1}, after {batch} of its "
                    "batches",
                    file=sys.stderr,
                )
            self.skip(batch, state.values("logs"))

    def on_epoch_begin(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        self.epoch = epoch
        self._random = random_states()
        state, self._restored = self._restored, None
        if state is None:
            return
        self._torch = state.values("torch")["states"]
        if not state.about["batch"]:
            set_torch_states(self._torch)
        else:
            # Keras has just set them to zero.
            self._late = state.named("metrics")
            self.add_metrics()

    def on_train_batch_end(
        self, batch: int, logs: dict[str, Any] | None = None
    ) -> None:
        if self._skipping:
            return
        if self._train is not None:
            self.model.train_function, self._train = self._train, None
            # Not before: an epoch begins with draws of PyTorch's own.
            set_torch_states(self._torch)
        elif self._late:
            # Keras makes some of them in the first step.
            self.add_metrics()
            self._late = {}
        # The end of the epoch saves too, and one that would begin behind its
        # last batch has no metrics yet.
        last = (self.params or {}).get("steps") == batch + 1
        if self.save_freq != "epoch" and not last:
            steps, every = self.steps_per_execution(), int(self.save_freq)
            if (batch + 1) // every > (batch + 1 - steps) // every:
                self.save(self.epoch, batch + 1, logs)

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        self._random = random_states()
        self.save(epoch + 1, 0, logs)

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        begin_at_epoch(self.model, 0)
        if self._train is not None:
            self.model.train_function, self._train = self._train, None

    @property
    def skipping(self) -> bool:
        """Whether the next batch was trained on before an interruption."""
        return self._skipping > 0

    def add_metrics(self) -> None:
        """Adds what the metrics had counted before the interruption."""
        for key, variable in with_keys(self.model.metrics_variables):
            if key in self._late:
                count = self._late.pop(key)
                variable.assign(
                    variable + keras.ops.cast(count, variable.dtype)
                )

    def model_variables(self) -> list[keras.Variable]:
        """All but those of metrics, which Keras makes late and resets."""
        metrics = set(map(id, self.model.metrics_variables))
        return [v for v in self.model.variables if id(v) not in metrics]

    def steps_per_execution(self) -> int:
        """Batches that one call of the training function takes."""
        return getattr(self.model, "steps_per_execution", 1) or 1

    def save(self, epoch: int, batch: int, logs: dict[str, Any] | None) -> None:
        """Writes the state after a batch of an epoch."""
        if keras.backend.backend() == "jax":
            self.model.jax_state_sync()
        if not finite(self.model.trainable_variables):
            warnings.warn(
                f"Weights are NaN or infinite in epoch {self.epoch + 1}: "
                f"'{self.path}' keeps the last state that was finite.",
                stacklevel=2,
            )
            return
        state = TrainingState()
        state.about |= {"epoch": epoch, "batch": batch}
        state.keep("model", self.model_variables())
        state.keep("optimizer", self.model.optimizer.variables)
        state.keep("seed", [global_seed_variable()])
        if batch:
            state.keep("metrics", self.model.metrics_variables)
        state.keep_values("random", self._random)
        state.keep_values("torch", {"states": torch_states()})
        state.keep_values(
            "logs", {name: float(value) for name, value in (logs or {}).items()}
        )
        for index, callback in enumerate(self.also):
            state.keep_values(f"callback {index}", vars(callback))
        state.save(self.path, f"{epoch}-{batch}")

    def skip(self, count: int, logs: dict[str, float]) -> None:
        """Lets the first batches pass that were trained on before."""
        self._skipping = count
        if not count:
            return
        self._train = train = self.model.train_function
        backend, steps = keras.backend.backend(), self.steps_per_execution()

        def take(*arguments: Any) -> Any:
            if not self._skipping:
                return train(*arguments)
            self._skipping = max(0, self._skipping - steps)
            if backend != "torch":
                # There Keras has taken the batches before.
                for _ in range(steps):
                    next(arguments[-1])
            return (logs, arguments[0]) if backend == "jax" else logs

        self.model.train_function = take


def finite(variables: Sequence[keras.Variable]) -> bool:
    """Whether all numbers of some variables are."""
    return all(
        bool(keras.ops.convert_to_numpy(keras.ops.all(keras.ops.isfinite(v))))
        for v in variables
    )
