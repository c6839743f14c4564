"""Caffe's files: our own schema, readers and a writer. Needs no Keras."""

from keras_hypersphere.caffe_format.blobs import (
    Blob,
    blob_array,
    blob_shape,
    set_blob,
)
from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.layer_blobs import read_blobs
from keras_hypersphere.caffe_format.mean import read_mean
from keras_hypersphere.caffe_format.reader import (
    read_caffemodel,
    read_prototxt,
)
from keras_hypersphere.caffe_format.schema import (
    BlobProto,
    FillerParameter,
    LayerParameter,
    NetParameter,
)
from keras_hypersphere.caffe_format.writer import (
    write_caffemodel,
    write_prototxt,
)

__all__ = [
    "Blob",
    "BlobProto",
    "CaffeFormatError",
    "FillerParameter",
    "LayerParameter",
    "NetParameter",
    "blob_array",
    "blob_shape",
    "read_blobs",
    "read_caffemodel",
    "read_mean",
    "read_prototxt",
    "set_blob",
    "write_caffemodel",
    "write_prototxt",
]
