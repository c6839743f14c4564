"""The learnt blobs of a model, by layer name."""

from collections.abc import Sequence
from os import PathLike, fspath

import numpy as np

from keras_hypersphere.caffe_format.blobs import blob_array, blob_shape
from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.reader import read_caffemodel


class Weights:
    """Finds blobs by layer name, as Caffe does; types do not matter.

    Args:
        path: A caffemodel, or None: no layer finds its blobs.
    """

    def __init__(self, path: str | PathLike | None = None) -> None:
        self.file = None if path is None else fspath(path)
        net = None if path is None else read_caffemodel(path)
        # Of two layers of one name Caffe copies both: the last one stays.
        self.layers = {
            layer.name: layer.blobs
            for layer in (net.layer if net else ())
            if layer.blobs
        }

    def find(
        self, layer: str, type: str, shapes: list[tuple[int, ...]]
    ) -> list[np.ndarray] | None:
        """The blobs of a layer, or None if the model lacks the layer.

        Raises:
            CaffeFormatError: If their number or shapes are not those that
                the layer declares.
        """
        blobs = self.layers.get(layer)
        if blobs is None:
            return None
        if len(blobs) != len(shapes):
            raise CaffeFormatError(
                f"holds {len(blobs)} blobs, and the prototxt declares "
                f"{len(shapes)}; use the prototxt that belongs to the model",
                self.file,
                layer,
                type,
            )
        return [
            self.convert(blob, shape, index, layer, type)
            for index, (blob, shape) in enumerate(
                zip(blobs, shapes, strict=True)
            )
        ]

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
            if index < len(blobs):
                return self.values(blobs[index], index, layer).ravel()
        return None

    def convert(
        self,
        blob: object,
        shape: tuple[int, ...],
        index: int,
        layer: str,
        type: str,
    ) -> np.ndarray:
        """One blob as float32 in the declared shape."""
        stored = blob_shape(blob)
        if not blob.HasField("shape") and len(stored) == 4:
            # Four old fields stand for fewer axes: 1 x 1 x N x K, 1 x 1 x 1
            # x N. Caffe lines them up at the right.
            extra = 4 - len(shape)
            fits = (1,) * extra + shape == stored if extra >= 0 else False
        else:
            fits = stored == shape
        if not fits:
            raise CaffeFormatError(
                f"blob {index} has the shape {stored}, and the prototxt "
                f"declares {shape}; use the prototxt that belongs to the "
                "model, or rename the layer to leave the blob unused",
                self.file,
                layer,
                type,
            )
        return self.values(blob, index, layer, type).reshape(shape)

    def values(
        self, blob: object, index: int, layer: str, type: str | None = None
    ) -> np.ndarray:
        """What a blob holds, as float32."""
        try:
            values = blob_array(blob)
        except CaffeFormatError as error:
            raise CaffeFormatError(
                f"blob {index}: {error.message}", self.file, layer, type
            ) from error
        return values.astype(np.float32, copy=False)
