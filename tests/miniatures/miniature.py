"""What the miniatures are: one for each way of building a network."""

import dataclasses
from pathlib import Path
from typing import Any

# Their weights and cards.
FOLDER = Path(__file__).parents[1] / "fixtures" / "miniatures"

GRAY: dict[str, Any] = {"channels": "gray", "mean": (0.0,)}
CENTERED: dict[str, Any] = {"mean": (127.5,) * 3, "scale": 0.0078125}


@dataclasses.dataclass(frozen=True)
class Miniature:
    """A narrow network, and how the card of the real one would use it.

    Args:
        name: Of its card.
        architecture, input_shape, arguments, mean, scale, template, flip,
            distance, channels: As in the card.
        narrow: By what the published widths are divided.
        seed: Of its weights; chosen so that no layer is dead, which of so
            few channels it easily is.
        gain: By how much a kernel widens the variance of what comes in; so
            that the last numbers are neither tiny nor huge.
    """

    name: str
    architecture: str
    input_shape: tuple[int, int, int]
    narrow: int
    seed: int
    gain: float
    mean: tuple[float, ...]
    scale: float
    template: str
    distance: str
    flip: str = "none"
    channels: str = "RGB"
    arguments: dict = dataclasses.field(default_factory=dict)


MINIATURES = (
    Miniature(
        name="sphereface4.miniature",
        architecture="SphereFace4",
        input_shape=(112, 96, 3),
        narrow=64,
        seed=7,
        gain=2.0,
        channels="BGR",
        **CENTERED,
        template="sphereface",
        flip="concat",
        distance="cosine",
    ),
    Miniature(
        name="centerface.miniature",
        architecture="CenterFace",
        input_shape=(112, 96, 3),
        narrow=64,
        seed=9,
        gain=1.0,
        channels="BGR",
        **CENTERED,
        template="sphereface",
        flip="concat",
        distance="cosine",
    ),
    Miniature(
        name="lightcnn-a.miniature",
        architecture="LightCNNA",
        input_shape=(128, 128, 1),
        narrow=64,
        seed=4,
        gain=1.0,
        **GRAY,
        scale=0.00390625,
        template="lightcnn",
        distance="cosine",
    ),
    Miniature(
        name="lightcnn-b.miniature",
        architecture="LightCNNB",
        input_shape=(128, 128, 1),
        narrow=64,
        seed=3,
        gain=1.0,
        **GRAY,
        scale=0.00390625,
        template="lightcnn",
        distance="cosine",
    ),
    Miniature(
        name="lightcnn29-v2.miniature",
        architecture="LightCNN29V2",
        input_shape=(128, 128, 1),
        narrow=64,
        seed=1,
        gain=0.7,
        **GRAY,
        scale=1 / 255,
        template="lightcnn",
        distance="cosine",
    ),
    Miniature(
        name="lenet-pp.miniature",
        architecture="LeNetPlusPlus",
        input_shape=(28, 28, 1),
        narrow=16,
        seed=10,
        gain=3.0,
        **GRAY,
        scale=0.00390625,
        template="none",
        distance="l2",
    ),
    Miniature(
        name="facenet-nn1.miniature",
        architecture="FaceNetNN1",
        arguments={"use_bias": True},
        input_shape=(64, 64, 3),
        narrow=64,
        seed=21,
        gain=4.0,
        **CENTERED,
        template="none",
        distance="squared-l2",
    ),
    Miniature(
        name="facenet-nn2.miniature",
        architecture="FaceNetNN2",
        arguments={"use_bias": True},
        input_shape=(160, 160, 3),
        narrow=32,
        seed=22,
        gain=3.0,
        **CENTERED,
        template="facenet",
        distance="squared-l2",
    ),
    Miniature(
        name="facenet-nns2.miniature",
        architecture="FaceNetNNS2",
        arguments={"use_bias": True},
        input_shape=(140, 116, 3),
        narrow=32,
        seed=3,
        gain=3.0,
        **CENTERED,
        template="none",
        distance="squared-l2",
    ),
    Miniature(
        name="inception-resnet-v1.miniature",
        architecture="InceptionResNetV1",
        input_shape=(160, 160, 3),
        narrow=64,
        seed=7,
        gain=2.0,
        **CENTERED,
        template="facenet",
        distance="squared-l2",
    ),
    Miniature(
        name="mobilefacenet.miniature",
        architecture="MobileFaceNet",
        input_shape=(112, 112, 3),
        narrow=32,
        seed=1,
        gain=1.4,
        **CENTERED,
        template="arcface",
        flip="sum",
        distance="cosine",
    ),
    Miniature(
        name="dlib-resnet.miniature",
        architecture="DlibResNet",
        input_shape=(150, 150, 3),
        narrow=32,
        seed=6,
        gain=1.0,
        mean=(122.782, 117.001, 104.298),
        scale=0.00390625,
        template="dlib",
        distance="l2",
    ),
)
