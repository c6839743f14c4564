"""A recorded network in our objects: every blob, and the gradient of each."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from keras import ops

from keras_hypersphere.testing.gradients import gradients
from keras_hypersphere.tools.caffe.network.rules import make_state
from tests.fidelity.recording import Recording
from tests.fidelity.replays.counterpart import Counterpart
from tests.fidelity.replays.counterparts import counterpart
from tests.fidelity.replays.upstream import stored

Arrays = dict[str, np.ndarray]
LABELS = "label"
STATEFUL = {"BatchNorm", "MarginInnerProduct"}


@dataclass
class Step:
    """What one forward and backward gave, in Caffe's layout."""

    loss: np.ndarray
    blobs: Arrays
    diffs: Arrays
    # Gradients by the weights, in the order of `Network.weights`.
    slopes: list[np.ndarray]


class Network:
    """The layers of a recording, built and filled.

    Args:
        recording: whose `meta["prototxt"]` is built.
        inputs: arrays as recorded.
        learned: what the keys of the blobs begin with.
    """

    def __init__(self, recording: Recording, inputs: Arrays, learned: str):
        self.training = recording.meta["phase"] == "TRAIN"
        state = make_state(recording.meta["phase"], (), 0)
        self.layers = [x for x in recording.net.layer if state.includes(x)]
        self.parts: dict[str, Counterpart] = {}
        self.shapes: dict[str, tuple[int, ...]] = {}
        self.upstream: dict[str, Any] = {}
        blobs = as_ours(inputs)
        for layer in self.layers:
            given = []
            while f"{learned}_{layer.name}_{len(given)}" in recording:
                key = f"{learned}_{layer.name}_{len(given)}"
                given.append(recording.float32(key))
            bottoms = [blobs[name] for name in layer.bottom]
            part = counterpart(layer, bottoms, given)
            self.parts[layer.name] = part
            # Without training no state moves.
            tops = part.call(*bottoms, training=False)
            for name, top in zip(layer.top, tops, strict=True):
                if name not in blobs:
                    self.shapes[name] = tuple(top.shape)
                blobs[name] = top
            self._weigh(layer, recording)
        named = [
            (f"{name}_{j}", weight, layout)
            for name, part in self.parts.items()
            for j, (weight, layout) in enumerate(
                zip(part.weights, part.layouts, strict=False)
            )
        ]
        self.names, self.weights, self.layouts = (
            map(list, zip(*named, strict=True)) if named else ([], [], [])
        )

    def _weigh(self, layer: Any, recording: Recording) -> None:
        """What each top counts in the total that is differentiated."""
        weights = list(layer.loss_weight)
        if not weights and layer.type.endswith("Loss"):
            weights = [1.0]
        self.upstream.update(zip(layer.top, weights, strict=False))
        for top in layer.top:
            if f"top_diff_{top}" in recording:
                self.upstream[top] = recording.float32(f"top_diff_{top}")

    def forward(self, inputs: dict[str, Any], probes: dict[str, Any]) -> dict:
        """Runs all layers; a probe is added where a blob is first made."""
        blobs = dict(inputs)
        for layer in self.layers:
            bottoms = [blobs[name] for name in layer.bottom]
            tops = self.parts[layer.name].call(*bottoms, training=self.training)
            for name, top in zip(layer.top, tops, strict=True):
                first = name not in blobs and name in probes
                blobs[name] = top + probes[name] if first else top
        return blobs

    def total(self, blobs: dict[str, Any]) -> Any:
        """Caffe's loss: weighted sums of tops."""
        terms = [
            ops.sum(blobs[name] * ops.convert_to_tensor(weight, "float32"))
            for name, weight in self.upstream.items()
        ]
        return sum(terms[1:], terms[0])

    def evaluate(self, inputs: Arrays) -> Step:
        """One forward, for real: what is state moves."""
        blobs = self.forward(as_ours(inputs), {})
        loss = ops.convert_to_numpy(self.total(blobs))
        return Step(loss, as_recorded(blobs), {}, [])

    def move(self, inputs: Arrays) -> None:
        """Moves states, which `step` leaves as they were."""
        if STATEFUL.intersection(layer.type for layer in self.layers):
            self.evaluate(inputs)

    def step(self, inputs: Arrays) -> Step:
        """One forward and backward; states stay as they were."""
        fixed = as_ours(inputs)
        names = [name for name in inputs if name != LABELS]
        probes = {n: np.zeros(s, "float32") for n, s in self.shapes.items()}

        def function(*tensors):
            given = dict(zip([*names, *probes], tensors, strict=True))
            blobs = self.forward(
                fixed | {n: given[n] for n in names},
                {n: given[n] for n in probes},
            )
            blobs.pop(LABELS, None)
            return self.total(blobs), blobs

        result = gradients(
            function,
            [fixed[n] for n in names] + list(probes.values()),
            self.weights,
        )
        diffs = dict(zip([*names, *probes], result.inputs, strict=True))
        slopes = result.variables
        return Step(
            result.value,
            as_recorded(result.outputs),
            as_recorded(diffs),
            slopes,
        )

    def in_caffes_layout(self, arrays: list[Any]) -> Arrays:
        """Arrays of the weights -> by the name and number of Caffe's blob."""
        return {
            name: layout(ops.convert_to_numpy(array))
            for name, array, layout in zip(
                self.names, arrays, self.layouts, strict=True
            )
        }

    def settle(self) -> Arrays:
        """Applies constraints, as Caffe's forward does to its blobs."""
        return self.in_caffes_layout([stored(w) for w in self.weights])


