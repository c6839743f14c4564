"""Scores and shifts of anchors → the regions to look at: Faster R-CNN's."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.caffe_layers.detection_output import area, overlap

# Boxes reach to the end of their last pixel.
MORE = 1.0


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class Proposal(keras.layers.Layer):
    """Moves anchors, and keeps the best that do not overlap.

    Each place of the map has an anchor for each ratio and scale, in this
    order. The score of a box that is smaller than `min_size` becomes 0, and
    of equal scores the first is the better one.

    Caffe makes as many rows as it finds, of all images together. Here each
    image has `post_nms_top_n` rows; those that nothing fills are
    `[image, 0, 0, 0, 0]`, with score -1. So has OpenCV, with score 0.

    Args:
        ratios: list of floats, height by width of the anchors.
        scales: list of floats, their sides by `base_size`.
        feat_stride: int, pixels from place to place.
        base_size: int, side in pixels of the anchor of ratio and scale 1.
        min_size: int, the least side of a region in the image before it was
            scaled.
        pre_nms_top_n: int, how many boxes are looked at.
        post_nms_top_n: int, how many regions an image has.
        nms_threshold: float, the overlap (intersection over union) above
            which the box of the lower score is dropped.

    Call arguments:
        inputs: list of three: scores `(N, H, W, 2 * anchors)`, of which the
            second half are those of objects, shifts `(N, H, W, 4 * anchors)`,
            and height, width and scale of the image, `(N, 3)`, or with a
            scale for each side `(N, 4)`. Numbers after these are not read.

    Output shape:
        Regions `(N * post_nms_top_n, 5)`: image, x1, y1, x2, y2, in pixels,
        and their scores `(N * post_nms_top_n,)`.

    Reference:
        PVANET: Deep but Lightweight Neural Networks for Real-time Object
        Detection (2016), https://arxiv.org/abs/1608.08021, and its layer of
        this name.
    """

    def __init__(
        self,
        ratios: Sequence[float],
        scales: Sequence[float],
        feat_stride: int = 16,
        base_size: int = 16,
        min_size: int = 16,
        pre_nms_top_n: int = 6000,
        post_nms_top_n: int = 300,
        nms_threshold: float = 0.7,
        **kwargs: Any,
    ) -> None:
        # Boxes in half precision would lie elsewhere.
        super().__init__(autocast=False, **kwargs)
        self.ratios, self.scales = (
            [arguments.number(name, x, positive=True) for x in values]
            for name, values in (("ratios", ratios), ("scales", scales))
        )
        self.feat_stride = arguments.positive_integer(
            "feat_stride", feat_stride
        )
        self.base_size = arguments.positive_integer("base_size", base_size)
        self.min_size = arguments.integer("min_size", min_size)
        self.pre_nms_top_n = arguments.positive_integer(
            "pre_nms_top_n", pre_nms_top_n
        )
        self.post_nms_top_n = arguments.positive_integer(
            "post_nms_top_n", post_nms_top_n
        )
        self.nms_threshold = arguments.number(
            "nms_threshold", nms_threshold, minimum=0
        )
        if not self.ratios or not self.scales:
            raise ValueError(
                "`ratios` and `scales` must have a number at least. Received: "
                f"ratios={ratios}, scales={scales}."
            )

    def anchors(self, height: int, width: int) -> np.ndarray:
        """Corners of the anchors of a map, `(height * width * anchors, 4)`."""
        middle = (self.base_size - 1) / 2
        sides = [
            (wide * scale, tall * scale)
            for wide, tall in (
                self.sides(np.float32(ratio)) for ratio in self.ratios
            )
            for scale in np.array(self.scales, np.float32)
        ]
        halves = (np.array(sides, np.float32) - 1) / 2
        boxes = np.concatenate([middle - halves, middle + halves], 1)
        rows, columns = np.mgrid[:height, :width] * self.feat_stride
        places = np.stack([columns, rows, columns, rows], -1)
        return (places[:, :, None] + boxes).reshape(-1, 4).astype(np.float32)

    def sides(self, ratio: np.float32) -> tuple[float, float]:
        """Width and height of an anchor of scale 1, in whole pixels."""
        wide = np.floor(np.sqrt(np.float32(self.base_size**2) / ratio) + 0.5)
        return wide, np.floor(wide * ratio + 0.5)

    def call(self, inputs: Sequence[Any]) -> tuple[Any, Any]:
        scores, shifts, sizes = (ops.cast(x, "float32") for x in inputs)
        _, height, width, channels = scores.shape
        scores = scores[..., channels // 2 :]
        anchors = self.anchors(height, width)
        count = len(anchors)
        scores = ops.reshape(scores, (-1, count))
        shifts = ops.reshape(shifts, (-1, count, 4))
        sizes = ops.reshape(sizes, (-1, sizes.shape[-1]))
        boxes, large = self.move(anchors, shifts, sizes)
        scores = scores * ops.cast(large, "float32")
        looked_at = min(self.pre_nms_top_n, count)
        best = ops.argsort(-scores, axis=-1)[:, :looked_at]
        scores = ops.take_along_axis(scores, best, axis=1)
        best = ops.repeat(best[..., None], 4, axis=-1)
        boxes = ops.take_along_axis(boxes, best, axis=1)
        return self.gather(boxes, scores, self.suppress(boxes, scores))

    def move(self, anchors: Any, shifts: Any, sizes: Any) -> tuple[Any, Any]:
        """Boxes within the image, and which of them are large enough."""
        low, side = anchors[:, :2], anchors[:, 2:] - anchors[:, :2] + 1
        middle = shifts[..., :2] * side + (low + side / 2)
        half = ops.exp(shifts[..., 2:]) * side / 2
        boxes = ops.concatenate([middle - half, middle + half], axis=-1)
        # Width comes first in a box, and height in a size.
        last = ops.concatenate([sizes[:, 1::-1]] * 2, axis=-1)[:, None] - 1
        boxes = ops.maximum(0.0, ops.minimum(boxes, last))
        scales = sizes[:, 3:1:-1]
        least = (self.min_size * scales)[:, None]
        large = boxes[..., 2:] - boxes[..., :2] + 1 >= least
        return boxes, ops.all(large, axis=-1)

    def suppress(self, boxes: Any, scores: Any) -> Any:
        """Places of the boxes that stay, by falling score; past the last box
        where there are no more.
        """
        count = boxes.shape[1]
        places, rows = ops.arange(count), ops.arange(self.post_nms_top_n)
        areas = area(boxes, MORE)

        def take_next(row: Any, state: tuple[Any, Any]) -> tuple[Any, Any]:
            left, taken = state
            first = ops.argmax(ops.cast(left, "int32"), axis=1)
            first = ops.cast(first, "int32")[:, None]
            box = ops.take_along_axis(
                boxes, ops.repeat(first[..., None], 4, axis=-1), axis=1
            )
            overlaps = overlap(
                box,
                ops.take_along_axis(areas, first, axis=1),
                boxes,
                areas,
                MORE,
            )
            found = ops.any(left, axis=1, keepdims=True)
            here = ops.where(found, first, count)
            taken = ops.where(ops.equal(rows, row), here, taken)
            left = left & (overlaps <= self.nms_threshold) & (places != first)
            return left, taken

        left = ops.ones_like(scores, dtype="bool")
        none = ops.zeros_like(scores[:, :1], dtype="int32") + ops.full_like(
            rows, count, dtype="int32"
        )
        _, taken = ops.fori_loop(
            0, self.post_nms_top_n, take_next, (left, none)
        )
        return taken

    def gather(self, boxes: Any, scores: Any, taken: Any) -> tuple[Any, Any]:
        """Rows of all images."""
        found = taken < boxes.shape[1]
        taken = ops.minimum(taken, boxes.shape[1] - 1)
        scores = ops.take_along_axis(scores, taken, axis=1)
        corners = ops.repeat(taken[..., None], 4, axis=-1)
        boxes = ops.take_along_axis(boxes, corners, axis=1)
        boxes = ops.where(found[..., None], boxes, 0.0)
        images = ops.cast(ops.arange(ops.shape(boxes)[0]), "float32")
        images = images[:, None, None] + ops.zeros_like(boxes[..., :1])
        regions = ops.concatenate([images, boxes], axis=-1)
        scores = ops.where(found, scores, -1.0)
        return ops.reshape(regions, (-1, 5)), ops.reshape(scores, (-1,))

    def compute_output_shape(self, input_shape: Sequence[tuple]) -> tuple:
        count = input_shape[0][0]
        rows = None if count is None else count * self.post_nms_top_n
        return (rows, 5), (rows,)

    def compute_output_spec(self, inputs: Sequence[Any]) -> Any:
        shapes = self.compute_output_shape([x.shape for x in inputs])
        return tuple(keras.KerasTensor(s, dtype="float32") for s in shapes)

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("autocast", None)
        names = (
            "ratios",
            "scales",
            "feat_stride",
            "base_size",
            "min_size",
            "pre_nms_top_n",
            "post_nms_top_n",
            "nms_threshold",
        )
        return {**config, **{name: getattr(self, name) for name in names}}
