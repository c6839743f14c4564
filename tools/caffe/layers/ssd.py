"""SSD's layers: its norm, its priors, and what they lead to."""

from typing import Any

import keras
import numpy as np

from keras_hypersphere.caffe_format.schema import FillerParameter
from keras_hypersphere.caffe_layers.detection_output import (
    CODES,
    DetectionOutput,
)
from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.layers.factors_and_offsets import hold_affine
from keras_hypersphere.tools.caffe.layers.flattening import flatten
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

CORNER, CORNER_SIZE = 1, 3


ONE = FillerParameter(type="constant", value=1)


def is_ssd(layer: Emission) -> bool:
    """Whether a Normalize is SSD's; that of NormFace has no weights."""
    if layer.parameter.HasField("normalize_param"):
        return False
    stored = layer.weights.shape(layer.name)
    return layer.parameter.HasField("norm_param") or stored is not None


def ssd_normalize(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """Over the L2 norm of a place or a sample, times learned factors."""
    x = layer.expect(inputs, 1, rank=4)
    settings = layer.parameter.norm_param
    axes = [1, 2, 3] if settings.across_spatial else [3]
    squares = layer.compute(keras.ops.square, x, part="square")
    total = layer.compute(
        keras.ops.sum, squares, axis=axes, keepdims=True, part="sum"
    )
    total = layer.compute(keras.ops.add, total, settings.eps, part="epsilon")
    norm = layer.compute(keras.ops.sqrt, total, part="norm")
    x = layer.compute(keras.ops.divide, x, norm, part="unit")
    spanned = [] if settings.channel_shared else [1]
    filler = settings.scale_filler if settings.HasField("scale_filler") else ONE
    (factors,) = layer.blobs(((x.shape[3],) if spanned else (), filler))
    return hold_affine(layer, x, spanned, factors)


def decode(codes: np.ndarray, priors: np.ndarray, settings: Any) -> np.ndarray:
    """Corners of boxes that are told by their distance from priors."""
    boxes, variances = priors[:, :, None]
    if not settings.variance_encoded_in_target:
        codes = codes * variances
    low, high = boxes[..., :2], boxes[..., 2:]
    if settings.code_type == CORNER:
        return boxes + codes
    sides = high - low
    if settings.code_type == CORNER_SIZE:
        return boxes + codes * np.concatenate([sides, sides], -1)
    if not settings.normalized_bbox:
        sides = sides + 1
    centers = low + sides / 2 + codes[..., :2] * sides
    halves = np.exp(codes[..., 2:]) * sides / 2
    return np.concatenate([centers - halves, centers + halves], -1)


def suppress(
    boxes: np.ndarray, scores: np.ndarray, count: int, settings: Any
) -> list[int]:
    """Places of the boxes that stay: none overlaps a better one too much."""
    lowest = -np.inf
    if settings.HasField("confidence_threshold"):
        lowest = settings.confidence_threshold
    order = np.argsort(-scores, kind="stable")
    # A box in pixels reaches to the end of its last pixel.
    more = 0 if settings.normalized_bbox else 1
    threshold, eta = settings.nms_param.nms_threshold, settings.nms_param.eta
    kept: list[int] = []
    for place in [p for p in order if scores[p] > lowest][:count]:
        if all(
            overlap(boxes[place], boxes[k], more) <= threshold for k in kept
        ):
            kept.append(place)
            if eta < 1 and threshold > 0.5:
                threshold *= eta
    return kept


def overlap(one: np.ndarray, other: np.ndarray, more: float) -> float:
    """The common area over that of both together."""
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(one[2:], other[2:])
    common = area(np.concatenate([low, high]), more)
    if not common:
        return 0.0
    return common / (area(one, more) + area(other, more) - common)


def area(box: np.ndarray, more: float) -> float:
    """Of a box, whose sides are longer by a number; 0 if turned round."""
    sides = box[2:] - box[:2]
    return float(np.prod(sides + more)) if (sides >= 0).all() else 0.0


def detection_output_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> np.ndarray:
    """Boxes that are found: image, class, score and corners.

    As a converted model has them: as many rows for each image, of which the
    last may be empty. Caffe makes as many as it finds.
    """
    settings = layer.parameter.detection_output_param
    priors = bottoms[2].reshape(2, -1, 4)
    located = 1 if settings.share_location else settings.num_classes
    codes = bottoms[0].reshape(-1, priors.shape[1], located, 4)
    scores = bottoms[1].reshape(*codes.shape[:2], settings.num_classes)
    boxes = decode(codes, priors, settings)
    if settings.clip:
        boxes = np.clip(boxes, 0, 1)
    labels = [
        label
        for label in range(settings.num_classes)
        if label != settings.background_label_id
    ]
    looked_at = codes.shape[1]
    if settings.nms_param.HasField("top_k"):
        looked_at = min(looked_at, settings.nms_param.top_k)
    count = looked_at * len(labels)
    if settings.keep_top_k > -1:
        count = min(count, settings.keep_top_k)
    made = np.full((len(codes), 1, count, 7), -1.0)
    for image, rows in enumerate(made[:, 0]):
        rows[:, 0] = image
        found = []
        for label in labels:
            own = boxes[image, :, label if located > 1 else 0]
            points = scores[image, :, label]
            for place in suppress(own, points, looked_at, settings):
                found.append((label, points[place], *own[place]))
        best = sorted(found, key=lambda row: -row[1])[:count]
        best.sort(key=lambda row: row[0])
        rows[: len(best), 1:] = np.reshape(best, (-1, 6))
    return made


@register_layer("DetectionOutput", reference=detection_output_reference)
def detection_output(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """Our `DetectionOutput`: a fixed number of rows for each image."""
    # SSD draws boxes on a fourth bottom, and shows it; no top has it.
    locations, scores, priors = layer.expect(inputs[:3], 3)
    if len(inputs) > 4:
        layer.fail(f"has {len(inputs)} bottoms; it takes 3, or 4 to show them")
    settings = layer.parameter.detection_output_param
    nms = settings.nms_param
    classes, background = settings.num_classes, settings.background_label_id
    if not settings.HasField("num_classes"):
        layer.fail("has no `num_classes`")
    if settings.HasField("objectness_score"):
        layer.unsupported("`objectness_score` is not supported")
    if not settings.normalized_bbox and settings.clip:
        layer.unsupported(
            "`clip: true` with `normalized_bbox: false` is not supported: "
            "it clips to the size of a picture in pixels"
        )
    if not settings.normalized_bbox and CODES[settings.code_type - 1] == (
        "corner_size"
    ):
        layer.unsupported(
            "`normalized_bbox: false` is supported for `code_type: CORNER` "
            "and `CENTER_SIZE`"
        )
    if settings.share_location and background == -1:
        layer.fail(
            "`share_location` needs a `background_label_id` of 0 or more"
        )
    if classes - (0 <= background < classes) < 1:
        layer.fail("`num_classes` must leave a class besides the background")
    if nms.nms_threshold < 0 or not 0 < nms.eta <= 1:
        layer.fail("`nms_threshold` must not be negative, `eta` from 0 to 1")
    limits: dict[str, Any] = {}
    for name, owner, word in (
        ("nms_top_k", nms, "top_k"),
        ("keep_top_k", settings, "keep_top_k"),
    ):
        count = getattr(owner, word) if owner.HasField(word) else -1
        if count == 0:
            layer.unsupported(f"`{word}: 0`, which keeps nothing")
        limits[name] = count if count > 0 else None
    if len(priors.shape) != 3 or priors.shape[1] != 2:
        layer.fail("its third bottom must be the top of PriorBox layers")
    count = priors.shape[2] // 4
    located = 1 if settings.share_location else classes
    locations = flatten(layer, locations, "locations")
    scores = flatten(layer, scores, "scores")
    for name, blob, wanted in (
        ("locations", locations, 4 * located),
        ("scores", scores, classes),
    ):
        if blob.shape[1] != count * wanted:
            layer.fail(
                f"has {blob.shape[1]} {name} for {count} priors; it takes "
                f"{wanted} for each"
            )
    threshold = settings.HasField("confidence_threshold")
    return layer.add(
        DetectionOutput,
        [locations, scores, priors],
        num_classes=classes,
        background_label_id=background,
        share_location=settings.share_location,
        code_type=CODES[settings.code_type - 1],
        variance_encoded_in_target=settings.variance_encoded_in_target,
        nms_threshold=nms.nms_threshold,
        clip=settings.clip,
        normalized=settings.normalized_bbox,
        eta=nms.eta,
        confidence_threshold=settings.confidence_threshold
        if threshold
        else None,
        **limits,
    )
