"""OpenCV 4's Caffe importer: an independent reader of the same files.

It is C++ and trusts the files it is given: one that lacks a blob can end the
process. So it runs in a process of its own, whose program is this file. That
is started by its path and imports nothing of the package at the top: Keras
would take seconds.

An order is JSON on stdin: `folder`, `prototxt`, `caffemodel`, the names of
the `inputs`, whose arrays are `input-0.npy` and so on in the folder, and
`layers`: name, first top, numbers of the values wanted. An empty order asks
for the name only. Answers are lines of JSON on stdout: the name, then why
OpenCV cannot run the network, or the numbers of the values that are now
`value-7.npy` and so on.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from keras_hypersphere.caffe_format.schema import LayerParameter
    from keras_hypersphere.tools.caffe.caffe_network import CaffeNetwork
    from keras_hypersphere.tools.caffe.network.graph import Graph

# A network takes seconds; this is for one that never ends.
SECONDS = 600.0
LONGEST = 100
HINT = "pip install 'opencv-python-headless<5' and verify again"
# OpenCV's level of logging that says nothing.
SILENT = 0

Layers = Sequence[tuple[str, str, Sequence[int]]]


class OracleUnavailable(Exception):
    """OpenCV cannot say anything about this network."""


def run_opencv(
    network: "CaffeNetwork", inputs: Mapping[str, np.ndarray]
) -> tuple[dict[int, np.ndarray], str]:
    """Runs the network in OpenCV, in a process that may crash.

    Args:
        network: Says which layers are wanted; OpenCV reads its files.
        inputs: Blobs by name, in Caffe's order of axes.

    Returns:
        The values that OpenCV shows, by their numbers in the graph, and
        OpenCV's name.

    Raises:
        OracleUnavailable: If OpenCV is absent, has no Caffe importer, or
            cannot read or run the network.
    """
    for node in network.graph.nodes:
        if breaks_memory(node.parameter):
            raise OracleUnavailable(
                f"{ask({})['name']} is not asked: it breaks its own memory at "
                f"a negative `axis` of Slice (layer {node.name!r})"
            )
    with tempfile.TemporaryDirectory() as folder:
        for index, values in enumerate(inputs.values()):
            path = Path(folder, f"input-{index}.npy")
            np.save(path, values.astype(np.float32, copy=False))
        order = {
            "folder": folder,
            "prototxt": network.file,
            "caffemodel": os.fsdecode(network.caffemodel or ""),
            "inputs": list(inputs),
            "layers": [
                (
                    node.name,
                    next(iter(node.parameter.top), ""),
                    node.tops if node.type != "Input" else [],
                )
                for node in network.graph.nodes
            ],
        }
        answer = ask(order)
        if "reason" in answer:
            raise OracleUnavailable(
                f"{answer['name']} cannot run it: {explain(answer['reason'])}"
            )
        found = {
            number: np.load(Path(folder, f"value-{number}.npy"))
            for number in answer["values"]
        }
    return found, answer["name"]


def ask(order: Mapping[str, Any]) -> dict[str, Any]:
    """What the process answers.

    Raises:
        OracleUnavailable: If OpenCV is absent, or the process has ended
            before its answer.
    """
    code: int | None = None
    try:
        done = subprocess.run(
            [sys.executable, __file__],
            input=json.dumps(order).encode(),
            capture_output=True,
            timeout=SECONDS,
            env={
                **os.environ,
                # The parent may have been started from a source tree.
                "PYTHONPATH": os.pathsep.join(p or os.curdir for p in sys.path),
                "PYTHONSAFEPATH": "1",
            },
        )
        lines, words, code = done.stdout, done.stderr, done.returncode
    except subprocess.TimeoutExpired as error:
        lines, words = error.stdout or b"", b""
    except OSError as error:
        raise OracleUnavailable(f"OpenCV cannot be started: {error}") from error
    answer = {"name": "OpenCV"}
    for line in lines.splitlines():
        answer.update(json.loads(line))
    name = answer["name"]
    if "absent" in answer:
        raise OracleUnavailable(f"{answer['absent']}; {HINT}")
    if code is None:
        raise OracleUnavailable(f"{name} did not end in {SECONDS:g} s")
    if code < 0:
        raise OracleUnavailable(f"{name} crashed on it (signal {-code})")
    if code:
        last = words.decode(errors="replace").strip().rpartition("\n")[2]
        reason = shorten(last) if code == 1 else f"exit code {code}"
        raise OracleUnavailable(f"{name} fails: {reason}")
    return answer


def explain(message: str) -> str:
    """OpenCV's words without its codes and the names of its functions."""
    if "UnknownField" in message:
        return "the prototxt has settings that OpenCV does not know"
    words = message.rpartition("error: ")[2]
    words = re.sub(r"in function '.*?'", "", words, flags=re.DOTALL)
    words = re.sub(r"^\(-\d+:.*?\)", "", words.strip()).replace(">", " ")
    return shorten(" ".join(words.split()))


