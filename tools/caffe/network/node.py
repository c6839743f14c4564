"""One layer of a network, with its wiring."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from keras_hypersphere.caffe_format.schema import LayerParameter


@dataclass
class Node:
    """A layer of the network.

    Attributes:
        parameter: The layer as the prototxt has it.
        bottoms: Numbers of the values it reads.
        tops: Numbers of the values it makes.
    """

    parameter: LayerParameter
    bottoms: list[int] = field(default_factory=list)
    tops: list[int] = field(default_factory=list)

    @property
    def name(self) -> str:
        return self.parameter.name

    @property
    def type(self) -> str:
        return self.parameter.type

    def cut(self, bottoms: Sequence[int], tops: Sequence[int]) -> "Node":
        """The node with some of its bottoms and tops."""
        if list(bottoms) == self.bottoms and list(tops) == self.tops:
            return self
        parameter = LayerParameter()
        parameter.CopyFrom(self.parameter)
        kept = [index for index, v in enumerate(self.tops) if v in tops]
        old = self.parameter
        parameter.bottom[:] = [
            name
            for name, v in zip(old.bottom, self.bottoms, strict=True)
            if v in bottoms
        ]
        parameter.top[:] = [old.top[index] for index in kept]
        shapes = parameter.input_param.shape
        if len(shapes) == len(old.top) > 1:
            del shapes[:]
            shapes.extend(old.input_param.shape[index] for index in kept)
        return Node(parameter, list(bottoms), list(tops))
