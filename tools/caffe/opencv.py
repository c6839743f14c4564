"""OpenCV 4's Caffe importer: an independent reader of the same files."""

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from os import PathLike, fspath

import numpy as np

from keras_hypersphere.caffe_format.reader import read_prototxt
from keras_hypersphere.caffe_format.schema import LayerParameter
from keras_hypersphere.tools.caffe.graph import Graph

LONGEST = 100
# OpenCV's level of logging that says nothing.
SILENT = 0
MEND = "pip install 'opencv-python-headless<5' and verify again"
SQUARES_ROOT_APART = 1e-6
WITHIN_CHANNEL = 1
MAX = 0


class OracleUnavailable(Exception):
    """OpenCV cannot say anything about this network."""


def find_opencv() -> tuple[object, str]:
    """The module and its name.

    Raises:
        OracleUnavailable: If it is absent, or has no Caffe importer.
    """
    try:
        import cv2
    except ImportError as error:
        raise OracleUnavailable(f"OpenCV is not installed; {MEND}") from error
    name = f"OpenCV {cv2.__version__}"
    if int(cv2.__version__.split(".")[0]) >= 5 or not hasattr(
        getattr(cv2, "dnn", None), "readNetFromCaffe"
    ):
        raise OracleUnavailable(f"{name} has no Caffe importer; {MEND}")
    return cv2, name


def run_opencv(
    prototxt: str | PathLike,
    caffemodel: str | PathLike | None,
    inputs: Mapping[str, np.ndarray],
    graph: Graph,
) -> tuple[dict[int, np.ndarray], str]:
    """Runs the network in OpenCV.

    Args:
        prototxt, caffemodel: The user's own files.
        inputs: Blobs by name, in Caffe's order of axes.
        graph: Says which layers are wanted.

    Returns:
        The values that OpenCV shows, by their numbers in the graph, and
        OpenCV's name.

    Raises:
        OracleUnavailable: If OpenCV cannot read or run it.
    """
    cv2, name = find_opencv()
    weights = "" if caffemodel is None else fspath(caffemodel)
    refuse_danger(prototxt, name)
    try:
        with silence(cv2):
            net = cv2.dnn.readNetFromCaffe(fspath(prototxt), weights)
            net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
            # Fused layers would not show their own values.
            net.enableFusion(False)
            for blob, values in inputs.items():
                net.setInput(values.astype(np.float32, copy=False), blob)
            found = retrieve(net, graph)
    except (cv2.error, UnicodeError) as error:
        raise OracleUnavailable(
            f"{name} cannot run it: {explain(str(error))}"
        ) from error
    return found, name


def refuse_danger(prototxt: str | PathLike, name: str) -> None:
    """Points of a Slice along a negative axis are written out of bounds."""
    for layer in read_prototxt(prototxt).layer:
        settings = layer.slice_param
        if layer.type == "Slice" and settings.axis < 0 and settings.slice_point:
            raise OracleUnavailable(
                f"{name} is not asked: it breaks its own memory at a negative "
                f"`axis` of Slice (layer {layer.name!r})"
            )


def explain(message: str) -> str:
    """OpenCV's words without its codes and the names of its functions."""
    if "UnknownField" in message:
        return "the prototxt has settings that OpenCV does not know"
    words = message.rpartition("error: ")[2]
    words = re.sub(r"in function '.*?'", "", words, flags=re.DOTALL)
    words = re.sub(r"^\(-\d+:.*?\)", "", words.strip()).replace(">", " ")
    words = " ".join(words.split())
    return words if len(words) <= LONGEST else words[:LONGEST] + " …"


def retrieve(net: object, graph: Graph) -> dict[int, np.ndarray]:
    """The tops of each layer that OpenCV knows under one name."""
    known = set(net.getLayerNames())
    names = [node.name for node in graph.nodes]
    layers = {}
    for node in graph.nodes:
        tops = node.parameter.top
        if node.type == "Input" or names.count(node.name) > 1 or not tops:
            continue
        if node.name in known:
            layers[node.name] = node.tops
        elif tops[0] in known and tops[0] not in names:
            # OpenCV has renamed the layer.
            layers[tops[0]] = node.tops
    single = [name for name, tops in layers.items() if len(tops) == 1]
    found = dict(
        zip(single, net.forwardAndRetrieve(single), strict=True)
        if single
        else ()
    )
    # Later layers reuse the memory of all tops but the first, so these
    # layers must be the last to run.
    for name in layers.keys() - found.keys():
        (made,) = net.forwardAndRetrieve([name])
        found[name] = [np.array(value) for value in made]
    return {
        number: np.asarray(value)
        for name, tops in layers.items()
        for number, value in zip(tops, found[name], strict=False)
    }


@contextmanager
def silence(cv2: object) -> Iterator[None]:
    """Keeps OpenCV's own messages off stderr: errors say the same."""
    # OpenCV 4.8 has these functions in another place.
    logging = getattr(cv2.utils, "logging", cv2)
    level = logging.getLogLevel()
    logging.setLogLevel(SILENT)
    try:
        yield
    finally:
        logging.setLogLevel(level)


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

    Found by running OpenCV 4.14 beside the reference and beside recordings
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