def as_ours(arrays: Arrays) -> dict[str, Any]:
    """Recorded arrays as tensors: channels last, labels whole."""
    return {
        name: ops.convert_to_tensor(
            array.astype("int32")
            if name == LABELS
            else array.transpose(0, 2, 3, 1)
            if array.ndim == 4
            else array
        )
        for name, array in arrays.items()
    }


def as_recorded(tensors: dict[str, Any]) -> Arrays:
    """Tensors as Caffe holds them: channels first."""
    arrays = {n: ops.convert_to_numpy(t) for n, t in tensors.items()}
    return {
        name: array.transpose(0, 3, 1, 2) if array.ndim == 4 else array
        for name, array in arrays.items()
    }


def inputs_of(z: Recording) -> Arrays:
    """What was fed into a recorded network."""
    return {name: z.float32(f"input_{name}") for name in z.meta["inputs"]}


def replayed(z: Recording, net: Network, inputs: Arrays, prefix: str) -> Arrays:
    """All that one step leaves, by the keys of the recording."""
    found: Arrays = {}
    if z.meta["backward"]:
        step = net.step(inputs)
        slopes = net.in_caffes_layout(step.slopes)
        found |= {f"diff_{n}": x for n, x in step.diffs.items()}
        found |= {f"param_diff_{n}": x for n, x in slopes.items()}
        net.move(inputs)
    else:
        step = net.evaluate(inputs)
    found |= {f"blob_{n}": x for n, x in step.blobs.items()}
    found |= {f"param_{n}_after": x for n, x in net.settle().items()}
    found["loss"] = step.loss
    return {prefix + key: array for key, array in found.items()}


def compared(
    found: Arrays, z: Recording
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Ours and theirs, of what was recorded, in the recorded shape."""
    return {
        key: (array.reshape(z[key].shape), z[key])
        for key, array in found.items()
        if key in z
    }


def replay(recording: Recording) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """Compares all that a recorded network left, step by step."""
    inputs = inputs_of(recording)
    net = Network(recording, inputs, "param")
    found: Arrays = {}
    for prefix in recording.prefixes:
        found |= replayed(recording, net, inputs, prefix)
    return compared(found, recording)
