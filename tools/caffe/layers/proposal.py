"""Proposal: regions of a map that may hold something (PVANet's layer)."""

import numpy as np

from keras_hypersphere.caffe_layers.proposal import Proposal
from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.layers.flattening import flatten
from keras_hypersphere.tools.caffe.layers.ssd import overlap
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)


def proposal_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> list[np.ndarray]:
    """Anchors that are moved, best first, of which none overlaps another.

    As a converted model has them: as many rows for each image.
    """
    settings = layer.parameter.proposal_param
    scores, shifts, sizes = bottoms
    rows = settings.post_nms_topn
    regions = np.zeros((len(scores), rows, 5))
    points = np.full((len(scores), rows), -1.0)
    anchors = reference_anchors(settings)
    for image, (score, shift) in enumerate(zip(scores, shifts, strict=True)):
        size = sizes.reshape(len(sizes), -1)[min(image, len(sizes) - 1)]
        found = []
        for y, x in np.ndindex(score.shape[1:]):
            for k, (wide, tall) in enumerate(anchors):
                dx, dy, dw, dh = shift[4 * k : 4 * k + 4, y, x]
                middle = np.array([x, y]) * settings.feat_stride
                middle = middle + (settings.base_size - 1) / 2 + 0.5
                middle += np.array([dx * wide, dy * tall])
                half = np.array([np.exp(dw) * wide, np.exp(dh) * tall]) / 2
                box = np.concatenate([middle - half, middle + half])
                height, width = size[:2]
                last = np.array([width, height, width, height]) - 1
                box = np.maximum(0, np.minimum(box, last))
                sides = box[2:] - box[:2] + 1
                least = settings.min_size * np.array([size[2:4][-1], size[2]])
                value = score[len(anchors) + k, y, x]
                found.append((value if (sides >= least).all() else 0.0, box))
        found.sort(key=lambda one: -one[0])
        kept: list[tuple[float, np.ndarray]] = []
        for value, box in found[: settings.pre_nms_topn]:
            limit = settings.nms_thresh
            if len(kept) < rows and all(
                overlap(box, other, 1) <= limit for _, other in kept
            ):
                kept.append((value, box))
        regions[image, :, 0] = image
        for place, (value, box) in enumerate(kept):
            regions[image, place, 1:] = box
            points[image, place] = value
    tops = [regions.reshape(-1, 5), points.reshape(-1)]
    return tops[: len(layer.parameter.top)]


def reference_anchors(settings: object) -> list[tuple[float, float]]:
    """Width and height of the anchors of a place."""
    base, ratios, scales = (
        getattr(settings, name) for name in ("base_size", "ratio", "scale")
    )
    found = []
    for ratio in ratios:
        wide = np.floor(base / np.sqrt(ratio) + 0.5)
        tall = np.floor(wide * ratio + 0.5)
        found += [(wide * scale, tall * scale) for scale in scales]
    return found


@register_layer(
    "Proposal", reference=proposal_reference, message="proposal_param"
)
def proposal(layer: Emission, inputs: list[Tensor]) -> list[Tensor]:
    """Our `Proposal`: a fixed number of regions for each image."""
    scores, shifts, sizes = layer.expect(inputs, 3)
    layer.expect([scores, shifts], 2, rank=4)
    settings = layer.parameter.proposal_param
    anchors = len(settings.ratio) * len(settings.scale)
    if not anchors:
        layer.fail("needs a `ratio` and a `scale` at least")
    for place, (x, each) in enumerate(((scores, 2), (shifts, 4))):
        if x.shape[3] != each * anchors:
            layer.fail(
                f"takes {each * anchors} channels, {each} for each of "
                f"{anchors} anchors (`ratio` by `scale`); bottom {place} has "
                f"{x.shape[3]}"
            )
    if scores.shape[1:3] != shifts.shape[1:3] or None in scores.shape[1:3]:
        layer.fail(
            "takes maps of one size that is known; its bottoms have "
            f"{scores.shape[1:3]} and {shifts.shape[1:3]}"
        )
    positive = ("feat_stride", "base_size", "pre_nms_topn", "post_nms_topn")
    for name in positive:
        if not getattr(settings, name):
            layer.fail(f"`{name}` must be positive")
    if min(*settings.ratio, *settings.scale) <= 0 or settings.nms_thresh < 0:
        layer.fail(
            "`ratio` and `scale` must be positive, and `nms_thresh` not "
            "negative"
        )
    sizes = flatten(layer, sizes, "flatten")
    # PVANet's first networks give six, of which the layer reads four.
    if sizes.shape[1] < 3:
        layer.fail(
            "takes height, width and scale of the image as bottom 2, 3 numbers "
            f"or more; it has {sizes.shape[1]}"
        )
    layer.batch = None
    made = layer.add(
        Proposal,
        [scores, shifts, sizes],
        ratios=list(settings.ratio),
        scales=list(settings.scale),
        feat_stride=settings.feat_stride,
        base_size=settings.base_size,
        min_size=settings.min_size,
        pre_nms_top_n=settings.pre_nms_topn,
        post_nms_top_n=settings.post_nms_topn,
        nms_threshold=settings.nms_thresh,
    )
    rois, scores = made
    if len(layer.parameter.top) == 1:
        return [rois]
    # A Keras layer with two outputs counts as the maker of the first only.
    return [rois, layer.label(scores, part="scores")]
