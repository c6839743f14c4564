"""The learned blobs of a model, by layer name."""

import warnings
from collections.abc import Collection, Iterable, Sequence
from os import PathLike, fspath

import numpy as np

from keras_hypersphere.caffe_format.blobs import Blob
from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.layer_blobs import Caffemodel, net_blobs
from keras_hypersphere.caffe_format.mean import read_mean
from keras_hypersphere.caffe_format.schema import NetParameter
from keras_hypersphere.tools.caffe.network.preprocessing import is_mean_sized

# VGG-16 has 138 million. What a file holds is bounded by the file; what a few
# words of a prototxt ask for is not.
MOST_FILLED = 150_000_000
# Names in an error.
MOST_NAMED = 6
MEND = (
    "give the caffemodel that belongs to the prototxt, or none, for layers "
    "that start from their fillers"
)


class OtherNetworkError(CaffeFormatError):
    """A file of weights has none for any layer of the network."""


class OtherNamesWarning(UserWarning):
    """As OtherNetworkError, where the shapes are those of the network."""


class Weights:
    """Finds blobs by layer name, as Caffe does; types do not matter.

    Args:
        caffemodel: The open file, or None.
        net: The network; blobs in its own layers serve those that the
            caffemodel lacks.
        file: Where the network comes from, for errors.

    Attributes:
        file: The caffemodel, or else the network's file.
        layers: The blobs of each layer.
        given: Those of the caffemodel, or None without one.
        asked: The layers whose blobs were looked for, with their shapes.
        used: Those of them that the caffemodel has blobs for.
    """

    def __init__(
        self,
        caffemodel: Caffemodel | None = None,
        net: NetParameter | None = None,
        file: str | None = None,
    ) -> None:
        self.file = file if caffemodel is None else fspath(caffemodel)
        given = {} if caffemodel is None else caffemodel.layers
        self.given = None if caffemodel is None else given
        self.asked: dict[str, list[tuple[int, ...]]] = {}
        self.used: set[str] = set()
        own = {} if net is None else net_blobs(net)
        self.own = {
            name: blobs
            for name, blobs in own.items()
            if blobs and name not in given
        }
        self.own_file = file
        self.left = MOST_FILLED
        self.layers: dict[str, list[Blob | None]] = {**self.own, **given}

    def find(
        self,
        layer: str,
        type: str,
        shapes: list[tuple[int, ...]],
        shared: Collection[int] = (),
    ) -> list[np.ndarray | None] | None:
        """The blobs of a layer, or None if the model lacks the layer.

        Args:
            layer: Its name.
            type: Its Caffe type, for errors.
            shapes: What the layer declares.
            shared: Which blobs another layer may store in its place; these
                may be None.

        Raises:
            CaffeFormatError: If their number or shapes are not those that
                the layer declares.
        """
        blobs = self.layers.get(layer)
        self.asked[layer] = shapes
        if self.given and self.given.get(layer):
            self.used.add(layer)
        if blobs is None:
            return None
        # A file may leave out what is shared, at the end too.
        last = len(shapes)
        while last > len(blobs) and last - 1 in shared:
            last -= 1
        missing = [
            index
            for index, blob in enumerate(blobs)
            if blob is None and index not in shared
        ]
        if len(blobs) != last or missing:
            raise CaffeFormatError(
                f"holds {len(blobs) - len(missing)} blobs, and the prototxt "
                f"declares {len(shapes)}; use the prototxt that belongs to the "
                "model",
                self.file_of(layer),
                layer,
                type,
            )
        found = [
            None if blob is None else self.convert(blob, shape, i, layer, type)
            for i, (blob, shape) in enumerate(zip(blobs, shapes, strict=False))
        ]
        return found + [None] * (len(shapes) - last)

    def shape(self, layer: str) -> tuple[int, ...] | None:
        """The shape that the model has for a layer's first blob."""
        blobs = self.layers.get(layer)
        return blobs[0].shape if blobs and blobs[0] else None

    def count(self, layer: str) -> int | None:
        """How many blobs the model has for a layer; None without the layer."""
        blobs = self.layers.get(layer)
        return None if blobs is None else len(blobs)

    def find_shared(
        self, users: Sequence[tuple[str, int]]
    ) -> np.ndarray | None:
        """A blob that layers share, as a row: the last layer's, as in Caffe.

        Args:
            users: Layers, and which of their blobs it is.
        """
        numbers = dict(users)
        for layer, blobs in reversed(self.layers.items()):
            index = numbers.get(layer, len(blobs))
            if index < len(blobs) and blobs[index] is not None:
                if layer not in self.own:
                    self.used.add(layer)
                return self.values(blobs[index], index, layer).ravel()
        return None

    def convert(
        self,
        blob: Blob,
        shape: tuple[int, ...],
        index: int,
        layer: str,
        type: str,
    ) -> np.ndarray:
        """One blob as float32 in the declared shape."""
        if blob.legacy:
            # Four old fields stand for fewer axes: 1 x 1 x N x K, 1 x 1 x 1
            # x N. Caffe lines them up at the right.
            extra = 4 - len(shape)
            fits = (1,) * extra + shape == blob.shape if extra >= 0 else False
        else:
            fits = blob.shape == shape
        if not fits:
            raise CaffeFormatError(
                f"blob {index} has the shape {blob.shape}, and the prototxt "
                f"declares {shape}; use the prototxt that belongs to the "
                "model, or rename the layer to leave the blob unused",
                self.file_of(layer),
                layer,
                type,
            )
        return self.values(blob, index, layer, type).reshape(shape)

    def values(
        self, blob: Blob, index: int, layer: str, type: str | None = None
    ) -> np.ndarray:
        """What a blob holds, as float32."""
        try:
            values = blob.array()
        except CaffeFormatError as error:
            raise CaffeFormatError(
                f"blob {index}: {error.message}",
                self.file_of(layer),
                layer,
                type,
            ) from error
        # A double may be larger than any float, as in Caffe.
        with np.errstate(over="ignore"):
            return values.astype(np.float32, copy=False)

    def check_use(self) -> None:
        """Raises if layers asked for weights and the caffemodel had none.

        A random network would not be what was wanted. Caffe takes it all the
        same, so that where only the names differ there is a warning.
        """
        if self.given is None or not self.asked or self.used:
            return
        if not self.given and (mean := mean_shape(self.file)):
            raise not_weights(self.file, mean)
        held = some(name for name, blobs in self.given.items() if blobs)
        error = OtherNetworkError(
            f"holds weights of {held or 'no layer'}, and none for the "
            f"network's {some(self.asked)}; {MEND}",
            self.file,
        )
        stored = [
            [blob and blob.shape for blob in blobs]
            for blobs in self.given.values()
        ]
        if not all(shapes in stored for shapes in self.asked.values()):
            raise error
        warnings.warn(str(error), OtherNamesWarning, stacklevel=3)

    def reserve(self, count: int) -> bool:
        """Whether fillers may make so many values more."""
        self.left -= count
        return self.left >= 0

    def file_of(self, layer: str) -> str | None:
        """The file that a layer's blobs come from."""
        return self.own_file if layer in self.own else self.file


def open_caffemodel(path: str | PathLike) -> Caffemodel:
    """Opens a caffemodel; a mean file in its place is told of."""
    try:
        return path if isinstance(path, Caffemodel) else Caffemodel(path)
    except CaffeFormatError:
        if mean := mean_shape(path):
            raise not_weights(path, mean) from None
        raise


def mean_shape(path: str | PathLike) -> tuple[int, ...] | None:
    """The shape of a mean image, or None for any other file."""
    if not is_mean_sized(path):
        return None
    try:
        return read_mean(path).shape
    except CaffeFormatError:
        return None


def not_weights(
    path: str | PathLike, shape: tuple[int, ...]
) -> OtherNetworkError:
    """What to raise for a mean file."""
    return OtherNetworkError(
        f"is a mean image of {'x'.join(map(str, shape))}, which is subtracted "
        "from images (the `mean_file` of a data layer), and holds no weights; "
        f"{MEND}",
        fspath(path),
    )


def some(names: Iterable[str]) -> str:
    """The first few names."""
    first, *rest = list(names) or [""]
    shown = [first, *rest][:MOST_NAMED]
    more = len(rest) + 1 - len(shown)
    return ", ".join(shown) + (f" and {more} more" if more else "")
