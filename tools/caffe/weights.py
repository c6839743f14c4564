"""The learnt blobs of a model, by layer name."""

from collections.abc import Collection, Sequence
from os import PathLike, fspath

import numpy as np

from keras_hypersphere.caffe_format.blobs import Blob
from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.layer_blobs import net_blobs, read_blobs
from keras_hypersphere.caffe_format.schema import NetParameter

# VGG-16 has 138 million. What a file holds is bounded by the file; what a few
# words of a prototxt ask for is not.
MOST_FILLED = 150_000_000


class Weights:
    """Finds blobs by layer name, as Caffe does; types do not matter.

    Args:
        path: A caffemodel, or None.
        net: The network; blobs in its own layers serve those that the
            caffemodel lacks.
        file: Where the network comes from, for errors.

    Attributes:
        file: The caffemodel, or else the network's file.
        layers: The blobs of each layer.
    """

    def __init__(
        self,
        path: str | PathLike | None = None,
        net: NetParameter | None = None,
        file: str | None = None,
    ) -> None:
        self.file = file if path is None else fspath(path)
        given = {} if path is None else read_blobs(path)
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

    def reserve(self, count: int) -> bool:
        """Whether fillers may make so many values more."""
        self.left -= count
        return self.left >= 0

    def file_of(self, layer: str) -> str | None:
        """The file that a layer's blobs come from."""
        return self.own_file if layer in self.own else self.file
