"""Photos of a data set as the input of a network."""

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from keras_hypersphere import arguments
from keras_hypersphere.data.identities import LARGEST
from keras_hypersphere.data.photo_pixels import decode
from keras_hypersphere.face_files.face_source import FaceSource

CHANNELS = ("RGB", "BGR", "gray")
# The weights of ITU-R BT.601, as OpenCV and Matlab turn RGB into gray.
LUMA = np.array([0.299, 0.587, 0.114], np.float32)
Augmentation = Callable[[np.ndarray, np.random.Generator], np.ndarray]


class FaceLoader:
    """Reads, decodes, augments and normalizes photos.

        output = (pixel - mean) * scale

    Args:
        source: `FaceSource`.
        image_size: (height, width) of the network's input.
        mean: float, or one for each channel.
        scale: float.
        channels: `"RGB"`, `"BGR"` or `"gray"`: the order of the network's
            input, and of `mean`.
        resize: bool, whether photos of another size are resized.
    """

    def __init__(
        self,
        source: FaceSource,
        image_size: tuple[int, int] = (112, 112),
        mean: Any = 127.5,
        scale: float = 1 / 128,
        channels: str = "RGB",
        resize: bool = False,
    ) -> None:
        if not hasattr(source, "read") or not hasattr(source, "labels"):
            raise ValueError(
                "`source` must be a data set of `kh.data.open_faces`. "
                f"Received: source={type(source).__name__}."
            )
        if channels not in CHANNELS:
            raise ValueError(
                f"`channels` must be one of {', '.join(CHANNELS)}. Received: "
                f"channels={channels!r}."
            )
        self.source = source
        self.size = image_size_of(image_size)
        self.channels = channels
        self.resize = resize
        depth = 1 if channels == "gray" else 3
        self.mean = numbers("mean", mean, (1, depth))
        self.scale = np.float32(numbers("scale", scale, (1,))[0])
        levels = np.arange(256, dtype=np.float32)
        # (1, 256, depth), as OpenCV looks values up.
        self._table = ((levels[:, None] - self.mean) * self.scale)[None]
        self.depth = depth

    def __call__(
        self,
        photos: Iterable[int],
        augmentation: Augmentation | None = None,
        draw: Callable[[int], np.random.Generator] | None = None,
    ) -> np.ndarray:
        """`(N, height, width, channels)` float32 of N photos.

        `draw` gives the random numbers for the photo at a place.
        """
        import cv2

        photos = np.asarray(photos, np.int64)
        x = np.empty((len(photos), *self.size, self.depth), np.float32)
        for place, photo in enumerate(photos.tolist()):
            image = self.pixels(photo)
            if augmentation is not None and draw is not None:
                image = checked(augmentation(image, draw(place)), image.shape)
            if self.channels == "gray":
                gray = image.astype(np.float32) @ LUMA
                x[place, ..., 0] = (gray - self.mean[0]) * self.scale
                continue
            if self.channels == "BGR":
                image = cv2.cvtColor(image, cv2.COLOR_RGB2BGR)
            # A table gives the very numbers of the formula, and quicker.
            cv2.LUT(image, self._table, dst=x[place])
        return x

    def pixels(self, photo: int) -> np.ndarray:
        """(height, width, 3) uint8 of a photo, RGB, in the network's size."""
        import cv2

        image = decode(self.source.read(photo), self.what(photo))
        height, width = self.size
        if image.shape[:2] == self.size:
            return image
        if not self.resize:
            raise ValueError(
                f"{self.what(photo)} has {image.shape[0]} x {image.shape[1]} "
                f"pixels, and `image_size` is {height} x {width} (height x "
                "width). Align photos first, `keras-hypersphere align DIR -o "
                "OUT.rec`, or say `resize=True`."
            )
        smaller = image.shape[0] > height or image.shape[1] > width
        how = cv2.INTER_AREA if smaller else cv2.INTER_LINEAR
        return cv2.resize(image, (width, height), interpolation=how)

    def what(self, photo: int) -> str:
        """A photo's name in messages."""
        name = self.source.names[photo]
        return f"Photo {photo} ({name}) of '{self.source.path}'"


