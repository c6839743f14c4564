"""Maps of a YOLO network → the boxes that are found."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_hypersphere import arguments

SCORES = ("sigmoid", "softmax")
# Center, size, and whether there is anything.
BOX = 5
# A box overlaps itself by 1, but for rounding.
MOST_OVERLAP = 0.99


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class YoloDetectionOutput(keras.layers.Layer):
    """Decodes boxes, and keeps the best that do not overlap, of any class.

    Each place of a map has boxes with `5 + num_classes` numbers each: with
    `s` for the sigmoid, column `i` of `W` and an anchor `(a, b)`, the center
    is `x = (i + s(t0)) / W` (`y` with the row alike), the size `a * exp(t2)`
    by `b * exp(t3)`, and the score of a class `s(t4)` times its share. A box
    counts with its best class. From the best box on, each drops all boxes of
    lower score that it overlaps, of other classes too.

    Caffe makes as many rows as it finds, of all images together, with image
    0 in each, so that boxes of one image drop those of another; it is right
    for a batch of one. Here each image is looked at by itself and has a row
    for each box; the last are empty: `[image, -1, -1, -1, -1, -1, -1]`.
    Rows are in Caffe's order, by falling score; of equal scores the box of
    the earlier map, place and anchor is first. Nothing is learned through
    this layer.

    Args:
        num_classes: int, how many classes have a score.
        anchors: for each input a list of pairs: width and height of each box
            of a place, as parts of the image.
        scores: string, how classes share a box: `"sigmoid"` (YOLOv3), where
            a score has to be above the threshold, or `"softmax"` (YOLOv2),
            where it may be equal to it.
        confidence_threshold: float, the least score.
        nms_threshold: float from 0 to 0.99, the overlap (intersection over
            union) from which on the box of the lower score is dropped.

    Call arguments:
        inputs: list of maps `(N, H, W, boxes * (5 + num_classes))`.

    Output shape:
        `(N, rows, 7, 1)`: image, class (from 1 on), score, xmin, ymin, xmax,
        ymax, as parts of the image and not cut off at its edge. There are as
        many rows as boxes in all maps.

    Reference:
        YOLOv3: An Incremental Improvement (2018),
        https://arxiv.org/abs/1804.02767, and the layers of eric612's
        MobileNet-YOLO.
    """

    def __init__(
        self,
        num_classes: int,
        anchors: Sequence[Sequence[Sequence[float]]],
        scores: str = "sigmoid",
        confidence_threshold: float = 0.01,
        nms_threshold: float = 0.45,
        **kwargs: Any,
    ) -> None:
        # Boxes in half precision would lie elsewhere.
        super().__init__(autocast=False, **kwargs)
        self.num_classes = arguments.positive_integer(
            "num_classes", num_classes
        )
        self.anchors = [
            [[float(side) for side in anchor] for anchor in of_map]
            for of_map in anchors
        ]
        if not self.anchors or not all(
            of_map and all(len(anchor) == 2 for anchor in of_map)
            for of_map in self.anchors
        ):
            raise ValueError(
                "`anchors` must have pairs of width and height for each "
                f"input. Received: anchors={anchors}."
            )
        self.scores = arguments.choice("scores", scores, SCORES)
        self.confidence_threshold = arguments.number(
            "confidence_threshold", confidence_threshold
        )
        self.nms_threshold = arguments.number(
            "nms_threshold", nms_threshold, minimum=0
        )
        if self.nms_threshold > MOST_OVERLAP:
            raise ValueError(
                f"`nms_threshold` must be at most {MOST_OVERLAP}. Received: "
                f"nms_threshold={nms_threshold}."
            )

    def call(self, inputs: Any) -> Any:
        maps = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        found = [
            self.decode(ops.cast(x, "float32"), np.array(anchors, "f4"))
            for x, anchors in zip(maps, self.anchors, strict=True)
        ]
        boxes, scores, labels = (
            ops.concatenate(parts, axis=1) for parts in zip(*found, strict=True)
        )
        boxes, scores = ops.stop_gradient(boxes), ops.stop_gradient(scores)
        if self.scores == "softmax":
            enough = scores >= self.confidence_threshold
        else:
            enough = scores > self.confidence_threshold
        kept = self.suppress(boxes, ops.where(enough, scores, -np.inf))
        return rows_of(boxes, scores, labels, kept)

    def decode(self, x: Any, anchors: np.ndarray) -> tuple[Any, Any, Any]:
        """Centers and sizes, best scores and classes: images x boxes."""
        _, height, width, _ = x.shape
        x = ops.reshape(
            x, (-1, height, width, len(anchors), BOX + self.num_classes)
        )
        column, row = np.meshgrid(np.arange(width), np.arange(height))
        corner = np.stack([column, row], -1)[:, :, None].astype("f4")
        center = (ops.sigmoid(x[..., :2]) + corner) / np.array(
            [width, height], "f4"
        )
        boxes = ops.concatenate(
            [center, ops.exp(x[..., 2:4]) * anchors], axis=-1
        )
        share = getattr(ops, self.scores)(x[..., BOX:])
        # Of equal products the first counts, also where shares differ.
        scores = share * ops.sigmoid(x[..., 4:BOX])
        count = height * width * len(anchors)
        scores = ops.reshape(scores, (-1, count, self.num_classes))
        return (
            ops.reshape(boxes, (-1, count, 4)),
            ops.max(scores, axis=-1),
            ops.argmax(scores, axis=-1),
        )

    def suppress(self, boxes: Any, scores: Any) -> Any:
        """Which boxes stay; -inf is the score of those that do not count."""
        low = boxes[..., :2] - boxes[..., 2:] / 2
        high = boxes[..., :2] + boxes[..., 2:] / 2
        areas = boxes[..., 2] * boxes[..., 3]
        places = ops.arange(boxes.shape[1])

        def left(kept: Any, scores: Any) -> Any:
            return ops.any(scores > -np.inf)

        def take_best(kept: Any, scores: Any) -> tuple[Any, Any]:
            best = ops.argmax(scores, axis=-1)[:, None]
            counts = ops.take_along_axis(scores, best, axis=1) > -np.inf
            here = ops.logical_and(counts, best == places)
            corner = best[..., None]
            sides = ops.minimum(
                high, ops.take_along_axis(high, corner, axis=1)
            ) - ops.maximum(low, ops.take_along_axis(low, corner, axis=1))
            common = ops.where(
                ops.all(sides >= 0, axis=-1), sides[..., 0] * sides[..., 1], 0.0
            )
            union = ops.take_along_axis(areas, best, axis=1) + areas - common
            gone = common / union >= self.nms_threshold
            gone = ops.logical_or(here, ops.logical_and(counts, gone))
            scores = ops.where(gone, -np.inf, scores)
            return ops.logical_or(kept, here), scores

        nothing = ops.zeros_like(scores, dtype="bool")
        kept, _ = ops.while_loop(left, take_best, (nothing, scores))
        return kept

    def compute_output_shape(self, input_shape: Any) -> tuple:
        shapes = input_shape
        if not isinstance(shapes[0], (list, tuple)):
            shapes = [shapes]
        rows = sum(
            shape[1] * shape[2] * len(anchors)
            for shape, anchors in zip(shapes, self.anchors, strict=True)
        )
        return (shapes[0][0], rows, 7, 1)

    def compute_output_spec(self, inputs: Any) -> Any:
        maps = inputs if isinstance(inputs, (list, tuple)) else [inputs]
        shape = self.compute_output_shape([x.shape for x in maps])
        return keras.KerasTensor(shape, dtype="float32")

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("autocast", None)
        names = (
            "num_classes",
            "anchors",
            "scores",
            "confidence_threshold",
            "nms_threshold",
        )
        return {**config, **{name: getattr(self, name) for name in names}}


def rows_of(boxes: Any, scores: Any, labels: Any, kept: Any) -> Any:
    """Boxes that are kept as rows, by falling score, and empty rows."""
    order = ops.argsort(ops.where(kept, -scores, np.inf), axis=-1)
    kept = ops.take_along_axis(kept, order, axis=1)[..., None]
    half = boxes[..., 2:] / 2
    made = ops.concatenate(
        [
            ops.cast(labels, "float32")[..., None] + 1,
            scores[..., None],
            boxes[..., :2] - half,
            boxes[..., :2] + half,
        ],
        axis=-1,
    )
    made = ops.take_along_axis(made, order[..., None], axis=1)
    made = ops.where(kept, made, -1.0)
    images = ops.cast(ops.arange(ops.shape(made)[0]), made.dtype)
    images = images[:, None, None] + ops.zeros_like(made[..., :1])
    return ops.concatenate([images, made], axis=-1)[..., None]
