"""A Caffe network that has been read in one phase: what everybody asks."""

import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from os import PathLike
from typing import Any

import keras
import numpy as np

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.layer_blobs import Caffemodel
from keras_hypersphere.caffe_format.order import hint_of_order
from keras_hypersphere.caffe_format.reader import read_prototxt
from keras_hypersphere.caffe_format.schema import LayerParameter, NetParameter
from keras_hypersphere.caffe_format.source_file import SourceFile
from keras_hypersphere.tools.caffe.building.assemble import assemble
from keras_hypersphere.tools.caffe.building.keras_layers import Build
from keras_hypersphere.tools.caffe.building.weights import (
    Weights,
    open_caffemodel,
)
from keras_hypersphere.tools.caffe.cards.card import make_card
from keras_hypersphere.tools.caffe.errors import UnsupportedLayerError
from keras_hypersphere.tools.caffe.network.advice import check_types
from keras_hypersphere.tools.caffe.network.data_layers import preprocessing_of
from keras_hypersphere.tools.caffe.network.graph import Graph, build_graph
from keras_hypersphere.tools.caffe.network.input_channels import (
    check_against_weights,
)
from keras_hypersphere.tools.caffe.network.rules import State, make_state
from keras_hypersphere.tools.caffe.record import name_map
from keras_hypersphere.tools.caffe.reference.run import run_reference
from keras_hypersphere.tools.caffe.verification.conversion_checksums import Made
from keras_hypersphere.tools.caffe.verification.feed import (
    find_feed,
    in_models_order,
)
from keras_hypersphere.tools.caffe.verification.report import Verification
from keras_hypersphere.tools.caffe.verification.verify import verify_model


