"""Walks a network with the reference of each layer."""

from collections.abc import Mapping
from os import PathLike

import numpy as np

from keras_hypersphere.caffe_format.blobs import Blob
from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.layer_blobs import (
    Layers,
    net_blobs,
    read_blobs,
)
from keras_hypersphere.caffe_format.reader import read_prototxt
from keras_hypersphere.caffe_format.schema import LayerParameter
from keras_hypersphere.tools.caffe.layer_type import layer_type
from keras_hypersphere.tools.caffe.network.graph import Graph, Node
from keras_hypersphere.tools.caffe.reference.layer import (
    NoReference,
    ReferenceLayer,
)

Blobs = dict[str, list[np.ndarray | None]]


def run_reference(
    graph: Graph,
    caffemodel: str | PathLike | None,
    feed: Mapping[str, np.ndarray],
    prototxt: str | PathLike | None = None,
) -> tuple[dict[int, np.ndarray], dict[int, str]]:
    """Computes every value of a network, as Caffe does at test time.

    Args:
        graph: The layers, wired.
        caffemodel: The weights, or None: layers start from their fillers.
        feed: The inputs by blob name, in Caffe's order of axes.
        prototxt: The network's file; blobs in it serve layers that the
            caffemodel lacks.

    Returns:
        The values by number, float64, and for those that could not be
        computed the reason.
    """
    stored = stored_blobs(graph, caffemodel, prototxt)
    values: dict[int, np.ndarray] = {}
    reasons: dict[int, str] = {}
    for node in graph.nodes:
        lost = [reasons[n] for n in node.bottoms if n in reasons]
        try:
            if lost:
                raise NoReference(lost[0])
            blobs = stored.get(node.name)
            tops = compute(node, values, blobs, feed, graph.training)
        except NoReference as reason:
            words = str(reason)
            if not lost:
                words = f"layer {node.name!r} ({node.type}): {words}"
            reasons.update(dict.fromkeys(node.tops, words))
        else:
            values.update(zip(node.tops, tops, strict=True))
    return values, reasons


def stored_blobs(
    graph: Graph,
    caffemodel: str | PathLike | None,
    prototxt: str | PathLike | None,
) -> Blobs:
    """The learned blobs that the files hold, by layer."""
    own = {} if prototxt is None else net_blobs(read_prototxt(prototxt))
    given = {} if caffemodel is None else read_blobs(caffemodel)
    # A prototxt lists all layers, most of them without blobs.
    blobs_by_layer = {name: b for name, b in own.items() if b} | given
    stored = arrays(blobs_by_layer, graph.nodes)
    share(stored, [node.parameter for node in graph.nodes])
    return stored


def compute(
    node: Node,
    values: Mapping[int, np.ndarray],
    blobs: list[np.ndarray] | None,
    feed: Mapping[str, np.ndarray],
    training: bool = False,
) -> list[np.ndarray]:
    """The tops of one layer."""
    names = node.parameter.top
    if not node.bottoms and names and all(name in feed for name in names):
        return [np.asarray(feed[name], np.float64) for name in names]
    reference = layer_type(node.type).reference
    if reference is None:
        raise NoReference(
            "has no reference; `register_layer` takes one: `reference=`"
        )
    layer = ReferenceLayer(node.parameter, blobs, training)
    bottoms = [values[number] for number in node.bottoms]
    try:
        # NaN and infinity are results like others.
        with np.errstate(all="ignore"):
            tops = reference(layer, bottoms)
    except (ValueError, TypeError, IndexError, ArithmeticError) as error:
        reason = " ".join(str(error).split())
        raise NoReference(f"the reference fails: {reason}") from error
    tops = list(tops) if isinstance(tops, (list, tuple)) else [tops]
    if len(tops) != len(node.tops):
        raise NoReference(
            f"the reference makes {len(tops)} tops of {len(node.tops)}"
        )
    return tops


def arrays(layers: Layers, nodes: list[Node]) -> Blobs:
    """The values of blobs; None stands for one that is stored elsewhere."""
    names = {node.name for node in nodes}
    return {
        name: [read_array(blob) for blob in blobs]
        for name, blobs in layers.items()
        if name in names
    }


def read_array(blob: Blob | None) -> np.ndarray | None:
    """One of them in Caffe's precision; None if it is damaged too.

    `to_keras` has refused a damaged blob that its layer reads.
    """
    try:
        values = None if blob is None else blob.array()
    except CaffeFormatError:
        values = None
    with np.errstate(over="ignore"):
        return None if values is None else values.astype("f4", copy=False)


def share(stored: Blobs, layers: list[LayerParameter]) -> None:
    """Gives one array to all blobs of one `param { name }`.

    Caffe copies the model's layers in their order into one memory: what was
    copied last is what all of them have.
    """
    holders: dict[str, list[tuple[str, int]]] = {}
    for layer in layers:
        for index, spec in enumerate(layer.param):
            if spec.name:
                holders.setdefault(spec.name, []).append((layer.name, index))
    order = {name: place for place, name in enumerate(stored)}
    for places in holders.values():
        held = [
            (name, index)
            for name, index in places
            if name in order
            and index < len(stored[name])
            and stored[name][index] is not None
        ]
        if not held:
            continue
        name, index = max(held, key=lambda place: order[place[0]])
        for other, position in places:
            blobs = stored.setdefault(other, [])
            blobs += [stored[name][index]] * (position + 1 - len(blobs))
            blobs[position] = stored[name][index]