def shorten(words: str) -> str:
    """The first of many words."""
    return words if len(words) <= LONGEST else words[:LONGEST] + " …"


def doubtful(graph: "Graph") -> dict[int, str]:
    """Values that OpenCV gets wrong, and all that follow from them."""
    doubts: dict[int, str] = {}
    for node in graph.nodes:
        fault = known_fault(node.parameter)
        reason = f"OpenCV {fault} in layer {node.name!r}" if fault else ""
        for number in node.bottoms:
            reason = reason or doubts.get(number, "")
        if reason:
            doubts.update(dict.fromkeys(node.tops, reason))
    return doubts


def known_fault(layer: "LayerParameter") -> str:
    """What OpenCV 4 does wrong in this layer; empty for most.

    Found by running OpenCV 4.14, the reference and recordings of real Caffe.
    """
    for type, message, fault, is_wrong in FAULTS:
        if layer.type == type and is_wrong(getattr(layer, message)):
            return fault
    return ""


def breaks_memory(layer: "LayerParameter") -> bool:
    """Points of a Slice along a negative axis are written out of bounds."""
    settings = layer.slice_param
    negative = layer.type == "Slice" and settings.axis < 0
    return negative and bool(settings.slice_point)


def has_empty_windows(settings: Any) -> bool:
    """Whether MAX may see no cell, which is the lowest number in Caffe."""
    kernel = settings.kernel_size or min(settings.kernel_h, settings.kernel_w)
    stride = max(settings.stride, settings.stride_h, settings.stride_w)
    is_max = settings.pool == 0 and not settings.global_pooling
    return is_max and kernel < stride


def has_fractions(settings: Any) -> bool:
    """Whether a size of boxes is cut to a whole number in Caffe."""
    sizes = (*settings.min_size, *settings.max_size)
    return any(size != int(size) for size in sizes)


def is_not(field: str, value: Any) -> Callable[[Any], bool]:
    """Whether a field has another value than the one OpenCV assumes."""
    return lambda settings: getattr(settings, field) != value


def lacks(field: str) -> Callable[[Any], bool]:
    """Whether a field has its default, which is another one in OpenCV."""
    return lambda settings: not settings.HasField(field)