@dataclass(eq=False)
class CaffeNetwork:
    """A network as its files describe it, in one phase.

    `CaffeNetwork.read` makes one. The prototxt is parsed once and its layers
    are wired once; the caffemodel stays open, and blobs are read when a layer
    wants them.

    Attributes:
        net: The description, all phases.
        file: Where it comes from, for errors.
        state: The phase, with its stages and level.
        outputs: Names of the blobs that were asked for, or None.
        input_shapes: Shapes of inputs by blob name, channels-last.
        prototxt: The open file, or None for a network without a file of its
            own.
        caffemodel: The open weights, or None.
        made: What the last model was that `to_keras` made.

    Example:

    >>> from keras_hypersphere.tools.samples.train import CAFFEMODEL, PROTOTXT
    >>> network = kh.tools.caffe.CaffeNetwork.read(PROTOTXT, CAFFEMODEL)
    >>> network.verify(network.to_keras()).passed
    True
    """

    net: NetParameter
    file: str
    state: State
    outputs: Sequence[str] | None = None
    input_shapes: Mapping[str, Sequence[int]] | None = None
    prototxt: SourceFile | None = None
    caffemodel: Caffemodel | None = None
    made: Made | None = field(default=None, init=False)

    @classmethod
    def read(
        cls,
        prototxt: str | PathLike,
        caffemodel: str | PathLike | None = None,
        outputs: Sequence[str] | None = None,
        phase: str = "TEST",
        stages: Sequence[str] = (),
        level: int = 0,
        input_shapes: Mapping[str, Sequence[int]] | None = None,
    ) -> "CaffeNetwork":
        """Reads a network and wires the layers of a phase.

        Args and errors are those of `to_keras`. Types are looked up when the
        network is converted or run.
        """
        network = cls.open(
            prototxt,
            caffemodel,
            # A wrong argument should not wait for a large file.
            make_state(phase, stages, level),
            outputs=outputs,
            input_shapes=input_shapes,
        )
        network.graph  # noqa: B018  it is wired here
        return network

    @classmethod
    def open(
        cls,
        prototxt: str | PathLike,
        caffemodel: str | PathLike | None,
        state: State,
        **options: Any,
    ) -> "CaffeNetwork":
        """Reads a network that is wired when somebody asks for its graph."""
        # A prototxt in the place of the weights is told of first.
        weights = None if caffemodel is None else open_caffemodel(caffemodel)
        source = SourceFile(prototxt)
        net = read_prototxt(source)
        return cls(
            net,
            source.path,
            state.with_stages(net.state.stage),
            **options,
            prototxt=source,
            caffemodel=weights,
        )

    @cached_property
    def graph(self) -> Graph:
        """The layers of the phase that the outputs need, wired."""
        with self.hinting():
            return build_graph(
                self.net, self.state, self.outputs, self.file, self.input_shapes
            )

    @property
    def layers(self) -> list[LayerParameter]:
        """The layers that the outputs need, in order, as Caffe's messages.

        Data layers are inputs; what the phase leaves out is not there.
        """
        return [node.parameter for node in self.graph.nodes]

    def changed(self, **options: Any) -> "CaffeNetwork":
        """The same files with other `outputs`, `input_shapes` or weights."""
        return replace(self, **options)

    @contextmanager
    def hinting(self) -> Iterator[None]:
        """Adds to errors that the prototxt may be the caffemodel."""
        try:
            yield
        except (CaffeFormatError, UnsupportedLayerError) as error:
            if self.prototxt is None:
                raise
            hinted = hint_of_order(error, self.net, self.prototxt)
            raise hinted from error.__cause__

    def weights(self) -> Weights:
        """The blobs by layer name: the caffemodel's, then the prototxt's."""
        return Weights(self.caffemodel, self.net, self.file)

    def to_keras(self, preprocessing: bool = False) -> keras.Model:
        """Converts the network; see `to_keras` for what it returns.

        Args:
            preprocessing: Whether the model begins with the data layer's mean
                and scale.
        """
        # Its errors have the hint already.
        graph = self.graph
        with self.hinting():
            model = self.convert(graph, preprocessing)
        self.made = Made.of(model)
        return model

    def convert(self, graph: Graph, preprocessing: bool) -> keras.Model:
        """Builds the Keras layers, and a model of them."""
        file = self.file
        check_types(graph.nodes, file)
        layers = filter(self.state.includes, self.net.layer)
        steps = preprocessing_of(layers, graph.inputs, file)
        if preprocessing and not any(
            step.shifts_or_scales for step in steps.values()
        ):
            warnings.warn(
                f"{file}: `preprocessing` adds nothing: no data layer has a "
                "transform_param with a mean or a scale; put one in, or do to "
                "the images yourself what their training did",
                stacklevel=5,
            )
        weights = self.weights()
        check_against_weights(
            graph.nodes, self.input_shapes or {}, weights.shape
        )
        build = Build(graph, weights, file, steps if preprocessing else {})
        build.run(self.state.training)
        if not build.inputs:
            raise CaffeFormatError("has no inputs; add an Input layer", file)
        weights.check_use()
        if self.caffemodel is not None and build.unfilled:
            warnings.warn(
                f"{self.caffemodel}: holds no blobs for "
                f"{', '.join(build.unfilled)}: they keep their fillers",
                stacklevel=5,
            )
        return assemble(self.net.name, build, steps)

    def verify(
        self, model: keras.Model | str | PathLike, inputs: object = None
    ) -> Verification:
        """Compares every blob of a model with what the files say.

        Args:
            model: What `to_keras` returned, or that model saved and loaded
                again, or the path of the saved file.
            inputs: What to run; see `verify`.
        """
        return verify_model(self, model, inputs)

    def run(self, inputs: object = None) -> dict[str, np.ndarray]:
        """Computes the network as Caffe does, in NumPy and float64.

        Args:
            inputs: An array, or a dict of arrays by blob name, in Caffe's
                order of axes (N, C, H, W); in the model's (N, H, W, C) where
                only that fits. Default: noise of a fixed seed.

        Returns:
            The last value of each blob by its name, in Caffe's order of axes.
            Blobs that no reference can compute are missing, with a warning.
        """
        given = in_models_order(self.graph, inputs, caffes=True)
        feed = find_feed(self.graph, given)
        values, reasons = run_reference(self, feed)
        for reason in dict.fromkeys(reasons.values()):
            warnings.warn(f"{self.file}: {reason}", stacklevel=2)
        names = self.graph.values
        lost = {names[number] for number in reasons}
        found = {names[number]: values[number] for number in sorted(values)}
        return {n: value for n, value in found.items() if n not in lost}

    def card(
        self,
        path: str | PathLike | None = None,
        report: Verification | None = None,
    ) -> dict[str, Any]:
        """Describes the network and the model that it becomes.

        Args:
            path: The `.keras` file that the model was saved to.
            report: What `verify` said.
        """
        if path is not None:
            return make_card(self, name_map(path), path, report)
        if self.made is None:
            self.to_keras()
        return make_card(self, self.made.record, None, report)
