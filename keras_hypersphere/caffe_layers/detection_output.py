"""Boxes and scores of a detector → the boxes that are found: SSD's last."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from keras import ops

from keras_hypersphere import arguments

CODES = ("corner", "center_size", "corner_size")


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class DetectionOutput(keras.layers.Layer):
    """Decodes boxes, and keeps the best that do not overlap, class by class.

    Caffe makes as many rows as it finds, of all images together. Here each
    image has the same number of rows, and the last of them may be empty:
    `[image, -1, -1, -1, -1, -1, -1]`, which is also Caffe's row for nothing
    at all. `found_rows` gives Caffe's blob. Rows are in Caffe's order: by
    class, and in a class by falling score.

    Args:
        num_classes: int, how many classes have a score.
        background_label_id: int, the class that is not looked for; -1 for
            none.
        share_location: bool, whether all classes have the same boxes.
        code_type: string, how boxes are written: `"corner"`,
            `"center_size"` or `"corner_size"`.
        variance_encoded_in_target: bool, whether the variances of the
            priors are left out.
        nms_threshold: float, the overlap (intersection over union) above
            which the box of the lower score is dropped.
        nms_top_k: int or `None`, how many boxes of a class are looked at.
        eta: float, by which the threshold falls with each box, while it is
            over 0.5.
        keep_top_k: int or `None`, how many boxes of an image are kept.
        confidence_threshold: float or `None`, above which scores are.
        clip: bool, whether boxes end where the image ends, at 0 and 1.
        normalized: bool; False for boxes in pixels, which reach to the end of
            their last pixel: a side is its difference plus 1.

    Call arguments:
        inputs: list of three: locations `(N, priors * classes * 4)`, scores
            `(N, priors * classes)`, and priors `(1, 2, priors * 4)` with
            their variances.

    Output shape:
        `(N, rows, 7, 1)`: image, class, score, xmin, ymin, xmax, ymax. There
        are `keep_top_k` rows, or as many as there can be.

    Reference:
        SSD: Single Shot MultiBox Detector (2016),
        https://arxiv.org/abs/1512.02325, and its layer of this name.
    """

    def __init__(
        self,
        num_classes: int,
        background_label_id: int = 0,
        share_location: bool = True,
        code_type: str = "corner",
        variance_encoded_in_target: bool = False,
        nms_threshold: float = 0.3,
        nms_top_k: int | None = None,
        eta: float = 1.0,
        keep_top_k: int | None = None,
        confidence_threshold: float | None = None,
        clip: bool = False,
        normalized: bool = True,
        **kwargs: Any,
    ) -> None:
        # Boxes in half precision would lie elsewhere.
        super().__init__(autocast=False, **kwargs)
        self.num_classes = arguments.positive_integer(
            "num_classes", num_classes
        )
        self.background_label_id = arguments.integer(
            "background_label_id", background_label_id
        )
        self.share_location = arguments.flag("share_location", share_location)
        self.code_type = arguments.choice("code_type", code_type, CODES)
        self.variance_encoded_in_target = arguments.flag(
            "variance_encoded_in_target", variance_encoded_in_target
        )
        self.nms_threshold = arguments.number(
            "nms_threshold", nms_threshold, minimum=0
        )
        self.nms_top_k = count_or_none("nms_top_k", nms_top_k)
        self.eta = arguments.number("eta", eta, positive=True)
        self.keep_top_k = count_or_none("keep_top_k", keep_top_k)
        if confidence_threshold is not None:
            confidence_threshold = arguments.number(
                "confidence_threshold", confidence_threshold
            )
        self.confidence_threshold = confidence_threshold
        self.clip = arguments.flag("clip", clip)
        self.normalized = arguments.flag("normalized", normalized)
        classes = set(range(num_classes)) - {background_label_id}
        if not classes:
            raise ValueError(
                "`num_classes` must leave a class besides the background. "
                f"Received: num_classes={num_classes}."
            )
        self.classes = tuple(sorted(classes))

    def rows(self, priors: int) -> tuple[int, int]:
        """How many boxes of a class are looked at, and of an image kept."""
        looked_at = min(self.nms_top_k or priors, priors)
        most = looked_at * len(self.classes)
        return looked_at, min(self.keep_top_k or most, most)

    def call(self, inputs: Sequence[Any]) -> Any:
        locations, scores, priors = (ops.cast(x, "float32") for x in inputs)
        count = priors.shape[-1] // 4
        looked_at, rows = self.rows(count)
        boxes = self.decode(locations, ops.reshape(priors[0], (2, count, 4)))
        scores = ops.reshape(scores, (-1, count, self.num_classes))
        scores = ops.transpose(scores, (0, 2, 1))
        scores = ops.take(scores, list(self.classes), axis=1)
        # Equal scores stay in the order of their priors.
        best = ops.argsort(-scores, axis=-1)[..., :looked_at]
        scores = ops.take_along_axis(scores, best, axis=2)
        best = ops.repeat(best[..., None], 4, axis=-1)
        boxes = ops.take_along_axis(boxes, best, axis=2)
        kept = self.suppress(boxes, scores)
        return self.gather(boxes, scores, kept, rows)

    def decode(self, codes: Any, priors: Any) -> Any:
        """Images x classes x priors x corners."""
        count = priors.shape[1]
        classes = 1 if self.share_location else self.num_classes
        codes = ops.reshape(codes, (-1, count, classes, 4))
        codes = ops.transpose(codes, (0, 2, 1, 3))
        boxes, variances = priors[0], priors[1]
        if not self.variance_encoded_in_target:
            codes = codes * variances
        low, high = boxes[:, :2], boxes[:, 2:]
        size = high - low
        if self.code_type == "corner":
            boxes = boxes + codes
        elif self.code_type == "corner_size":
            boxes = boxes + codes * ops.concatenate([size, size], axis=-1)
        else:
            if not self.normalized:
                size = size + 1
            center = codes[..., :2] * size + low + size / 2
            half = ops.exp(codes[..., 2:]) * size / 2
            boxes = ops.concatenate([center - half, center + half], axis=-1)
        if self.clip:
            boxes = ops.clip(boxes, 0.0, 1.0)
        if self.share_location:
            return ops.repeat(boxes, len(self.classes), axis=1)
        return ops.take(boxes, list(self.classes), axis=1)

    def suppress(self, boxes: Any, scores: Any) -> Any:
        """Which boxes stay: from the best on, those apart from all before."""
        count = scores.shape[2]
        places = ops.arange(count)
        enough = ops.ones_like(scores, dtype="bool")
        if self.confidence_threshold is not None:
            enough = scores > self.confidence_threshold
        more = 0.0 if self.normalized else 1.0
        areas = area(boxes, more)
        limit = ops.full_like(scores[..., 0], self.nms_threshold)

        def look_at(place: Any, state: tuple[Any, Any]) -> tuple[Any, Any]:
            kept, limit = state
            overlaps = overlap(
                ops.take(boxes, place, axis=2)[:, :, None],
                ops.take(areas, place, axis=2)[:, :, None],
                boxes,
                areas,
                more,
            )
            apart = ops.logical_or(
                ops.logical_not(kept), overlaps <= limit[..., None]
            )
            keep = ops.logical_and(
                ops.take(enough, place, axis=2), ops.all(apart, axis=-1)
            )
            here = ops.equal(places, place)
            kept = ops.logical_or(kept, ops.logical_and(keep[..., None], here))
            if self.eta < 1:
                falls = ops.logical_and(keep, limit > 0.5)
                limit = ops.where(falls, limit * self.eta, limit)
            return kept, limit

        nothing = ops.zeros_like(scores, dtype="bool")
        kept, _ = ops.fori_loop(0, count, look_at, (nothing, limit))
        return kept

    def gather(self, boxes: Any, scores: Any, kept: Any, rows: int) -> Any:
        """The best boxes of each image, as rows."""
        _, classes, looked_at = scores.shape
        total = classes * looked_at
        scores = ops.reshape(scores, (-1, total))
        boxes = ops.reshape(boxes, (-1, total, 4))
        kept = ops.reshape(kept, (-1, total))
        falling = ops.where(kept, -scores, np.inf)
        best = ops.argsort(falling, axis=-1)[:, :rows]
        # Back to the order of classes; what is not kept goes to the end.
        best = ops.where(ops.take_along_axis(kept, best, axis=1), best, total)
        best = ops.sort(best, axis=-1)
        found = (best < total)[..., None]
        best = ops.minimum(best, total - 1)
        labels = ops.take(
            ops.convert_to_tensor(list(self.classes), dtype="float32"),
            best // looked_at,
        )
        made = ops.concatenate(
            [
                labels[..., None],
                ops.take_along_axis(scores, best, axis=1)[..., None],
                ops.take_along_axis(
                    boxes, ops.repeat(best[..., None], 4, axis=-1), axis=1
                ),
            ],
            axis=-1,
        )
        made = ops.where(found, made, -1.0)
        images = ops.cast(ops.arange(ops.shape(made)[0]), made.dtype)
        images = images[:, None, None] + ops.zeros_like(made[..., :1])
        return ops.concatenate([images, made], axis=-1)[..., None]

    def compute_output_shape(self, input_shape: Sequence[tuple]) -> tuple:
        _, rows = self.rows(input_shape[2][-1] // 4)
        return (input_shape[0][0], rows, 7, 1)

    def compute_output_spec(self, inputs: Sequence[Any]) -> Any:
        shape = self.compute_output_shape([x.shape for x in inputs])
        return keras.KerasTensor(shape, dtype="float32")

    def get_config(self) -> dict[str, Any]:
        config = super().get_config()
        config.pop("autocast", None)
        names = (
            "num_classes",
            "background_label_id",
            "share_location",
            "code_type",
            "variance_encoded_in_target",
            "nms_threshold",
            "nms_top_k",
            "eta",
            "keep_top_k",
            "confidence_threshold",
            "clip",
            "normalized",
        )
        return {**config, **{name: getattr(self, name) for name in names}}


def count_or_none(name: str, value: Any) -> int | None:
    """How many, or all."""
    return value if value is None else arguments.positive_integer(name, value)


def area(boxes: Any, more: float) -> Any:
    """Of each box, whose sides are longer by a number; 0 if turned round."""
    sides = boxes[..., 2:] - boxes[..., :2]
    proper = ops.all(sides >= 0, axis=-1)
    sides = sides + more
    return ops.where(proper, sides[..., 0] * sides[..., 1], 0.0)


def overlap(
    one: Any, area_of_one: Any, boxes: Any, areas: Any, more: float
) -> Any:
    """Intersection over union."""
    low = ops.maximum(one[..., :2], boxes[..., :2])
    high = ops.minimum(one[..., 2:], boxes[..., 2:])
    # Boxes that are turned round may have an "intersection" elsewhere.
    apart = ops.logical_or(
        ops.any(boxes[..., :2] > one[..., 2:], axis=-1),
        ops.any(boxes[..., 2:] < one[..., :2], axis=-1),
    )
    sides = high - low + more
    common = sides[..., 0] * sides[..., 1]
    meet = ops.logical_and(ops.all(sides > 0, axis=-1), ops.logical_not(apart))
    union = area_of_one + areas - common
    return ops.where(meet, common / ops.where(meet, union, 1.0), 0.0)


def found_rows(detections: np.ndarray) -> np.ndarray:
    """What Caffe's blob holds: the rows of all images that are not empty.

    Args:
        detections: What `DetectionOutput` gives.

    Returns:
        Array of shape `(1, 1, rows, 7)`; one row for each image, with class
        -1, if nothing is found in any.
    """
    detections = np.asarray(detections)[..., 0]
    rows = detections[detections[..., 1] >= 0]
    if not len(rows):
        rows = detections[:, 0]
    return rows[None, None]
