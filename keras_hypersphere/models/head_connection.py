"""How a backbone's embeddings pass through one head or several."""

import inspect
from typing import Any

import keras
from keras import ops

from keras_hypersphere.layers.head import Head
from keras_hypersphere.models.from_logits import ACCURACIES, LogitAccuracy
from keras_hypersphere.models.loss_components import log_name
from keras_hypersphere.models.step import Step
from keras_hypersphere.ops import labels as class_labels

Tensor = Any

# In the logs, that of `kh.losses.SoftmaxCrossEntropy`.
CROSS_ENTROPY = "softmax_cross_entropy"


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
    """Whether a head's own loss replaces the cross-entropy."""
    return getattr(head, "trains_itself", False)


def owns_cross_entropy(head: keras.layers.Layer) -> bool:
    """Whether a head adds its softmax cross-entropy, and gives classes."""
    return getattr(head, "owns_cross_entropy", False)


def require_ignoring(heads: list[keras.layers.Layer]) -> None:
    """Refuses an `ignore_class` next to a layer that cannot leave it out."""
    for head in heads:
        if not getattr(head, "takes_ignored", True):
            raise ValueError(
                "`ignore_class` must be None next to "
                f"{type(head).__name__}, whose loss is of all samples. "
                "Leave such samples out of the data."
            )


def require_no_logits(loss: Any, *metrics: Any) -> None:
    """Refuses what needs logits next to a head that gives classes."""
    for given in (loss, *keras.tree.flatten(metrics)):
        known = isinstance(given, LogitAccuracy) or (
            isinstance(given, str) and given in ACCURACIES
        )
        if given is not None and not known:
            raise ValueError(
                "`loss` and `metrics` must be left out next to a head that "
                "owns its softmax: there are no logits of all classes; "
                '"accuracy" alone is known. '
                f"Received: {getattr(given, 'name', given)!r}."
            )


def as_list(head: Any) -> list[keras.layers.Layer]:
    """Checks `head`: a layer, or layers of which the last gives logits."""
    heads = list(head) if isinstance(head, list | tuple) else [head]
    if not heads or not all(isinstance(h, keras.layers.Layer) for h in heads):
        raise ValueError(
            "`head` must be a layer or a list of layers. "
            f"Received: head={head!r}. Try `kh.layers.ASoftmax(classes)`."
        )
    if not (gives_logits(heads[-1]) or trains_itself(heads[-1])):
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


def connect(
    heads: list[keras.layers.Layer],
    embeddings: keras.KerasTensor,
    label: keras.KerasTensor,
) -> keras.KerasTensor:
    """Logits as the outputs of a functional model."""
    outputs = embeddings
    # Whether it trains is what `fit` says when it calls the model.
    for head in heads:
        labelled = takes_labels(head)
        outputs = head(outputs, label) if labelled else head(outputs)
    return ops.negative(outputs) if gives_distances(heads[-1]) else outputs


def run(
    heads: list[keras.layers.Layer],
    embeddings: Tensor,
    labels: Tensor,
    indices: Tensor,
    training: bool | None,
) -> Step:
    """Embeddings and labels to logits and losses.

    Our own heads take `indices`, (N,) int32 and negative for no class; other
    layers the `labels` as they came.
    """
    outputs = plain = embeddings
    losses: dict[str, Tensor] = {}
    for head, name in zip(heads, loss_names(heads), strict=True):
        if isinstance(head, Head):
            made = head.step(outputs, indices, training)
            outputs, plain = made.outputs, made.plain
            if made.losses is not None:
                losses[name] = class_labels.poisoned(made.losses, indices)
            if made.cross_entropy is not None:
                values = class_labels.poisoned(made.cross_entropy, indices)
                losses[CROSS_ENTROPY] = values
        elif takes_labels(head):
            outputs = plain = head(outputs, labels, training=training)
        else:
            outputs = plain = head(outputs, training=training)
    if not owns_cross_entropy(heads[-1]):
        outputs = class_labels.poisoned(outputs, indices)
    if gives_distances(heads[-1]):
        outputs, plain = ops.negative(outputs), ops.negative(plain)
    return Step(embeddings, indices, outputs, plain, losses)


def loss_names(heads: list[keras.layers.Layer]) -> list[str | None]:
    """What the heads' own losses are called in logs; None for no loss.

    As Keras calls the losses of several outputs, `<layer>_loss`.
    """
    names: list[str | None] = []
    for head in heads:
        name = None
        if owns_cross_entropy(head):
            # That has a name of its own; this is what the inner head adds.
            head = head.head
        if getattr(head, "adds_loss", False):
            name = log_name(head)
            name = name if name.endswith("loss") else f"{name}_loss"
        names.append(name)
    return [
        f"{name}_{names[:i].count(name)}"
        if name in names[:i] and name
        else name
        for i, name in enumerate(names)
    ]
