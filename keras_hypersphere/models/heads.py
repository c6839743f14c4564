"""How a backbone's embeddings pass through one head or several."""

import inspect
from typing import Any

import keras
from keras import ops

from keras_hypersphere.models.loss_components import log_name

Tensor = Any


def takes_labels(head: keras.layers.Layer) -> bool:
    """Whether a layer's call has a `labels` argument."""
    return "labels" in inspect.signature(head.call).parameters


def gives_logits(head: keras.layers.Layer) -> bool:
    """Whether a layer scores classes; CenterLoss hands its inputs on."""
    return getattr(head, "gives_logits", True)


def gives_distances(head: keras.layers.Layer) -> bool:
    """Whether a layer's outputs are small for the right class."""
    return getattr(head, "gives_distances", False)


def trains_itself(head: keras.layers.Layer) -> bool:
    """Whether a head's added loss replaces the cross-entropy."""
    return getattr(head, "trains_itself", False)


def adds_loss(head: keras.layers.Layer) -> bool:
    """Whether a layer adds a loss when it is given labels."""
    return getattr(head, "adds_loss", False)


def as_list(head: Any) -> list[keras.layers.Layer]:
    """Checks `head`: a layer, or layers of which the last gives logits."""
    heads = list(head) if isinstance(head, list | tuple) else [head]
    if not heads or not all(isinstance(h, keras.layers.Layer) for h in heads):
        raise ValueError(
            "`head` must be a layer or a list of layers. "
            f"Received: head={head!r}. Try `kh.layers.ASoftmax(classes)`."
        )
    if not gives_logits(heads[-1]):
        raise ValueError(
            f"`head` must end with a layer that gives class logits; "
            f"{type(heads[-1]).__name__} only adds a loss. "
            f"Received: head={[type(h).__name__ for h in heads]}. "
            "Append one: [CenterLoss(classes), CosineDense(classes)]."
        )
    for inner in heads[:-1]:
        if gives_logits(inner):
            raise ValueError(
                "`head` must have one layer that gives class logits, the "
                f"last. Received: head={[type(h).__name__ for h in heads]}."
            )
    return heads


def apply(
    heads: list[keras.layers.Layer],
    embeddings: Tensor,
    labels: Tensor | None,
    training: bool | None = None,
) -> Tensor:
    """Embeddings to class logits, largest for the likeliest class."""
    outputs = embeddings
    for head in heads:
        if takes_labels(head):
            outputs = head(outputs, labels, training=training)
        else:
            outputs = head(outputs, training=training)
    return ops.negative(outputs) if gives_distances(heads[-1]) else outputs


def loss_names(heads: list[keras.layers.Layer]) -> list[str]:
    """What the added losses are called in logs, head by head.

    As Keras calls the losses of several outputs, `<layer>_loss`.
    """
    names: list[str] = []
    for head in filter(adds_loss, heads):
        name = log_name(head)
        name = name if name.endswith("loss") else f"{name}_loss"
        names.append(name)
    return [
        name if name not in names[:i] else f"{name}_{names[:i].count(name)}"
        for i, name in enumerate(names)
    ]


def added_losses(heads: list[keras.layers.Layer]) -> dict[str, Tensor]:
    """The losses that heads added in the last call, by `loss_names`."""
    adding = [head for head in heads if adds_loss(head)]
    return {
        name: sum(head.added_losses())
        for name, head in zip(loss_names(heads), adding, strict=True)
        if head.added_losses()
    }
