"""Models that may measure their own embeddings."""

from typing import Any

import keras

from keras_hypersphere.models.watch import Watch

Tensor = Any


class Watched:
    """What MarginModel and HeadedModel share: they may watch themselves.

    A mixin before `keras.Model`. Steps of training and evaluation hand their
    outputs through `watch.see`.
    """

    watch: Watch | None = None

    def watch_embeddings(self, on: bool) -> None:
        """Adds measures of the embeddings to the logs of `fit`, or stops it.

        The compiled steps are made again.
        """
        if self.watch.on != on:
            self.watch.on = on
            self.train_function = self.test_function = None

    def fit(self, *args: Any, **kwargs: Any) -> Any:
        """As `keras.Model.fit`; an error ends the watch that it began."""
        before = self.watch.on
        try:
            return super().fit(*args, **kwargs)  # type: ignore[misc]
        finally:
            self.watch_embeddings(before)

    @property
    def metrics(self) -> list[keras.metrics.Metric]:
        """Those of the model, and of the watch while it is on."""
        found = super().metrics  # type: ignore[misc]
        if self.watch is not None and self.watch.on:
            return [*found, *self.watch.metrics.values()]
        return found

    def compute_loss(
        self,
        x: Any = None,
        y: Any = None,
        y_pred: Any = None,
        sample_weight: Any = None,
        training: bool = True,
    ) -> Tensor:
        y_pred = self.watch.take(y_pred)
        return super().compute_loss(x, y, y_pred, sample_weight, training)  # type: ignore[misc]

    def compute_metrics(
        self, x: Any, y: Any, y_pred: Any, sample_weight: Any = None
    ) -> dict[str, Any]:
        y_pred = self.watch.outputs(y_pred)
        return super().compute_metrics(x, y, y_pred, sample_weight)  # type: ignore[misc]
