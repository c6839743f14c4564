"""OpenCV 4's Caffe importer: an independent reader of the same files."""

from os import PathLike, fspath

import numpy as np

from keras_hypersphere.caffe_format.schema import LayerParameter
from keras_hypersphere.tools.caffe.graph import Graph

MEND = "pip install 'opencv-python-headless<5' and verify again"


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
    inputs: dict[str, np.ndarray],
    layers: dict[str, int],
) -> tuple[dict[str, list[np.ndarray]], str]:
    """Runs the network in OpenCV.

    Args:
        prototxt, caffemodel: The user's own files.
        inputs: Blobs by name, in Caffe's order of axes.
        layers: Layers whose tops are wanted, with the number of tops.

    Returns:
        The tops of each layer that OpenCV knows, and OpenCV's name.

    Raises:
        OracleUnavailable: If OpenCV cannot read or run it.
    """
    cv2, name = find_opencv()
    weights = "" if caffemodel is None else fspath(caffemodel)
    try:
        net = cv2.dnn.readNetFromCaffe(fspath(prototxt), weights)
        net.setPreferableBackend(cv2.dnn.DNN_BACKEND_OPENCV)
        # Fused layers would not show their own values.
        net.enableFusion(False)
        for blob, values in inputs.items():
            net.setInput(values, blob)
        known = set(net.getLayerNames())
        single = [x for x, tops in layers.items() if tops == 1 and x in known]
        several = [x for x, tops in layers.items() if tops > 1 and x in known]
        found = dict(
            zip(single, net.forwardAndRetrieve(single), strict=True)
            if single
            else ()
        )
        # Later layers reuse the memory of all tops but the first, so these
        # layers must be the last to run.
        for layer in several:
            (found[layer],) = net.forwardAndRetrieve([layer])
            found[layer] = [np.array(value) for value in found[layer]]
    except (cv2.error, UnicodeError) as error:
        reason = str(error).rpartition("error: ")[2]
        words = " ".join(reason.split())[:200]
        raise OracleUnavailable(f"{name} cannot run it: {words}") from error
    return found, name


def doubtful(graph: Graph) -> dict[int, str]:
    """Values that OpenCV gets wrong, and all that follow from them."""
    doubts: dict[int, str] = {}
    for node in graph.nodes:
        reason = known_fault(node.parameter)
        for number in node.bottoms:
            reason = reason or doubts.get(number, "")
        if reason:
            doubts.update(dict.fromkeys(node.tops, reason))
    return doubts


def known_fault(layer: LayerParameter) -> str:
    """What OpenCV 4 does wrong in this layer; NumPy sides with Caffe."""
    if layer.type == "InnerProduct" and layer.inner_product_param.transpose:
        return f"OpenCV ignores `transpose` in layer {layer.name!r}"
    log = layer.log_param
    if layer.type == "Log" and (log.base, log.scale, log.shift) != (-1, 1, 0):
        return f"OpenCV ignores base, scale and shift in layer {layer.name!r}"
    if layer.type == "Slice" and layer.slice_param.axis < 0:
        return f"OpenCV slices layer {layer.name!r} along another axis"
    pool = layer.pooling_param
    kernel = pool.kernel_size or min(pool.kernel_h, pool.kernel_w)
    stride = max(pool.stride, pool.stride_h, pool.stride_w)
    if layer.type == "Pooling" and not pool.global_pooling and kernel < stride:
        return f"OpenCV fills empty windows of layer {layer.name!r} its own way"
    return ""
