"""A backbone and a head as one functional model."""

import contextlib
import threading
from collections.abc import Iterator
from typing import Any

import keras

from keras_hypersphere.models import heads
from keras_hypersphere.models.watch import Watch
from keras_hypersphere.models.watched import Watched
from keras_hypersphere.ops import labels as class_labels


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class HeadedModel(Watched, keras.Model):
    """Functional model `{image, label} -> logits`, its label optional.

    Made by `kh.models.with_head`, which describes it.
    """

    def __init__(
        self,
        backbone: keras.Model,
        head: Any,
        label_name: str = "label",
        **kwargs: Any,
    ) -> None:
        layers = heads.as_list(head)
        image = input_like(backbone)
        if not isinstance(label_name, str) or label_name in ("", "image"):
            raise ValueError(
                "`label_name` must be a string other than 'image'. "
                f"Received: label_name={label_name!r}."
            )
        label = keras.Input((), dtype="int32", optional=True, name=label_name)
        logits = heads.apply(layers, backbone(image), label)
        if not any(heads.takes_labels(layer) for layer in layers):
            # Older Keras refuses an input that leads nowhere.
            logits = LabelSink(name=f"{label_name}_sink")(logits, label)
        super().__init__({"image": image, label_name: label}, logits, **kwargs)
        self.backbone = backbone
        self.head = head
        self.label_name = label_name
        self.watch = Watch(layers)
        # Replicas are threads; each is in a step or not.
        self.step = threading.local()

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        labels = None
        if isinstance(inputs, dict):
            labels = inputs.get(self.label_name)
        if labels is not None:
            # Keras would refuse them too, but not say what to pass.
            class_labels.check_shape(tuple(labels.shape), None)
        stepping = self.watch.on and getattr(self.step, "running", False)
        if labels is None or not stepping:
            return super().call(inputs, training=training, mask=mask)
        embeddings = self.backbone(inputs["image"], training=training)
        layers = self.watch.heads
        logits = heads.apply(layers, embeddings, labels, training)
        return self.watch.see(logits, embeddings, labels, logits)

    def train_step(self, *arguments: Any) -> Any:
        with self._stepping():
            return super().train_step(*arguments)

    def test_step(self, *arguments: Any) -> Any:
        with self._stepping():
            return super().test_step(*arguments)

    @contextlib.contextmanager
    def _stepping(self) -> Iterator[None]:
        self.step.running = True
        try:
            yield
        finally:
            self.step.running = False

    def get_config(self) -> dict[str, Any]:
        return {
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "head": keras.saving.serialize_keras_object(self.head),
            "label_name": self.label_name,
            "name": self.name,
            "trainable": self.trainable,
        }

    @classmethod
    def from_config(
        cls, config: dict[str, Any], custom_objects: Any = None
    ) -> "HeadedModel":
        config = dict(config)
        for part in ("backbone", "head"):
            config[part] = keras.saving.deserialize_keras_object(
                config[part], custom_objects=custom_objects
            )
        return cls(**config)


class LabelSink(keras.layers.Layer):
    """Takes the labels that a head has no use for."""

    def call(self, inputs: Any, labels: Any = None) -> Any:
        return inputs

    def compute_output_spec(self, inputs: Any, labels: Any = None) -> Any:
        return keras.KerasTensor(inputs.shape, inputs.dtype)


def with_head(
    backbone: keras.Model, head: Any, label_name: str = "label"
) -> HeadedModel:
    """Joins a backbone and a head into one functional model.

    The model's inputs are a dictionary with the keys `"image"` and
    `label_name`. Both keys must be there; the label may be None. In training
    the head sees the labels; without them, and outside training, it applies
    no margin.

    Args:
        backbone: `keras.Model` with one input and one output `(N, d)`.
        head: A head of `kh.layers`, any layer from `(N, d)` to logits, or a
            list such as `[CenterLoss(10), CosineDense(10)]`, whose last
            layer gives the logits.
        label_name: String, key of the labels. Defaults to `"label"`.

    Returns:
        A `keras.Model` from `{"image": images, label_name: labels}` to
        logits `(N, classes)`, with `.backbone` (deploy that one) and
        `.head`.

    Raises:
        ValueError: For a backbone with several inputs, or a head that gives
            no logits.

    Example:

    >>> backbone = keras.Sequential(
    ...     [keras.Input((28, 28)), keras.layers.Flatten(),
    ...      keras.layers.Dense(16)]
    ... )
    >>> model = kh.models.with_head(backbone, kh.layers.ASoftmax(10))
    >>> model.compile(
    ...     "adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    ... )
    >>> x, y = np.random.rand(32, 28, 28), np.arange(32) % 10
    >>> history = model.fit({"image": x, "label": y}, y, verbose=0)
    >>> model.predict({"image": x, "label": None}, verbose=0).shape
    (32, 10)

    Reference:
        The optional input is `keras.Input(..., optional=True)`.
        `kh.data.labels_as_input` brings a data set of pairs into this form;
        `kh.models.MarginModel` needs no dictionary at all.
    """
    return HeadedModel(backbone, head, label_name)


def input_like(backbone: Any) -> keras.KerasTensor:
    """A new input named "image" of the backbone's shape and dtype."""
    if not isinstance(backbone, keras.Model):
        raise ValueError(
            "`backbone` must be a `keras.Model`. "
            f"Received: backbone={backbone!r}."
        )
    inputs = getattr(backbone, "inputs", None)
    if not inputs or len(inputs) != 1 or len(backbone.outputs) != 1:
        raise ValueError(
            "`backbone` must be a built model with one input and one output. "
            f"Received: {backbone.name} with inputs={inputs}. "
            "Use the functional API, or begin a Sequential with keras.Input."
        )
    return keras.Input(
        batch_shape=inputs[0].shape, dtype=inputs[0].dtype, name="image"
    )
