"""Walks a network with the reference of each layer."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.tools.caffe.building.weights import Weights
from keras_hypersphere.tools.caffe.layer_type import layer_type
from keras_hypersphere.tools.caffe.network.graph import Node
from keras_hypersphere.tools.caffe.reference.layer import (
    NoReference,
    ReferenceLayer,
)

if TYPE_CHECKING:
    from keras_hypersphere.tools.caffe.caffe_network import CaffeNetwork

Users = Mapping[str, list[tuple[str, int]]]


def run_reference(
    network: "CaffeNetwork", feed: Mapping[str, np.ndarray]
) -> tuple[dict[int, np.ndarray], dict[int, str]]:
    """Computes every value of a network, as Caffe does at test time.

    Args:
        network: The layers, wired, and their blobs.
        feed: The inputs by blob name, in Caffe's order of axes.

    Returns:
        The values by number, float64, and for those that could not be
        computed the reason.
    """
    graph, weights = network.graph, network.weights()
    values: dict[int, np.ndarray] = {}
    reasons: dict[int, str] = {}
    for node in graph.nodes:
        lost = [reasons[n] for n in node.bottoms if n in reasons]
        try:
            if lost:
                raise NoReference(lost[0])
            blobs = find_blobs(node, weights, graph.shared)
            tops = compute(node, values, blobs, feed, graph.training)
        except NoReference as reason:
            words = str(reason)
            if not lost:
                words = f"layer {node.name!r} ({node.type}): {words}"
            reasons.update(dict.fromkeys(node.tops, words))
        else:
            values.update(zip(node.tops, tops, strict=True))
    return values, reasons


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


def find_blobs(
    node: Node, weights: Weights, users: Users
) -> list[np.ndarray | None] | None:
    """The blobs of a layer in Caffe's precision; None if there are none.

    A blob that layers share is what Caffe copies last into their one memory.
    `to_keras` has refused a damaged blob that its layer reads; here it is
    None.
    """
    stored = weights.layers.get(node.name)
    found: dict[int, np.ndarray | None] = {}
    for index, blob in enumerate(stored or ()):
        try:
            found[index] = None
            if blob is not None:
                found[index] = weights.values(blob, index, node.name)
        except CaffeFormatError:
            continue
    for index, spec in enumerate(node.parameter.param):
        if spec.name:
            shared = weights.find_shared(users.get(spec.name, ()))
            if shared is not None:
                found[index] = shared
    if stored is None and not found:
        return None
    return [found.get(index) for index in range(max(found, default=-1) + 1)]
