"""A backbone and a head as one functional model."""

from typing import Any

import keras

from keras_hypersphere.backend.keras_internals import (
    functional_constructor,
    producer,
)
from keras_hypersphere.models import from_logits, head_connection
from keras_hypersphere.ops import labels as class_labels

IMAGE = "image"


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class HeadedModel(keras.Model):
    """Functional model `{image, label} -> logits`, its label optional.

    Made by `kh.models.with_head`, which describes it.
    """

    # Copies and files come this way.
    @functional_constructor
    def __init__(
        self, inputs: Any, outputs: Any, name: str | None = None, **kwargs: Any
    ) -> None:
        [label_name] = set(inputs) - {IMAGE}
        # `clone_model`, and Keras before 3.13 in its files, forget it.
        producer(inputs[label_name]).optional = True
        super().__init__(inputs, outputs, name=name, **kwargs)
        self.label_name = label_name
        others = keras.layers.InputLayer, LabelSink
        backbone, *found = [
            layer for layer in self.layers if not isinstance(layer, others)
        ]
        self.backbone = backbone
        self.head = found[0] if len(found) == 1 else found

    def compile(
        self,
        optimizer: Any = "rmsprop",
        loss: Any = None,
        *args: Any,
        **kwargs: Any,
    ) -> None:
        """As `keras.Model.compile`, for outputs that are logits."""
        loss = from_logits.as_loss(loss)
        super().compile(optimizer, loss, *args, **kwargs)

    def compile_from_config(self, config: dict[str, Any]) -> None:
        """Compiles again after loading; Keras leaves own `compile`s to us."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def call(self, inputs: Any, training: Any = None, mask: Any = None) -> Any:
        if isinstance(inputs, dict) and inputs.get(self.label_name) is not None:
            # Keras would refuse one-hot labels too, but not say what to pass.
            labels = inputs[self.label_name]
            class_labels.check_shape(tuple(labels.shape), None)
        return super().call(inputs, training=training, mask=mask)


@keras.saving.register_keras_serializable(package="keras_hypersphere")
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
    no margin. Sample weights and class weights do not reach a loss that a
    head adds: `kh.models.MarginModel` brings them there.

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
    layers = head_connection.as_list(head)
    image = input_like(backbone)
    if not isinstance(label_name, str) or label_name in ("", IMAGE):
        raise ValueError(
            "`label_name` must be a string other than 'image'. "
            f"Received: label_name={label_name!r}."
        )
    label = keras.Input((), dtype="int32", optional=True, name=label_name)
    outputs = head_connection.connect(layers, backbone(image), label)
    if not any(head_connection.takes_labels(layer) for layer in layers):
        # Older Keras refuses an input that leads nowhere.
        outputs = LabelSink(name=f"{label_name}_sink")(outputs, label)
    return HeadedModel({IMAGE: image, label_name: label}, outputs)


def input_like(backbone: Any) -> keras.KerasTensor:
    """A new input named "image" of the backbone's shape and dtype."""
    if not isinstance(backbone, keras.layers.Layer):
        raise ValueError(
            "`backbone` must be a `keras.Model`. "
            f"Received: backbone={backbone!r}."
        )
    inputs = getattr(backbone, "inputs", None)
    if inputs:
        require_one("input", inputs, backbone)
        require_one("output", backbone.outputs, backbone)
        return keras.Input(
            batch_shape=inputs[0].shape, dtype=inputs[0].dtype, name=IMAGE
        )
    # A subclass of keras.Model tells only the shape that it was built with.
    built = (backbone.get_build_config() or {}) if backbone.built else {}
    shape = built.get("input_shape")
    # A list or a dictionary of shapes is one of several inputs.
    flat = isinstance(shape, list | tuple) and not any(
        isinstance(size, list | tuple) for size in shape
    )
    if not flat:
        raise ValueError(
            "`backbone` must be a built model with one input and one output. "
            f"Received: {backbone.name}, which has not been called. Call it "
            "on a batch first, begin a Sequential with keras.Input, or take "
            "`kh.models.MarginModel`, which builds it."
        )
    return keras.Input(tuple(shape[1:]), name=IMAGE)


def require_one(what: str, tensors: list[Any], backbone: Any) -> None:
    """Refuses a functional backbone with several inputs or outputs."""
    if len(tensors) != 1:
        names = [tensor.name for tensor in tensors]
        raise ValueError(
            f"`backbone` must have one {what}. Received: {backbone.name} with "
            f"{what}s {names}. Choose one: keras.Model(backbone.input, "
            "backbone.output[...])."
        )
