"""Who says what a blob should be: OpenCV, and where it cannot the reference."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from keras_hypersphere.tools.caffe.reference.run import find_blobs
from keras_hypersphere.tools.caffe.verification.layerwise import LayerWise
from keras_hypersphere.tools.caffe.verification.opencv import (
    OracleUnavailable,
    doubtful,
    run_opencv,
)
from keras_hypersphere.tools.caffe.verification.report import (
    Name,
    Row,
    compared,
)

if TYPE_CHECKING:
    from keras_hypersphere.tools.caffe.caffe_network import CaffeNetwork


@dataclass
class Oracles:
    """OpenCV, and the reference for what OpenCV cannot say.

    OpenCV runs the whole network, and so its difference is that of all
    layers before; the reference judges layer by layer.

    Attributes:
        mine: What the model computes, by numbers of values.
        notes: What the user should know about the oracles.
    """

    network: "CaffeNetwork"
    feed: Mapping[str, np.ndarray]
    mine: Mapping[int, np.ndarray]
    notes: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.doubts = doubtful(self.network.graph)
        self.layers: LayerWise | None = None
        # Whether a value differs: OpenCV's differ from there on.
        self.differs = False
        try:
            self.opencv, self.name = run_opencv(self.network, self.feed)
        except OracleUnavailable as reason:
            self.opencv, self.name = {}, "OpenCV"
            self.notes.append(str(reason))

    def reference(self) -> LayerWise:
        """The reference, which reads the weights when it is first asked."""
        if self.layers is None:
            graph, weights = self.network.graph, self.network.weights()
            self.layers = LayerWise(
                graph,
                lambda node: find_blobs(node, weights, graph.shared),
                self.feed,
                self.mine,
            )
        return self.layers

    def judge(self, name: Name, number: int, mine: np.ndarray) -> Row:
        """The row of one value of the model."""
        found = None
        if number in self.opencv and number not in self.doubts:
            found = compared(name, mine, self.opencv[number], self.name)
            if found.status == "ok":
                return found
        note = self.doubts.get(number, "") if self.opencv else ""
        if found is not None and not self.differs:
            note = f"{self.name} gives other numbers"
        row = self.reference().judge(name, number, mine, note)
        # Two against one: OpenCV has a fault that is not known yet, or
        # rounding has grown in many layers. Where the model stands alone, it
        # is the model that is wrong.
        if found is not None and row.status != "ok":
            row = found
        self.differs = self.differs or row.status == "differs"
        return row
