"""Layers that speak of boxes."""

import numpy as np

from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer
from keras_hypersphere.tools.caffe.reference.registry import register_reference

Bottoms = list[np.ndarray]


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


def box_sizes(settings: object) -> list[tuple[float, float]]:
    """Widths and heights of the boxes of one place, in Caffe's order."""
    ratios = [1.0]
    for ratio in settings.aspect_ratio:
        if all(abs(ratio - known) >= 1e-6 for known in ratios):
            ratios.append(ratio)
            if settings.flip:
                ratios.append(1 / ratio)
    found = []
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
