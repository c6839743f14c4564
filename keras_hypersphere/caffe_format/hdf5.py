"""Weights as `Net::ToHDF5` writes them: `/data/<layer>/<index>`.

A group for each layer, a dataset for each blob. Nothing outside of the file
is read: no external links or files, no filters but those built into HDF5.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import numpy as np

from keras_hypersphere.caffe_format.blobs import Blob
from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.source_file import SourceFile

# Layers named a/b are groups in groups.
DEEPEST = 8
MOST_OBJECTS = 100_000
MOST_BLOBS = 1000
# zlib cannot do better than this.
MOST_COMPRESSION = 1100
LEAST_CHUNK = 2**20
# HDF5's numbers of gzip, shuffle, Fletcher's checksum, and h5py's LZF.
FILTERS = (1, 2, 3, 32000)
# What h5py raises for files that are damaged or strange.
ERRORS = (
    AttributeError,
    IndexError,
    KeyError,
    MemoryError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    TypeError,
    ValueError,
)


def read_hdf5(source: SourceFile) -> dict[str, list[Blob | None]]:
    """The blobs of each layer.

    Values stay in the file until `Blob.array` is called. None stands for a
    blob that another layer shares and stores.

    Raises:
        CaffeFormatError: If the file is damaged or not as Caffe writes it.
    """
    with opened(source) as hdf5:
        if "data" not in hdf5:
            raise CaffeFormatError(
                "has no group `data`, so it is not of Caffe; give the "
                ".caffemodel.h5 that Caffe wrote",
                source.path,
            )
        layers: dict[str, list[Blob | None]] = {}
        visit = Visit(source, hdf5)
        for name, index, blob in visit.blobs("data", ""):
            row = layers.setdefault(name, [])
            if blob is not None:
                row += [None] * (index + 1 - len(row))
                row[index] = blob
    return layers


@contextmanager
def opened(source: SourceFile, layer: str | None = None) -> Iterator[Any]:
    """An open HDF5 file; its errors are ours."""
    import h5py

    try:
        with h5py.File(source.stream, "r") as hdf5:
            yield hdf5
    except CaffeFormatError:
        raise
    except ERRORS as error:
        reason = " ".join(str(error).split())
        raise CaffeFormatError(
            f"is damaged or cut off ({reason}); fetch it again",
            source.path,
            layer,
        ) from error


class Visit:
    """One walk through the groups of a file.

    Args:
        source: The file.
        hdf5: The same, as h5py has it.
    """

    def __init__(self, source: SourceFile, hdf5: Any) -> None:
        self.source = source
        self.hdf5 = hdf5
        self.size = source.size
        self.left = MOST_OBJECTS

    def blobs(
        self, place: str, layer: str, depth: int = 0
    ) -> Iterator[tuple[str, int, Blob | None]]:
        """Yields layer, index and blob of what a group holds.

        An empty group is a layer without blobs: index -1, and None.
        """
        import h5py

        group = self.child(self.hdf5, place, layer)
        if not isinstance(group, h5py.Group) or depth > DEEPEST:
            self.fail(f"`{place}` is not a group of layers", layer)
        if layer and not len(group):
            yield layer, -1, None
        for name in group:
            self.left -= 1
            if self.left < 0:
                self.fail(f"holds more than {MOST_OBJECTS} objects", layer)
            inside = f"{place}/{name}"
            member = self.child(group, name, layer)
            if isinstance(member, h5py.Group):
                inner = f"{layer}/{name}" if layer else name
                yield from self.blobs(inside, inner, depth + 1)
                continue
            if not (name.isascii() and name.isdigit() and layer):
                self.fail(f"`{inside}` is not a blob as Caffe writes it", layer)
            if not isinstance(member, h5py.Dataset) or int(name) >= MOST_BLOBS:
                self.fail(f"`{inside}` is not a blob", layer)
            shape = self.check(member, inside, layer)
            read = partial(values, self.source, inside, layer)
            yield layer, int(name), Blob(shape, False, read)

    def child(self, group: Any, name: str, layer: str) -> Any:
        """What a group holds itself, not what it points to."""
        import h5py

        link = group.get(name, getlink=True)
        if not isinstance(link, h5py.HardLink):
            self.fail(f"`{name}` is a link to another place", layer)
        return group[name]

    def check(self, dataset: Any, place: str, layer: str) -> tuple[int, ...]:
        """Refuses what would read other files or fill the memory.

        Returns the shape.
        """
        kind, shape = dataset.dtype.kind, dataset.shape
        if kind not in "fiu" or shape is None:
            self.fail(f"`{place}` holds no numbers", layer)
        plist = dataset.id.get_create_plist()
        if plist.get_external_count() or dataset.is_virtual:
            self.fail(f"`{place}` is stored in another file", layer)
        count = plist.get_nfilters()
        if any(plist.get_filter(i)[0] not in FILTERS for i in range(count)):
            self.fail(f"`{place}` has a filter that is not supported", layer)
        size = math.prod(shape) * dataset.dtype.itemsize
        stored = dataset.id.get_storage_size()
        chunk = math.prod(dataset.chunks or ()) * dataset.dtype.itemsize
        if (
            stored > self.size
            or size > stored * (MOST_COMPRESSION if count else 1)
            or chunk > max(size, LEAST_CHUNK)
        ):
            self.fail(
                f"`{place}` declares {size} bytes and stores {stored}", layer
            )
        return tuple(shape)

    def fail(self, message: str, layer: str) -> None:
        """Raises with file and layer."""
        raise CaffeFormatError(message, self.source.path, layer or None)


def values(source: SourceFile, place: str, layer: str) -> np.ndarray:
    """The numbers of one dataset, flat."""
    with opened(source, layer) as hdf5:
        array = hdf5[place][()].ravel()
    double = array.dtype.itemsize > 4
    return array.astype("<f8" if double else "<f4", copy=False)
