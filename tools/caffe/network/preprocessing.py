"""What a network's images went through before it: its `transform_param`."""

import hashlib
import os
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import keras
import numpy as np

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.mean import read_mean
from keras_hypersphere.caffe_format.schema import LayerParameter

MESSAGES = {
    "Data": "data_param",
    "DenseImageData": "dense_image_data_param",
    "ImageData": "image_data_param",
    "WindowData": "window_data_param",
}
# Files written before 2014 have these in the data layer's own message.
MOVED = ("scale", "mirror", "crop_size", "mean_file")
# What a model can begin with; the rest is done to images of any size.
IN_MODEL = ("mean_value", "mean_file", "scale")
# Of SSD's ways to resize, the one whose result is as long as the image.
FIT_SMALL_SIZE = 2
# A prototxt may name any file; a mean image is of a few hundred pixels.
LARGEST_MEAN = 2**26


@dataclass(frozen=True)
class Preprocessing:
    """Steps in Caffe's order: resize, crop, mirror, subtract, multiply.

    Attributes:
        resize: `(height, width)` to which images are resized, or None.
        crop: `(height, width)`, cut from anywhere in training and from the
            middle in tests, or None.
        mirror: Whether half of the images are mirrored, in tests too.
        mean_value: Numbers that are subtracted, one or one a channel, in the
            order of the channels.
        mean_file: Path of a mean image that is subtracted, or None.
        scale: What the rest is multiplied by.
        sizes: All sizes that images may be resized to.
        channels: 3 (blue, green, red), 1 (gray) or None: not said.
    """

    resize: tuple[int, int] | None = None
    crop: tuple[int, int] | None = None
    mirror: bool = False
    mean_value: tuple[float, ...] = ()
    mean_file: str | None = None
    scale: float = 1.0
    channels: int | None = None
    sizes: tuple[tuple[int, int], ...] = field(default=(), compare=False)

    @classmethod
    def of(cls, layer: LayerParameter, folder: str = "") -> "Preprocessing":
        """Reads a data layer's messages; `folder` is the prototxt's."""
        steps = layer.transform_param
        own = getattr(layer, MESSAGES.get(layer.type, "transform_param"))
        found = {
            name: getattr(own, name)
            if hasattr(own, name)
            and own.HasField(name)
            and not steps.HasField(name)
            else getattr(steps, name)
            for name in MOVED
        }
        crop = (found["crop_size"],) * 2 if found["crop_size"] else None
        if steps.crop_h and steps.crop_w:
            crop = steps.crop_h, steps.crop_w
        size = getattr(own, "new_height", 0), getattr(own, "new_width", 0)
        # SSD's; one of several is drawn for each batch.
        resizes = [(r.height, r.width) for r in steps.resize_param] or [size]
        sizes = tuple(dict.fromkeys(s for s in resizes if all(s)))
        varies = len(sizes) != 1 or any(
            resize.resize_mode == FIT_SMALL_SIZE
            for resize in steps.resize_param
        )
        file = found["mean_file"] or None
        if file and not os.path.isabs(file):
            neighbor = os.path.join(folder, file)
            file = neighbor if os.path.exists(neighbor) else file
        return cls(
            resize=None if varies else sizes[0],
            sizes=sizes,
            crop=crop,
            mirror=found["mirror"],
            mean_value=tuple(shortest(v) for v in steps.mean_value),
            mean_file=file,
            scale=shortest(found["scale"]),
            channels=count_channels(layer),
        )

    def to_dict(self) -> dict[str, Any]:
        """Names and values that JSON holds."""
        return {
            "resize": list(self.resize) if self.resize else None,
            "crop": list(self.crop) if self.crop else None,
            "mirror": self.mirror,
            "mean_value": list(self.mean_value),
            "mean_file": self.mean_file and describe_mean(self.mean_file),
            "scale": self.scale,
            "channels": self.channels,
            "channel_order": "gray" if self.channels == 1 else "BGR",
        }

    @property
    def shifts_or_scales(self) -> bool:
        """Whether there is anything that a model can begin with."""
        return self.left_to_do() != self

    def left_to_do(self) -> "Preprocessing":
        """The steps before a model that subtracts and multiplies itself."""
        return replace(self, mean_value=(), mean_file=None, scale=1.0)

    def in_model(self) -> dict[str, Any]:
        """Names and values of what such a model does, as JSON holds them."""
        return {n: v for n, v in self.to_dict().items() if n in IN_MODEL}

    def mean_image(self) -> np.ndarray | None:
        """The mean file as height, width, channels, if it is there."""
        if self.mean_file is None or not is_mean_sized(self.mean_file):
            return None
        return np.asarray(read_mean(self.mean_file), np.float32)