def load_faces(
    source: FaceSource,
    indices: Any = None,
    image_size: tuple[int, int] = (112, 112),
    mean: Any = 127.5,
    scale: float = 1 / 128,
    channels: str = "RGB",
    resize: bool = False,
) -> np.ndarray:
    """Photos of a data set as one array, the input of a network.

    The numbers of `FaceBatches` without augmentation, in the order of
    `indices`: for validation, or as the `load` of `BalancedBatches`.

    Args:
        source: `FaceSource`, of `open_faces`.
        indices: `(N,)` ints, which photos. Defaults to None: all.
        image_size: (height, width), as the other arguments those of
            `FaceBatches`.
        mean: float or one a channel.
        scale: float.
        channels: `"RGB"`, `"BGR"` or `"gray"`.
        resize: bool.

    Returns:
        `(N, height, width, channels)` float32 array.

    Raises:
        ValueError: As `FaceBatches` does.

    Example:

    >>> import pathlib, tempfile
    >>> import cv2
    >>> folder = pathlib.Path(tempfile.mkdtemp()) / "Ann"
    >>> folder.mkdir()
    >>> _ = cv2.imwrite(str(folder / "1.png"), np.full((8, 8, 3), 255, "uint8"))
    >>> source = kh.data.open_faces(folder.parent)
    >>> x = kh.data.load_faces(source, image_size=(8, 8))
    >>> x.shape, float(x[0, 0, 0, 0])
    ((1, 8, 8, 3), 0.99609375)

    Reference:
        InsightFace's `ToTensor` and `Normalize`, as one step.
    """
    load = FaceLoader(source, image_size, mean, scale, channels, resize)
    return load(chosen(source, indices))


def chosen(source: FaceSource, indices: Any) -> np.ndarray:
    """The photos that are meant: `(N,)` int64."""
    if indices is None:
        return np.arange(len(source))
    photos = np.asarray(indices)
    wrong = photos.ndim != 1 or photos.dtype.kind not in "iu" or not len(photos)
    if wrong or photos.min() < 0 or photos.max() >= len(source):
        received = (
            f"shape={photos.shape}, dtype={photos.dtype}"
            if wrong
            else f"{photos.min()} to {photos.max()}"
        )
        raise ValueError(
            "`indices` must be numbers of photos, (N,) integers from 0 to "
            f"{len(source) - 1}. Received: indices={received}."
        )
    return photos.astype(np.int64)


def image_size_of(value: Any) -> tuple[int, int]:
    """(height, width), or an error."""
    if not isinstance(value, (tuple, list)) or len(value) != 2:
        raise ValueError(
            "`image_size` must be (height, width). Received: "
            f"image_size={value!r}."
        )
    whole = arguments.positive_integer
    return whole("image_size", value[0]), whole("image_size", value[1])


def numbers(name: str, value: Any, sizes: tuple[int, ...]) -> np.ndarray:
    """Finite float32 numbers, one or as many as allowed."""
    found = np.atleast_1d(np.asarray(value, np.float32))
    if found.ndim != 1 or len(found) not in sizes:
        raise ValueError(
            f"`{name}` must be {' or '.join(map(str, sizes))} numbers. "
            f"Received: {name}={value!r}."
        )
    if not np.isfinite(found).all() or np.abs(found).max() > LARGEST:
        raise ValueError(
            f"`{name}` must be finite, or the network's input is not. "
            f"Received: {name}={value!r}."
        )
    return np.broadcast_to(found, (sizes[-1],))


def checked(image: Any, shape: tuple[int, ...]) -> np.ndarray:
    """What an augmentation returned, or an error."""
    if getattr(image, "shape", None) != shape or image.dtype != np.uint8:
        raise ValueError(
            f"`augmentation` must return a uint8 image of shape {shape}. "
            f"Received: shape={getattr(image, 'shape', None)}, "
            f"dtype={getattr(image, 'dtype', type(image).__name__)}."
        )
    return image
