"""What a converter sees of a layer, and how it makes Keras layers."""

import math
from collections.abc import Callable, Collection, Sequence
from typing import Any, NoReturn, TypeAlias

import keras
import numpy as np

from keras_hypersphere.backend.keras_internals import producer
from keras_hypersphere.caffe_format.custom_layers import with_own
from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import (
    FillerParameter,
    LayerParameter,
)
from keras_hypersphere.tools.caffe.building.fillers import fill
from keras_hypersphere.tools.caffe.building.initial_weights import (
    initial_weights,
)
from keras_hypersphere.tools.caffe.building.sharing import Sharing
from keras_hypersphere.tools.caffe.building.weights import MOST_FILLED, Weights
from keras_hypersphere.tools.caffe.errors import UnsupportedLayerError
from keras_hypersphere.tools.caffe.layer_type import supported_layers
from keras_hypersphere.tools.caffe.names import Names

Tensor: TypeAlias = keras.KerasTensor

# Caffe counts the values of a blob in an int.
MOST_VALUES = 2**31 - 1
# Caffe's axes of a 4-D blob, as channels-last has them.
KERAS_AXES = (0, 3, 1, 2)


class Emission:
    """One Caffe layer on its way to Keras.

    Args:
        parameter: The layer, as the prototxt has it.
        top_names: Keras names of the tops of an input layer.
        keras_name: Keras name of the layer.
        names: Gives names to the further Keras layers of this layer.
        weights: The model's blobs.
        file: The prototxt, named in errors.
        sharing: The blobs that layers share. Default: names of blobs do not
            matter.
        training: Whether the model is made for training.
        source: An input of the network, for layers that read nothing.
        whole: Tops of an input layer that hold whole numbers.
        fixed: Tops of an input layer whose first axis is no batch.

    Attributes:
        parameter: The layer's message: `layer.parameter.relu_param`, and
            what `register_layer` was told of.
        name: The layer's name in Caffe.
        inputs_made: Keras inputs that this layer made.
        kept_fillers: Whether blobs were missing in the model.
        declared: The sizes of its learned blobs.
        holders: Keras layers that hold its blobs, in their order.
        batch: How many samples the prototxt has in the first axis of the
            bottoms; None if that is no batch. A converter whose tops have
            another first axis makes it None.
        adds_own_loss: Whether a Keras layer of it adds what its tops count
            in the loss.
    """

    def __init__(
        self,
        parameter: LayerParameter,
        top_names: Sequence[str],
        keras_name: str,
        names: Names,
        weights: Weights,
        file: str | None,
        sharing: Sharing | None = None,
        training: bool = False,
        source: Tensor | None = None,
        whole: Collection[str] = (),
        fixed: Collection[str] = (),
    ) -> None:
        self.parameter = with_own(parameter, file)
        self.name = parameter.name
        self.type = parameter.type
        self.top_names = top_names
        self.keras_name = keras_name
        self.names = names
        self.weights = weights
        self.file = file
        self.sharing = sharing
        self.shared: tuple[str, ...] = ()
        self.training = training
        self.source = source
        self.whole = whole
        self.fixed = fixed
        self.batch: int | None = None
        self.inputs_made: list[Tensor] = []
        self.kept_fillers = False
        self.declared: list[int] = []
        self.holders: list[keras.layers.Layer] = []
        self.adds_own_loss = False
        self.is_named = False

    def add(
        self,
        layer_class: Callable[..., keras.layers.Layer],
        inputs: Tensor | Sequence[Tensor],
        part: str = "",
        weights: Sequence[np.ndarray] = (),
        also: Sequence[Tensor] = (),
        **config: Any,
    ) -> Tensor:
        """Calls a new Keras layer.

        Args:
            layer_class: Such as `keras.layers.Conv2D`.
            inputs: What it is called on.
            part: Empty for the layer that carries the Caffe layer's name;
                else a word that is added to it.
            weights: Its weights, in the order of `layer.weights`.
            also: Further arguments of the call: labels.
            config: Its arguments, without `name`.

        Returns:
            The layer's output.
        """
        kind = (layer_class, part, config, self.shared)
        if weights and self.shared:
            layer = self.sharing.find_holder(kind, weights)
            if layer is not None:
                self.holders.append(layer)
                return self.label(layer(inputs, *also), part)
        layer = layer_class(name=self.make_name(part), **config)
        if weights:
            with initial_weights(layer, weights):
                output = layer(inputs, *also)
            self.holders.append(layer)
        else:
            output = layer(inputs, *also)
        if weights and self.shared:
            self.sharing.keep_holder(kind, layer, weights)
        return output

    def call_again(self, inputs: Tensor, part: str) -> Tensor:
        """Calls the Keras layer that holds the weights on further inputs."""
        return self.label(self.holders[-1](inputs), part)

    def compute(
        self, function: Callable, *arguments: Any, part: str, **keywords: Any
    ) -> Any:
        """Calls a function of `keras.ops` for which no layer exists."""
        output = function(*arguments, **keywords)
        first = output[0] if isinstance(output, (list, tuple)) else output
        # Functions have no `name`; one of their own might be a Caffe layer's.
        producer(first).name = self.make_name(part)
        return output

    def label(self, tensor: Tensor, part: str = "") -> Tensor:
        """Gives a computed tensor the Caffe layer's name."""
        return self.add(keras.layers.Identity, tensor, part)

    def make_name(self, part: str) -> str:
        """The Caffe layer's name in Keras, or one derived from it."""
        if not part:
            if self.is_named:
                self.fail(
                    "its converter gives two Keras layers the layer's own "
                    'name; pass `part="…"` for all of them but one'
                )
            self.is_named = True
            return self.keras_name
        return self.names.claim(f"{self.keras_name}_{part}")

    def blobs(
        self, *declared: tuple[tuple[int, ...], FillerParameter]
    ) -> list[np.ndarray]:
        """The layer's learned blobs.

        Args:
            declared: Shape and filler of each. The filler is used if the
                model lacks the layer.

        Raises:
            CaffeFormatError: If the model's blobs have other shapes.
        """
        shapes = [shape for shape, _ in declared]
        self.declared += [math.prod(shape) for shape in shapes]
        for shape in shapes:
            if not 0 < math.prod(shape) <= MOST_VALUES:
                self.fail(f"declares a blob of shape {shape}")
        specs = list(self.parameter.param[: len(shapes)])
        names = [spec.name for spec in specs] if self.sharing else []
        shared = {index for index, name in enumerate(names) if name}
        found = self.weights.find(self.name, self.type, shapes, shared)
        if all(names) and len(names) == len(shapes):
            self.shared = tuple(names)
        values = []
        for index, (shape, filler) in enumerate(declared):
            if any(names[index : index + 1]):
                values.append(self.shared_blob(specs[index], shape, filler))
            elif found is None:
                values.append(self.filled(shape, filler))
            else:
                values.append(found[index])
        return values

    def shared_blob(
        self, spec: Any, shape: tuple[int, ...], filler: FillerParameter
    ) -> np.ndarray:
        """The values of a blob that has a name."""
        return self.sharing.find(
            spec,
            self.name,
            shape,
            lambda: self.filled(shape, filler),
            self.fail,
        )

    def filled(
        self, shape: tuple[int, ...], filler: FillerParameter
    ) -> np.ndarray:
        """Values for a blob that the model does not hold."""
        self.kept_fillers = True
        if not self.weights.reserve(math.prod(shape)):
            self.fail(
                f"declares a blob of shape {shape}, which no file holds; "
                f"{MOST_FILLED} values from fillers are the most in a network"
            )
        try:
            values = fill(filler, shape)
        except ValueError as error:
            self.fail(f"the filler {filler.type!r}: {error}")
        if values is None:
            self.unsupported(
                f"the filler {filler.type!r} is not supported, and the model "
                "has no blobs for this layer"
            )
        return values

    def expect(
        self, inputs: Sequence[Tensor], count: int, rank: int | None = None
    ) -> Any:
        """The inputs (the input, for a count of one), if they are so many.

        Raises:
            CaffeFormatError: If there are more or fewer.
            UnsupportedLayerError: If they have not `rank` axes.
        """
        if len(inputs) != count:
            self.fail(f"has {len(inputs)} bottoms; it takes {count}")
        for tensor in inputs:
            if rank is not None and len(tensor.shape) != rank:
                self.unsupported(
                    f"a bottom of {len(tensor.shape)} axes is not supported; "
                    f"it takes {rank}"
                )
        return inputs[0] if count == 1 else inputs

    def axis(self, axis: int, tensor: Tensor) -> int:
        """Caffe's axis, which may be negative, as an axis of the tensor."""
        rank = len(tensor.shape)
        if not -rank <= axis < rank:
            self.fail(f"axis {axis} does not exist; the bottom has {rank} axes")
        return KERAS_AXES[axis] if rank == 4 else axis % rank

    def fail(self, message: str) -> NoReturn:
        """Raises `CaffeFormatError` with file, layer and type."""
        raise CaffeFormatError(message, self.file, self.name, self.type)

    def unsupported(self, message: str, *advice: str) -> NoReturn:
        """Raises `UnsupportedLayerError` with file, layer and type."""
        raise UnsupportedLayerError(
            message, self.file, self.name, self.type, supported_layers(), advice
        )


def caffe_shape(tensor: Tensor) -> tuple[int | None, ...]:
    """The shape as Caffe has it: 4-D is N, C, H, W."""
    shape = tuple(tensor.shape)
    if len(shape) != 4:
        return shape
    count, height, width, channels = shape
    return count, channels, height, width
