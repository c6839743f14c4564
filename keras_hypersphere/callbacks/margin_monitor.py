"""What a margin does to the embeddings, in the logs of `fit`."""

import warnings
from typing import Any

import keras

from keras_hypersphere import arguments
from keras_hypersphere.callbacks import anatomy, sample, saturation
from keras_hypersphere.models.margin_model import MarginModel
from keras_hypersphere.models.watch import Watch


class MarginMonitor(keras.callbacks.Callback):
    """Logs what a margin does to the embeddings, and warns of two failures.

    At the end of each epoch the logs, and so `History`, `CSVLogger` and
    `ModelCheckpoint` after it in the list, have:

    * `annealing`: the margin's lambda after the last step; the margin is
      fully there at 0. Heads with an annealing only;
    * `target_angle`: mean angle between an embedding and the weights of its
      own class, in degrees;
    * `embedding_norm`: mean length of the embeddings;
    * `embedding_spread`: `S = sqrt((n - 1) / n * (1 - c))`, where `c` is the
      mean cosine of pairs of embeddings from two of the `n` classes. 1 is
      the best there is for all classes at once, 0 is one direction for all;
    * `loss_without_margin`: mean softmax cross-entropy of the plain logits.
      Heads with cosines only;
    * `accuracy_with_margin`: how often the target's logit is the largest
      although it has the margin. Heads with a margin only.

    Without `x`, a `MarginModel` measures the batches that it trains on, with
    the weights of each step, and `validation_data` under `val_`. That costs
    a batch's cosines. With `x` and `y`, any model is measured on them, with
    the weights of the epoch's end: functional models with one head of
    `kh.layers` (`with_head` too), and models that give embeddings (norm and
    spread). Without them, such models have `annealing` alone.

    It warns, once a training, of

    * collapse: `embedding_spread < collapse`, in training, in validation
      or on `x`. No class weights bring the
      softmax loss of such embeddings below `kh.theory.softmax_lower_bound(n,
      s * S)` with scale `s`: a spread of 0.1 turns a scale of 30 into 3;
    * a saturated softmax loss: `(L - B) <= saturation * (log(n) - B)`, with
      `L` the loss without a margin and `B` the bound at the head's fixed
      scale, where `B > -log(0.9)`. The message says which scale to take.

    Args:
        x: inputs to measure, or a data set that gives batches of (x, y).
            Defaults to None.
        y: `(N,)` or `(N, 1)` class indices of `x`. Defaults to None.
        batch_size: int, of `x`. Defaults to `32`.
        prefix: str, before the names of what is measured on `x`. Defaults
            to `""`.
        collapse: float >= 0, the spread below which it warns; 0 never does.
            Defaults to `0.1`.
        saturation: float >= 0, how much may be left to the bound where it
            warns. Defaults to `0.25`: NormFace saw 10,575 classes without a
            scale stall at 8.50, between log(n) = 9.27 and the bound 8.27.

    Raises:
        ValueError: if `y` does not fit `x`, or if there is nothing to be
            measured: no `x`, and no head in the model.

    Example:

    >>> backbone = keras.Sequential(
    ...     [keras.Input((28, 28)), keras.layers.Flatten(),
    ...      keras.layers.Dense(16)]
    ... )
    >>> model = kh.models.MarginModel(backbone, kh.layers.AMSoftmax(10))
    >>> model.compile("adam")
    >>> x, y = np.random.rand(32, 28, 28), np.arange(32) % 10
    >>> monitor = kh.callbacks.MarginMonitor()
    >>> logs = model.fit(x, y, callbacks=[monitor], verbose=0).history
    >>> [name for name in sorted(logs) if name.startswith("embedding")]
    ['embedding_norm', 'embedding_spread']
    >>> 0.0 < logs["target_angle"][-1] < 180.0
    True

    Reference:
        NormFace (2017), https://arxiv.org/abs/1704.06369, proposition 2 and
        the stalled loss. The bound at `s * S` is ours; its proof is in the
        guide to callbacks.
    """

    def __init__(
        self,
        x: Any = None,
        y: Any = None,
        batch_size: int = 32,
        prefix: str = "",
        collapse: float = 0.1,
        saturation: float = 0.25,
    ) -> None:
        super().__init__()
        if (y is None) != (x is None or sample.is_dataset(x)):
            raise ValueError(
                "`x` and `y` must be given together, or `x` alone as a data "
                f"set of (x, y). Received: x={type(x).__name__}, "
                f"y={type(y).__name__}."
            )
        self.x, self.y = x, y
        self.batch_size = arguments.positive_integer("batch_size", batch_size)
        if not isinstance(prefix, str):
            raise ValueError(
                f"`prefix` must be a string. Received: prefix={prefix!r}."
            )
        self.prefix = prefix
        self.collapse = arguments.number("collapse", collapse, minimum=0.0)
        self.saturation = arguments.number(
            "saturation", saturation, minimum=0.0
        )
        self.warned: set[str] = set()

    def set_model(self, model: keras.Model) -> None:
        super().set_model(model)
        self.parts = anatomy.dissect(model)
        heads = self.parts.heads
        self.eye = Watch(heads) if heads else None
        self.watching = self.x is None and isinstance(model, MarginModel)
        if not heads and self.x is None:
            raise ValueError(
                "`x` and `y` must be given to MarginMonitor for a model "
                "without a head of `kh.layers`. Received: x=None for "
                f"{model.name}."
            )
        if self.watching:
            # Before Keras compiles the steps of this training.
            model.watch_embeddings(True)

    def on_train_begin(self, logs: dict[str, Any] | None = None) -> None:
        self.warned.clear()
        if self.x is None and not self.watching:
            self._warn(
                "blind",
                "MarginMonitor logs no angles and norms of this model without "
                "data: pass `x` and `y`, or train a kh.models.MarginModel.",
            )

    def on_epoch_end(
        self, epoch: int, logs: dict[str, Any] | None = None
    ) -> None:
        logs = {} if logs is None else logs
        # On JAX, asking for the model puts the weights where we find them.
        model = self.model
        for head in self.parts.heads:
            if getattr(head, "annealing", None) is not None:
                value = keras.ops.convert_to_numpy(head.annealing_now())
                logs.setdefault("annealing", float(value))
        seen = logs
        if self.x is not None:
            embeddings, labels = sample.embed(
                self.parts, self.x, self.y, self.batch_size
            )
            seen = sample.measures(
                self.eye, embeddings, labels, self.batch_size
            )
            logs.update({self.prefix + k: v for k, v in seen.items()})
        for name, found in (
            ("embedding_spread", seen.get("embedding_spread")),
            ("val_embedding_spread", logs.get("val_embedding_spread")),
        ):
            self._check_spread(name, found, epoch)
        self._check_loss(model, seen, logs.get("loss"))

    def on_train_end(self, logs: dict[str, Any] | None = None) -> None:
        if self.watching:
            self.model.watch_embeddings(False)

    def _check_spread(
        self, name: str, spread: float | None, epoch: int
    ) -> None:
        if spread is None or spread >= self.collapse:
            return
        advice = (
            "Start again with a smaller learning rate, a weaker margin or "
            "annealing, or weights trained without a margin."
        )
        if name.startswith("val_"):
            advice += (
                " If training does not collapse, look at what the backbone "
                "does in inference alone: BatchNormalization's moving means."
            )
        self._warn(
            f"collapse of {name}",
            f"Collapse in epoch {epoch + 1}: embeddings of different classes "
            "have nearly one direction (or are zero). "
            f"{name}={spread:.3g}, healthy is near 1. {advice}",
        )

    def _check_loss(
        self, model: keras.Model, seen: dict[str, Any], loss: float | None
    ) -> None:
        loss = seen.get("loss_without_margin", loss)
        if loss is None or not self.parts.heads:
            return
        head = self.parts.heads[-1]
        scale = saturation.fixed_scale(head, seen.get("embedding_norm"))
        if scale is None or not saturation.trains_by_softmax(model):
            return
        text = saturation.advice(head.units, scale, loss, self.saturation)
        if text is not None:
            self._warn("saturation", text)

    def _warn(self, what: str, text: str) -> None:
        if what not in self.warned:
            self.warned.add(what)
            warnings.warn(text, stacklevel=3)