def is_mean_sized(path: str | os.PathLike) -> bool:
    """Whether there is a plain file that is not too large for a mean."""
    return os.path.isfile(path) and 0 < os.path.getsize(path) <= LARGEST_MEAN


def describe_mean(path: str) -> dict[str, Any]:
    """What travels of a mean file, whose path says nothing elsewhere.

    Returns:
        Its name, and if it can be read its SHA-256; the height, width and
        channels of the image, and the mean of each channel, if it holds one.
    """
    found: dict[str, Any] = {
        "name": os.path.basename(path),
        "sha256": None,
        "shape": None,
        "channel_means": None,
    }
    if not is_mean_sized(path):
        return found
    try:
        content = Path(path).read_bytes()
        found["sha256"] = hashlib.sha256(content).hexdigest()
        mean = read_mean(path)
    except (OSError, CaffeFormatError):
        # Whoever has another copy can still tell it by its name.
        return found
    found["shape"] = list(mean.shape)
    means = mean.mean((0, 1), "float64")
    if np.isfinite(means).all():
        found["channel_means"] = [shortest(value) for value in means]
    return found


def shortest(value: float) -> float:
    """The number that was written: 0.0078125, and 0.1 where float32 has it."""
    return float(str(np.float32(value)))


def count_channels(layer: LayerParameter) -> int | None:
    """How many channels a data layer makes, as far as it says."""
    steps = layer.transform_param
    if layer.type == "ImageData":
        return 3 if layer.image_data_param.is_color else 1
    if layer.type == "DenseImageData":
        return 3 if layer.dense_image_data_param.is_color else 1
    if layer.type in ("WindowData", "VideoData"):
        return 3
    if layer.type == "MemoryData":
        return layer.memory_data_param.channels or None
    if steps.force_gray:
        return 1
    if steps.force_color or len(steps.mean_value) == 3:
        return 3
    return None


def put_in_front(
    steps: Preprocessing, inputs: keras.KerasTensor, names: Any
) -> keras.KerasTensor:
    """Layers that do `(x - mean) * scale` to images of the crop's size.

    Channels stay as they are: Caffe's are blue, green, red.

    Args:
        steps: What the data layer does.
        inputs: An input of the network.
        names: Gives the layers their names.

    Raises:
        FileNotFoundError: If the mean file is not there.
        ValueError: If the mean does not fit the images.
    """
    shape = tuple(inputs.shape[1:])
    x = inputs
    if steps.mean_file is not None:
        mean = steps.mean_image()
        if mean is None:
            raise FileNotFoundError(
                f"no mean file {steps.mean_file}; put it there, or leave out "
                "`preprocessing` and subtract the mean yourself"
            )
        x = subtract_image(x, middle(mean, shape), names)
    elif steps.mean_value:
        if len(steps.mean_value) not in (1, shape[-1]):
            raise ValueError(
                f"{len(steps.mean_value)} `mean_value` do not fit images of "
                f"{shape[-1]} channels; give one, or one for each"
            )
        mean = np.broadcast_to(
            np.array(steps.mean_value, np.float32), shape[-1:]
        )
        x = keras.layers.Rescaling(
            1.0, (-mean).tolist(), name=names.claim(f"{inputs.name}_mean")
        )(x)
    if steps.scale != 1:
        x = keras.layers.Rescaling(
            steps.scale, name=names.claim(f"{inputs.name}_scale")
        )(x)
    return x


def middle(mean: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """The part of a mean image under a crop from the middle."""
    top, left = ((mean.shape[i] - shape[i]) // 2 for i in (0, 1))
    if min(top, left) < 0 or mean.shape[2] != shape[2]:
        raise ValueError(
            f"a mean image of shape {mean.shape} does not fit inputs of "
            f"shape {shape}; give the one that the network was trained with"
        )
    return mean[top : top + shape[0], left : left + shape[1]]


def subtract_image(
    x: keras.KerasTensor, mean: np.ndarray, names: Any
) -> keras.KerasTensor:
    """Subtracts an image that is saved as a weight, not in the config."""
    name = names.claim(f"{x.name}_mean")
    layer = keras.layers.Normalization(axis=(1, 2, 3), name=name)
    layer.build((None, *mean.shape))
    layer.set_weights([mean, np.ones_like(mean), np.array(0, "int32")])
    layer.finalize_state()
    return layer(x)