# Type, its message, what OpenCV does, and where: a function of the message.
FAULTS: list[tuple[str, str, str, Callable[[Any], bool]]] = [
    ("Concat", "concat_param", "ignores `concat_dim`", is_not("concat_dim", 1)),
    (
        "Deconvolution",
        "convolution_param",
        "ignores `dilation`",
        lambda settings: any(size > 1 for size in settings.dilation),
    ),
    (
        # Ours has as many rows for each image; OpenCV as many as it finds.
        "DetectionOutput",
        "detection_output_param",
        "makes another number of rows",
        lambda settings: True,
    ),
    (
        "Flatten",
        "flatten_param",
        "keeps the first axis",
        lambda settings: settings.axis == 0,
    ),
    (
        "InnerProduct",
        "inner_product_param",
        "ignores `transpose`",
        is_not("transpose", False),
    ),
    ("LRN", "lrn_param", "has another default of `alpha`", lacks("alpha")),
    (
        "LRN",
        "lrn_param",
        "ignores `k`",
        lambda settings: settings.k != 1 and settings.norm_region == 0,
    ),
    (
        "Log",
        "log_param",
        "ignores base, scale and shift",
        lambda s: (s.base, s.scale, s.shift) != (-1, 1, 0),
    ),
    (
        "MVN",
        "mvn_param",
        "adds `eps` before the root",
        lambda s: s.normalize_variance and s.eps > 1e-6,
    ),
    (
        "Pooling",
        "pooling_param",
        "fills empty windows its own way",
        has_empty_windows,
    ),
    (
        # And its scores, the second top, have an axis more.
        "Proposal",
        "proposal_param",
        "ignores `min_size`",
        lambda settings: True,
    ),
    (
        "PriorBox",
        "prior_box_param",
        "has another default of `clip`",
        lacks("clip"),
    ),
    (
        "PriorBox",
        "prior_box_param",
        "does not cut sizes to whole numbers",
        has_fractions,
    ),
    ("Slice", "slice_param", "ignores `slice_dim`", is_not("slice_dim", 1)),
    ("Swish", "swish_param", "ignores `beta`", is_not("beta", 1)),
]


def main() -> None:
    """The process: answers one order."""
    import resource

    # A crash is told by its signal, and leaves no file.
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    # Only answers may go to the pipe: print, C++ included, goes to stderr.
    with os.fdopen(os.dup(1), "w") as answers:
        os.dup2(2, 1)
        for answer in serve(json.load(sys.stdin)):
            print(json.dumps(answer), file=answers, flush=True)


def serve(order: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yields the answers to an order."""
    try:
        import cv2
    except ImportError:
        yield {"absent": "OpenCV is not installed"}
        return
    name = f"OpenCV {cv2.__version__}"
    if int(cv2.__version__.split(".")[0]) >= 5 or not hasattr(
        getattr(cv2, "dnn", None), "readNetFromCaffe"
    ):
        yield {"absent": f"{name} has no Caffe importer"}
        return
    yield {"name": name}
    if not order:
        return
    # OpenCV 4.8 has these functions in another place.
    getattr(cv2.utils, "logging", cv2).setLogLevel(SILENT)
    folder = Path(order["folder"])
    try:
        net = cv2.dnn.readNetFromCaffe(order["prototxt"], order["caffemodel"])
        net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
        # Fused layers would not show their own values.
        net.enableFusion(False)
        for index, blob in enumerate(order["inputs"]):
            net.setInput(np.load(folder / f"input-{index}.npy"), blob)
        found = retrieve(net, order["layers"])
    except (cv2.error, UnicodeError) as error:
        yield {"reason": str(error)}
        return
    for number, values in found.items():
        np.save(folder / f"value-{number}.npy", values)
    yield {"values": list(found)}


def retrieve(net: Any, layers: Layers) -> dict[int, np.ndarray]:
    """The tops of each layer that OpenCV knows under one name."""
    known = set(net.getLayerNames())
    names = [name for name, _, _ in layers]
    wanted = {}
    for name, top, numbers in layers:
        if names.count(name) > 1 or not numbers:
            continue
        if name in known:
            wanted[name] = numbers
        elif top in known and top not in names:
            # OpenCV has renamed the layer.
            wanted[top] = numbers
    single = [name for name, numbers in wanted.items() if len(numbers) == 1]
    found = dict(
        zip(single, net.forwardAndRetrieve(single), strict=True)
        if single
        else ()
    )
    # Later layers reuse the memory of all tops but the first, so these
    # layers must be the last to run.
    for name in wanted.keys() - found.keys():
        (made,) = net.forwardAndRetrieve([name])
        found[name] = [np.array(value) for value in made]
    return {
        number: np.asarray(value)
        for name, numbers in wanted.items()
        for number, value in zip(numbers, found[name], strict=False)
    }


if __name__ == "__main__":
    main()
