"""OpenCV 4's Caffe importer: an independent reader of the same files."""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from keras_hypersphere.caffe_format.schema import LayerParameter, NetParameter
from keras_hypersphere.tools.caffe.network.graph import Graph

if TYPE_CHECKING:
    from keras_hypersphere.tools.caffe.caffe_network import CaffeNetwork

WORKER = "keras_hypersphere.tools.opencv_worker"
# A network takes seconds; this is for one that never ends.
SECONDS = 600.0
LONGEST = 100
MEND = "pip install 'opencv-python-headless<5' and verify again"
SQUARES_ROOT_APART = 1e-6
WITHIN_CHANNEL = 1
MAX = 0


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
    danger = find_danger(network.net)
    if danger:
        name = ask({})["name"]
        raise OracleUnavailable(f"{name} is not asked: {danger}")
    with tempfile.TemporaryDirectory() as folder:
        for index, values in enumerate(inputs.values()):
            path = Path(folder, f"input-{index}.npy")
            np.save(path, values.astype(np.float32, copy=False))
        answer = ask(
            {
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
        )
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
    """What `opencv_worker.py` answers.

    Raises:
        OracleUnavailable: If OpenCV is absent, or the process has ended
            before its answer.
    """
    code: int | None = None
    try:
        done = subprocess.run(
            [sys.executable, "-m", WORKER],
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
        raise OracleUnavailable(f"{answer['absent']}; {MEND}")
    if code is None:
        raise OracleUnavailable(f"{name} did not end in {SECONDS:g} s")
    if code < 0:
        raise OracleUnavailable(f"{name} crashed on it (signal {-code})")
    if code:
        last = words.decode(errors="replace").strip().rpartition("\n")[2]
        reason = shorten(last) if code == 1 else f"exit code {code}"
        raise OracleUnavailable(f"{name} fails: {reason}")
    return answer


def find_danger(net: NetParameter) -> str:
    """Points of a Slice along a negative axis are written out of bounds."""
    for layer in net.layer:
        settings = layer.slice_param
        if layer.type == "Slice" and settings.axis < 0 and settings.slice_point:
            return (
                "it breaks its own memory at a negative `axis` of Slice "
                f"(layer {layer.name!r})"
            )
    return ""


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


def doubtful(graph: Graph) -> dict[int, str]:
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


def known_fault(layer: LayerParameter) -> str:
    """What OpenCV 4 does wrong in this layer.

    Found by running OpenCV 4.14, the reference and recordings
    of real Caffe.
    """
    find = FAULTS.get(layer.type)
    return find(layer) if find else ""


def inner_product(layer: LayerParameter) -> str:
    """Weights are read as if they were not transposed."""
    transposed = layer.inner_product_param.transpose
    return "ignores `transpose`" if transposed else ""


def lrn(layer: LayerParameter) -> str:
    """Another default of `alpha`, and no `k`."""
    settings = layer.lrn_param
    if not settings.HasField("alpha"):
        return "has another default of `alpha`"
    if settings.k != 1 and settings.norm_region != WITHIN_CHANNEL:
        return "ignores `k`"
    return ""


def log(layer: LayerParameter) -> str:
    """Only the natural logarithm of x itself."""
    settings = layer.log_param
    plain = (settings.base, settings.scale, settings.shift) == (-1, 1, 0)
    return "" if plain else "ignores base, scale and shift"


def swish(layer: LayerParameter) -> str:
    """Only x times its sigmoid."""
    return "ignores `beta`" if layer.swish_param.beta != 1 else ""


def mvn(layer: LayerParameter) -> str:
    """`eps` goes under the root."""
    settings = layer.mvn_param
    wide = settings.normalize_variance and settings.eps > SQUARES_ROOT_APART
    return "adds `eps` before the root" if wide else ""


def deconvolution(layer: LayerParameter) -> str:
    """The top is too small."""
    dilated = any(size > 1 for size in layer.convolution_param.dilation)
    return "ignores `dilation`" if dilated else ""


def pooling(layer: LayerParameter) -> str:
    """A window without cells is the lowest number in Caffe."""
    settings = layer.pooling_param
    kernel = settings.kernel_size or min(settings.kernel_h, settings.kernel_w)
    stride = max(settings.stride, settings.stride_h, settings.stride_w)
    if settings.global_pooling or settings.pool != MAX or kernel >= stride:
        return ""
    return "fills empty windows its own way"


def concat(layer: LayerParameter) -> str:
    """`axis` of before 2015."""
    settings = layer.concat_param
    old = settings.HasField("concat_dim") and settings.concat_dim != 1
    return "ignores `concat_dim`" if old else ""


def slice_layer(layer: LayerParameter) -> str:
    """`axis` of before 2015."""
    settings = layer.slice_param
    old = settings.HasField("slice_dim") and settings.slice_dim != 1
    return "ignores `slice_dim`" if old else ""


def flatten(layer: LayerParameter) -> str:
    """At least two axes stay."""
    settings = layer.flatten_param
    return "keeps the first axis" if settings.axis == 0 else ""


def prior_box(layer: LayerParameter) -> str:
    """`clip` is true there, and sizes may have fractions."""
    settings = layer.prior_box_param
    if not settings.HasField("clip"):
        return "has another default of `clip`"
    sizes = (*settings.min_size, *settings.max_size)
    broken = any(size != int(size) for size in sizes)
    return "does not cut sizes to whole numbers" if broken else ""


def detection_output(layer: LayerParameter) -> str:
    """Ours has as many rows for each image; OpenCV as many as it finds."""
    return "makes another number of rows"


FAULTS = {
    "Concat": concat,
    "Deconvolution": deconvolution,
    "DetectionOutput": detection_output,
    "Flatten": flatten,
    "InnerProduct": inner_product,
    "LRN": lrn,
    "Log": log,
    "MVN": mvn,
    "Pooling": pooling,
    "PriorBox": prior_box,
    "Slice": slice_layer,
    "Swish": swish,
}
