"""PriorBox: the boxes of SSD that detections are told by."""

from typing import Any

import keras
import numpy as np

from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

MOST_BOXES = 10**6


MOST_RATIOS = 1000


# Boxes with sides that differ by less are one to Caffe.
SAME_RATIO = 1e-6


def prior_box_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
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
    y, x = np.meshgrid(np.arange(rows), np.arange(columns), indexing="ij")
    centers = np.stack(
        [
            np.stack([(x + right) * steps[1], (y + down) * steps[0]], -1)
            for down, right in offsets(settings)
        ],
        2,
    )[:, :, None]
    sizes = sizes[:, None]
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


def offsets(settings: Any) -> list[tuple[float, float]]:
    """Where boxes stand in their cell, down and to the right."""
    given = list(zip(settings.offset_h, settings.offset_w, strict=True))
    return given or [(settings.offset, settings.offset)]


def box_sizes(settings: Any) -> list[tuple[float, float]]:
    """Widths and heights of the boxes of one place, in Caffe's order."""
    if settings.width:
        return list(zip(settings.width, settings.height, strict=True))
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


@register_layer("PriorBox", reference=prior_box_reference)
def prior_box(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """A constant of shape (1, 2, 4 x boxes): corners, and variances."""
    layer.expect(inputs, 2, rank=4)
    settings = layer.parameter.prior_box_param
    cells, image = (x.shape[1:3] for x in inputs)
    image = both(layer, "img", "img_size", image)
    steps = [
        np.float32(size) / np.float32(count)
        for size, count in zip(image, cells, strict=True)
    ]
    steps = list(np.array(both(layer, "step", "step", steps), np.float32))
    sides, places = box_sides(layer), box_places(layer)
    if cells[0] * cells[1] * len(sides) * len(places) > MOST_BOXES:
        layer.unsupported(f"more than {MOST_BOXES} boxes are not supported")
    # Caffe has centers and sides in float, and divides in double.
    centers = np.stack(
        [
            np.stack(
                np.meshgrid(
                    *(
                        (np.arange(count, dtype=np.float32) + place) * step
                        for count, place, step in zip(
                            cells[::-1], spot[::-1], steps[::-1], strict=True
                        )
                    )
                ),
                -1,
            )
            for spot in np.array(places, np.float32)
        ],
        2,
    )[:, :, None]
    # Of each size a box at each place.
    halves = np.array(sides, np.float32).astype(np.float64)[:, None] / 2
    boxes = np.concatenate([centers - halves, centers + halves], -1)
    boxes = boxes / np.array([*image[::-1]] * 2)
    if settings.clip:
        boxes = boxes.clip(0, 1)
    variances = list(settings.variance) or [0.1]
    if len(variances) not in (1, 4) or min(variances) <= 0:
        layer.fail("`variance` takes one positive number, or four")
    spread = np.broadcast_to(np.array(variances, np.float32), boxes.shape)
    priors = np.stack([boxes.ravel(), spread.ravel()])[None].astype("f4")
    # Keras' constants begin at inputs, and old Keras wants each input used;
    # no number of them counts.
    for index, x in enumerate(inputs):
        any_number = layer.compute(keras.ops.sum, x, part=f"any{index}")
        zero = layer.compute(
            keras.ops.zeros_like, any_number, part=f"zero{index}"
        )
        priors = layer.compute(keras.ops.add, zero, priors, part=f"add{index}")
    return layer.label(priors)


def given_sides(layer: Emission) -> list[tuple[float, float]]:
    """Widths and heights that are given, as OpenCV reads them."""
    settings = layer.parameter.prior_box_param
    sides = [*settings.width, *settings.height]
    if len(settings.width) != len(settings.height) or not min(sides) > 0:
        layer.fail(
            "takes as many positive `width` as `height`. Received: "
            f"{list(settings.width)} and {list(settings.height)}"
        )
    if settings.min_size or settings.max_size or settings.aspect_ratio:
        layer.fail(
            "gives `width` and `height`, and sizes or ratios too; give one "
            "kind of them"
        )
    return list(zip(settings.width, settings.height, strict=True))


def both(layer: Emission, word: str, one: str, default: Any) -> list[float]:
    """Height and width of a setting that may be given as one or two."""
    settings = layer.parameter.prior_box_param
    names = [f"{word}_h", f"{word}_w"]
    if any(settings.HasField(name) for name in names):
        if settings.HasField(one):
            layer.fail(f"gives `{one}` and `{names[0]}`; give one of them")
        found = [getattr(settings, name) for name in names]
    elif settings.HasField(one):
        found = [getattr(settings, one)] * 2
    else:
        return list(default)
    if not all(value > 0 for value in found):
        layer.fail(f"`{word}` must be positive in both directions")
    return found


def box_places(layer: Emission) -> list[tuple[float, float]]:
    """Where boxes stand in their cell: one place, or as OpenCV reads it."""
    settings = layer.parameter.prior_box_param
    down, right = list(settings.offset_h), list(settings.offset_w)
    if len(down) != len(right) or (down and settings.HasField("offset")):
        layer.fail(
            "takes `offset`, or as many `offset_h` as `offset_w`. Received: "
            f"{len(down)} and {len(right)}"
        )
    return offsets(settings)


def box_sides(layer: Emission) -> list[tuple[float, float]]:
    """Widths and heights of the boxes of one place, in Caffe's order."""
    settings = layer.parameter.prior_box_param
    if settings.width or settings.height:
        return given_sides(layer)
    least, most = list(settings.min_size), list(settings.max_size)
    if not least or not min(least) > 0:
        layer.fail("takes a positive `min_size`, or several")
    if most and len(most) != len(least):
        layer.fail(f"has {len(least)} `min_size` and {len(most)} `max_size`")
    if any(not b > a for a, b in zip(least, most, strict=False)):
        layer.fail("each `max_size` must be above its `min_size`")
    if len(settings.aspect_ratio) > MOST_RATIOS:
        layer.unsupported(f"more than {MOST_RATIOS} ratios are not supported")
    ratios = [1.0]
    for ratio in settings.aspect_ratio:
        if not ratio > 0:
            layer.fail("`aspect_ratio` must be positive")
        if all(abs(ratio - other) >= SAME_RATIO for other in ratios):
            ratios += [ratio, 1 / ratio] if settings.flip else [ratio]
    sides = []
    for index, size in enumerate(least):
        # Caffe keeps sizes in whole numbers.
        size = float(int(size))
        sides.append((size, size))
        if most:
            middle = np.sqrt(size * int(most[index]))
            sides.append((middle, middle))
        sides += [
            (size * np.sqrt(ratio), size / np.sqrt(ratio))
            for ratio in np.array(ratios[1:], np.float32).astype(float)
            if abs(ratio - 1) >= SAME_RATIO
        ]
    return sides
