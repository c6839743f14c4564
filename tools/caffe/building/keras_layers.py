"""The Keras layers of a graph, made one Caffe layer after the other."""

import math
from collections.abc import Mapping

import keras

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_layers.loss_weight import LossWeight
from keras_hypersphere.tools.caffe.building.conversion_context import (
    MOST_VALUES,
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.building.sharing import Sharing
from keras_hypersphere.tools.caffe.building.weights import Weights
from keras_hypersphere.tools.caffe.errors import UnsupportedLayerError
from keras_hypersphere.tools.caffe.layer_type import find_converter
from keras_hypersphere.tools.caffe.names import Names
from keras_hypersphere.tools.caffe.network.graph import Graph
from keras_hypersphere.tools.caffe.network.node import Node
from keras_hypersphere.tools.caffe.network.preprocessing import (
    Preprocessing,
    put_in_front,
)
from keras_hypersphere.tools.caffe.network.training_only import loss_weights

# Caffe's kMaxBlobAxes.
MOST_AXES = 32


class Build:
    """Calls the converters of a graph's nodes, and keeps what they make.

    Args:
        graph: What to build.
        weights: The model's blobs.
        file: The prototxt, named in errors.
        steps: What to put in front of inputs, by blob name.

    Attributes:
        inputs: Keras inputs.
        tensors: Keras tensors by the number of the value.
        names: Keras names of the nodes.
        claimed: Keras names that are taken.
        holders: For each node, the Keras layers that hold its blobs.
        batches: Samples in the first axis by the number of the value, as the
            prototxt has them; None where that axis is no batch.
        unfilled: Names of the layers that keep their fillers.
    """

    def __init__(
        self,
        graph: Graph,
        weights: Weights,
        file: str,
        steps: Mapping[str, Preprocessing],
    ) -> None:
        self.graph = graph
        self.weights = weights
        self.file = file
        self.steps = steps
        self.inputs: list[Tensor] = []
        self.tensors: dict[int, Tensor] = {}
        self.batches: dict[int, int | None] = {}
        self.names: list[str] = []
        self.claimed = Names()
        self.holders: list[list[keras.layers.Layer]] = []
        self.unfilled: list[str] = []
        self.owners: dict[str, list[keras.layers.Layer]] = {}

    def run(self, training: bool) -> None:
        """Calls the converters."""
        names = self.claimed
        sharing = Sharing(self.graph.shared, self.weights)
        nodes = self.graph.nodes
        # Inputs first: their names are what users type.
        top_names = [
            [names.claim(top) for top in node.parameter.top]
            if node.type == "Input"
            else []
            for node in nodes
        ]
        self.names = [
            "" if node.type == "Input" else names.claim(node.name)
            for node in nodes
        ]
        emissions = [
            Emission(
                node.parameter,
                tops,
                keras_name,
                names,
                self.weights,
                self.file,
                sharing,
                training=training,
                whole=self.named(self.graph.whole, node),
                fixed=self.named(self.graph.fixed, node),
            )
            for node, tops, keras_name in zip(
                nodes, top_names, self.names, strict=True
            )
        ]
        pairs = list(zip(emissions, nodes, strict=True))
        # A layer that reads nothing may stand before the inputs.
        for emission, node in sorted(pairs, key=lambda p: p[1].type != "Input"):
            emission.source = self.inputs[0] if self.inputs else None
            self.emit(emission, node)
            if emission.kept_fillers:
                self.unfilled.append(node.name)
        self.holders = [emission.holders for emission in emissions]

    def named(self, numbers: set[int], node: Node) -> set[str]:
        """The tops of a node that are among some values."""
        return {
            self.graph.values[number]
            for number in numbers.intersection(node.tops)
        }

    def emit(self, emission: Emission, node: Node) -> None:
        """Calls the converter of one node, and keeps what it makes."""
        bottoms = [self.tensors[number] for number in node.bottoms]
        if emission.training:
            bottoms = stop_gradients(emission, bottoms)
        batches = {self.batches[number] for number in node.bottoms}
        emission.batch = batches.pop() if len(batches) == 1 else None
        made = run(emission, node, bottoms)
        if emission.training:
            check_trainable(emission, self.owners)
            made = weigh_losses(emission, made)
        self.inputs += emission.inputs_made
        for number, tensor in zip(node.tops, made, strict=True):
            steps = self.steps.get(self.graph.values[number])
            if node.type == "Input" and steps is not None:
                tensor = put_in_front(steps, tensor, emission.names)
            self.tensors[number] = tensor
            self.batches[number] = emission.batch
            if node.type == "Input":
                dims = self.graph.inputs[self.graph.values[number]]
                is_batch = bool(dims) and number not in self.graph.fixed
                self.batches[number] = dims[0] if is_batch else None


def stop_gradients(emission: Emission, bottoms: list[Tensor]) -> list[Tensor]:
    """`propagate_down: false` keeps gradients from a bottom."""
    wanted = emission.parameter.propagate_down
    if not wanted:
        return bottoms
    if len(wanted) != len(bottoms):
        emission.fail(
            f"has {len(bottoms)} bottoms and {len(wanted)} `propagate_down`; "
            "give one for each"
        )
    return [
        x
        if down or x.dtype == "int32"
        else emission.compute(keras.ops.stop_gradient, x, part=f"stop{index}")
        for index, (x, down) in enumerate(zip(bottoms, wanted, strict=True))
    ]


def check_trainable(
    emission: Emission, owners: dict[str, list[keras.layers.Layer]]
) -> None:
    """What trains must be the layer's blobs, one variable for each.

    Args:
        emission: A layer that has been emitted.
        owners: The Keras layers that hold each blob of a name, so far.
    """
    named = [spec.name for spec in emission.parameter.param if spec.name]
    users = emission.sharing.users if emission.sharing else {}
    named = [name for name in named if len(users.get(name, ())) > 1]
    held = emission.holders
    copied = any(owners.setdefault(name, held) != held for name in named)
    if copied or (named and len(emission.shared) != len(emission.declared)):
        emission.unsupported(
            "training is not supported where layers share some of their blobs "
            "and not all, or have other settings; the copies would part"
        )
    sizes = [
        math.prod(variable.shape)
        for layer in held
        for variable in layer.trainable_variables
    ]
    if sizes and sizes != emission.declared:
        emission.unsupported(
            f"training is not supported: Caffe learns {emission.declared} "
            f"numbers here, and the Keras layers that do the same {sizes}"
        )


def weigh_losses(emission: Emission, made: list[Tensor]) -> list[Tensor]:
    """Adds the tops that have a weight to the losses of the model."""
    weights = loss_weights(emission.parameter)
    if emission.adds_own_loss or not any(weights):
        return made
    return [
        emission.add(LossWeight, x, f"loss_weight{index or ''}", weight=weight)
        if weight
        else x
        for index, (x, weight) in enumerate(zip(made, weights, strict=True))
    ]


def refuse_params(emission: Emission) -> None:
    """Caffe stops at more settings of learned blobs than there are blobs."""
    given, blobs = len(emission.parameter.param), len(emission.declared)
    if given > blobs:
        emission.fail(
            f"has {given} `param` and {blobs} learned blobs; Caffe refuses "
            "that: give one for each blob"
        )


def run(emission: Emission, node: Node, inputs: list[Tensor]) -> list[Tensor]:
    """Calls one converter, and checks what it made."""
    try:
        made = find_converter(node.type)(emission, inputs)
    except (CaffeFormatError, UnsupportedLayerError):
        raise
    except (ValueError, TypeError, OverflowError) as error:
        # A setting that Keras refuses and no converter foresaw.
        reason = " ".join(str(error).split())
        raise CaffeFormatError(
            f"Keras refuses it: {reason}", emission.file, node.name, node.type
        ) from error
    made = list(made) if isinstance(made, (list, tuple)) else [made]
    for tensor in made:
        if not isinstance(tensor, keras.KerasTensor):
            emission.fail(
                f"its converter makes {tensor!r:.60}; it must return a Keras "
                "tensor, or a list of one for each top"
            )
    if len(made) != len(node.tops):
        emission.fail(f"has {len(node.tops)} tops; it makes {len(made)}")
    refuse_params(emission)
    for tensor in made:
        if len(tensor.shape) > MOST_AXES:
            emission.fail(
                f"makes a blob of {len(tensor.shape)} axes; Caffe has at most "
                f"{MOST_AXES}"
            )
        if not 0 < math.prod(tensor.shape[1:]) <= MOST_VALUES:
            emission.fail(f"makes a blob of shape {tuple(tensor.shape)}")
    return made
