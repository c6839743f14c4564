"""What the maps of MobileNet-YOLO's networks lead to: boxes."""

from typing import Any

import numpy as np

from keras_hypersphere.caffe_layers.yolo_detection_output import (
    BOX,
    MOST_OVERLAP,
    YoloDetectionOutput,
)
from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import register_layer
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

V2, V3 = "yolo_detection_output_param", "yolov3_detection_output_param"


def anchors_of(
    message: str, settings: Any, sizes: list[tuple[int, int]]
) -> list[list[list[float]]]:
    """Width and height of the boxes of each map, as parts of the image.

    Args:
        message: Whose settings these are.
        settings: Of YOLOv2, whose maps have the same boxes, counted in
            cells; or of YOLOv3, which counts in pixels.
        sizes: Height and width of each map.

    Raises:
        IndexError: If there are too few numbers.
    """
    pairs = np.reshape(settings.biases, (-1, 2))
    made = []
    for place, (height, width) in enumerate(sizes):
        numbers, scale = list(range(settings.num_box)), 1
        if message == V3:
            first = place * (len(settings.mask) // len(sizes))
            scale = settings.anchors_scale[place]
            numbers = [settings.mask[first + number] for number in numbers]
        sides = np.array([width, height]) * scale
        made.append((pairs[numbers] / sides).tolist())
    return made


def find_boxes(
    message: str, layer: ReferenceLayer, bottoms: Bottoms
) -> np.ndarray:
    """Boxes that are found, with rows as a converted model has them."""
    settings = getattr(layer.parameter, message)
    classes = settings.num_classes
    anchors = anchors_of(message, settings, [x.shape[2:] for x in bottoms])
    total = sum(x[0, 0].size for x in bottoms) * settings.num_box
    made = np.full((len(bottoms[0]), 1, total, 7), -1.0)
    for image, rows in enumerate(made[:, 0]):
        rows[:, 0] = image
        found = []
        for x, sides in zip(bottoms, anchors, strict=True):
            size = np.array(x.shape[:1:-1])
            numbers = x[image].reshape(settings.num_box, BOX + classes, -1)
            for place, box in np.ndindex(numbers.shape[2], len(sides)):
                t = numbers[box, :, place]
                cell = np.array([place % size[0], place // size[0]])
                center = (cell + sigmoid(t[:2])) / size
                with np.errstate(over="ignore"):
                    half = np.exp(t[2:4]) * sides[box] / 2
                share = sigmoid if message == V3 else softmax
                scores = share(t[BOX:]) * sigmoid(t[4])
                label = int(scores.argmax())
                found.append(
                    (scores[label], label, center - half, center + half)
                )
        lowest = settings.confidence_threshold
        found = [
            one
            for one in sorted(found, key=lambda one: -one[0])
            if one[0] > lowest or (one[0] == lowest and message == V2)
        ]
        place = 0
        while found:
            score, label, low, high = found.pop(0)
            rows[place, 1:] = label + 1, score, *low, *high
            place += 1
            found = apart(low, high, found, settings.nms_threshold)
    return made


def apart(
    low: np.ndarray, high: np.ndarray, others: list, threshold: float
) -> list:
    """The boxes that overlap one box by less than the threshold."""
    if not others:
        return []
    lows = np.stack([other[2] for other in others])
    highs = np.stack([other[3] for other in others])
    sides = np.minimum(high, highs) - np.maximum(low, lows)
    common = np.where((sides >= 0).all(1), sides.prod(1), 0)
    with np.errstate(all="ignore"):
        union = (high - low).prod() + (highs - lows).prod(1) - common
        dropped = common / union >= threshold
    return [one for one, drop in zip(others, dropped, strict=True) if not drop]


def convert(
    message: str, settings: Any, layer: Emission, inputs: list[Tensor]
) -> Tensor:
    """What both have in common."""
    for x in inputs:
        layer.expect([x], 1, rank=4)
    if not settings.HasField("num_classes") or settings.num_classes < 1:
        layer.fail("has no `num_classes`")
    if not 0 <= settings.nms_threshold <= MOST_OVERLAP:
        layer.unsupported(
            f"`nms_threshold: {settings.nms_threshold:g}` is not supported; "
            f"0 to {MOST_OVERLAP} is"
        )
    wanted = settings.num_box * (BOX + settings.num_classes)
    for place, x in enumerate(inputs):
        if x.shape[3] != wanted:
            layer.fail(
                f"takes {wanted} channels, `num_box` x (5 + `num_classes`); "
                f"bottom {place} has {x.shape[3]}"
            )
    try:
        anchors = anchors_of(message, settings, [x.shape[1:3] for x in inputs])
    except (IndexError, ValueError):
        layer.fail("has too few `biases`, `mask` or `anchors_scale`")
    return layer.add(
        YoloDetectionOutput,
        inputs,
        num_classes=settings.num_classes,
        anchors=anchors,
        scores="sigmoid" if message == V3 else "softmax",
        confidence_threshold=settings.confidence_threshold,
        nms_threshold=settings.nms_threshold,
    )


def sigmoid(x: np.ndarray) -> np.ndarray:
    """In float64."""
    with np.errstate(over="ignore"):
        return 1 / (1 + np.exp(-x))


def softmax(x: np.ndarray) -> np.ndarray:
    """In float64."""
    shares = np.exp(x - x.max())
    return shares / shares.sum()


def yolo_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """YOLOv2's boxes."""
    return find_boxes(V2, layer, bottoms)


def yolov3_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """YOLOv3's boxes."""
    return find_boxes(V3, layer, bottoms)


@register_layer("YoloDetectionOutput", reference=yolo_reference, message=V2)
def yolo(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """Our `YoloDetectionOutput`: a row for each box of each image."""
    settings = layer.parameter.yolo_detection_output_param
    if not 1 <= len(inputs) <= 2:
        layer.unsupported(
            f"has {len(inputs)} bottoms; the fork reads the first two alone"
        )
    for x in inputs:
        layer.expect([x], 1, rank=4)
        if x.shape[1] != x.shape[2]:
            layer.unsupported(
                "maps that are not square are not supported: the fork reads "
                "them as if they were"
            )
    return convert(V2, settings, layer, inputs)


@register_layer("Yolov3DetectionOutput", reference=yolov3_reference, message=V3)
def yolov3(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """Our `YoloDetectionOutput`: a row for each box of each image."""
    settings = layer.parameter.yolov3_detection_output_param
    if settings.gaussian_box:
        layer.unsupported(
            "`gaussian_box: true` is not supported: on a CPU the fork reads "
            "numbers that nobody wrote"
        )
    if settings.mask_group_num != len(inputs):
        layer.fail(
            f"has {len(inputs)} bottoms, and `mask_group_num: "
            f"{settings.mask_group_num}`; give as many"
        )
    return convert(V3, settings, layer, inputs)
