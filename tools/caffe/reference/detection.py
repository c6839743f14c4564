"""Layers that speak of boxes."""

from typing import Any

import numpy as np

from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer
from keras_hypersphere.tools.caffe.reference.registry import register_reference

Bottoms = list[np.ndarray]
CORNER, CORNER_SIZE = 1, 3


@register_reference("ROIPooling")
def roi_pooling(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The largest value of each cell of a grid over each box."""
    x, boxes = bottoms
    settings = layer.parameter.roi_pooling_param
    rows, columns = settings.pooled_h, settings.pooled_w
    boxes = boxes.reshape(len(boxes), 5)
    made = np.zeros((len(boxes), x.shape[1], rows, columns))
    for box, top in zip(boxes, made, strict=True):
        image = x[int(box[0])]
        # C's `round`, halves away from zero; boxes are not negative.
        edges = np.floor(box[1:] * settings.spatial_scale + 0.5).astype(int)
        ys = cells(edges[1], edges[3], rows, x.shape[2])
        xs = cells(edges[0], edges[2], columns, x.shape[3])
        for i, (first, last) in enumerate(ys):
            for j, (left, right) in enumerate(xs):
                if first < last and left < right:
                    top[:, i, j] = image[:, first:last, left:right].max((1, 2))
    return made


def cells(start: int, end: int, count: int, size: int) -> list[tuple[int, int]]:
    """One side of the grid; Caffe computes in float32 here."""
    width = np.float32(max(end - start + 1, 1)) / np.float32(count)
    index = np.arange(count, dtype=np.float32)
    firsts = np.floor(index * width).astype(int) + start
    lasts = np.ceil((index + 1) * width).astype(int) + start
    return list(
        zip(np.clip(firsts, 0, size), np.clip(lasts, 0, size), strict=True)
    )


@register_reference("PriorBox")
def prior_box(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """Boxes around each place of a map, and their variances."""
    settings = layer.parameter.prior_box_param
    rows, columns = bottoms[0].shape[2:]
    image = [
        getattr(settings, name) or settings.img_size or size
        for name, size in zip(
            ("img_h", "img_w"), bottoms[1].shape[2:], strict=True
        )
    ]
    steps = [
        getattr(settings, name) or settings.step or size / count
        for name, size, count in zip(
            ("step_h", "step_w"), image, (rows, columns), strict=True
        )
    ]
    sizes = np.array(box_sizes(settings))
    y, x = np.meshgrid(
        (np.arange(rows) + settings.offset) * steps[0],
        (np.arange(columns) + settings.offset) * steps[1],
        indexing="ij",
    )
    centers = np.stack([x, y], -1)[:, :, None]
    scale = np.array(image[::-1])
    boxes = np.concatenate(
        [(centers - sizes / 2) / scale, (centers + sizes / 2) / scale], -1
    )
    if settings.clip:
        boxes = np.clip(boxes, 0, 1)
    variances = list(settings.variance) or [0.1]
    if len(variances) not in (1, 4):
        layer.fail("`variance` takes one number or four")
    count = boxes.size // 4
    spread = np.tile(variances * (4 // len(variances)), count)
    return np.stack([boxes.reshape(-1), spread])[None]


def box_sizes(settings: Any) -> list[tuple[float, float]]:
    """Widths and heights of the boxes of one place, in Caffe's order."""
    ratios = [1.0]
    for ratio in settings.aspect_ratio:
        if all(abs(ratio - known) >= 1e-6 for known in ratios):
            ratios.append(ratio)
            if settings.flip:
                ratios.append(1 / ratio)
    found: list[tuple[float, float]] = []
    for index, least in enumerate(settings.min_size):
        # Caffe holds these in whole numbers.
        least = int(least)
        found.append((least, least))
        if settings.max_size:
            side = np.sqrt(least * int(settings.max_size[index]))
            found.append((side, side))
        found += [
            (least * np.sqrt(ratio), least / np.sqrt(ratio))
            for ratio in ratios[1:]
        ]
    return found


@register_reference("DetectionOutput")
def detection_output(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
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
    centers = (low + high) / 2 + codes[..., :2] * sides
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
    threshold, eta = settings.nms_param.nms_threshold, settings.nms_param.eta
    kept: list[int] = []
    for place in [p for p in order if scores[p] > lowest][:count]:
        if all(overlap(boxes[place], boxes[k]) <= threshold for k in kept):
            kept.append(place)
            if eta < 1 and threshold > 0.5:
                threshold *= eta
    return kept


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    """The common area over that of both together."""
    low = np.maximum(one[:2], other[:2])
    high = np.minimum(one[2:], other[2:])
    common = np.prod(np.maximum(high - low, 0))
    areas = [np.prod(np.maximum(b[2:] - b[:2], 0)) for b in (one, other)]
    return common / (sum(areas) - common) if common else 0.0
