"""Where in a model the embeddings are, and which layers score them."""

from typing import Any, NamedTuple

import keras

from keras_hypersphere.layers.agent_layer import AgentLayer
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.layers.margin_head import MarginHead
from keras_hypersphere.models import head_connection


class Anatomy(NamedTuple):
    """The parts of a model.

    `embedder` goes from `inputs` to embeddings; `heads` are the layers after
    it, none for a model that gives embeddings itself. `label_name` is the
    key of labels among the inputs, None where they are no input.
    """

    embedder: keras.Model
    heads: list[keras.layers.Layer]
    label_name: str | None = None


def dissect(model: keras.Model) -> Anatomy:
    """Finds the parts of a MarginModel, a `with_head` or another model."""
    if hasattr(model, "backbone") and hasattr(model, "head"):
        label_name = getattr(model, "label_name", None)
        return Anatomy(
            model.backbone, head_connection.as_list(model.head), label_name
        )
    found = [
        layer
        for layer in getattr(model, "layers", [])
        if isinstance(layer, AgentLayer | CosineDense | MarginHead)
    ]
    if not found:
        return Anatomy(model, [])
    if len(found) > 1 or not getattr(model, "inputs", None):
        raise ValueError(
            "The model must be functional and have one head of `kh.layers`, "
            "or be a `kh.models.MarginModel`. Received: "
            f"{type(model).__name__} with heads {[h.name for h in found]}."
        )
    features, *labels = keras.tree.flatten(found[0].input)
    # A Sequential has a list of one; a functional model what it was given.
    sequential = isinstance(model, keras.Sequential)
    inputs = model.inputs if sequential else model.input
    label_name = None
    if isinstance(inputs, dict):
        for name, tensor in inputs.items():
            if any(tensor is label for label in labels):
                label_name = name
        inputs = {k: v for k, v in inputs.items() if k != label_name}
    else:
        inputs = [
            tensor
            for tensor in keras.tree.flatten(inputs)
            if not any(tensor is label for label in labels)
        ]
    if len(inputs) == 1:
        [inputs] = inputs.values() if isinstance(inputs, dict) else inputs
    return Anatomy(keras.Model(inputs, features), found, label_name)


def images(x: Any, anatomy: Anatomy) -> Any:
    """What `embedder` takes, of what `fit` or `embedder` takes."""
    if isinstance(x, dict):
        x = {k: v for k, v in x.items() if k != anatomy.label_name}
        if len(x) == 1:
            [x] = x.values()
    return x
