"""Files of Caffe → NetParameter messages of today's format."""

import io
import warnings
from itertools import islice
from os import PathLike

from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from keras_hypersphere.caffe_format.blobs import set_blob
from keras_hypersphere.caffe_format.custom_layers import with_own
from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.hdf5 import read_hdf5
from keras_hypersphere.caffe_format.legacy import upgrade
from keras_hypersphere.caffe_format.no_network import network_inside
from keras_hypersphere.caffe_format.order import NO_BLOBS, ORDER
from keras_hypersphere.caffe_format.schema import LayerParameter, NetParameter
from keras_hypersphere.caffe_format.source_file import SourceFile
from keras_hypersphere.caffe_format.text import parse_text
from keras_hypersphere.caffe_format.wire import DamagedError, Walk

# ResNet-1001 has 4,300; Keras takes a millisecond for each.
MOST_LAYERS = 5000
# Messages of a network in which unknown fields are looked for.
MOST_SEARCHED = 100_000


def read_prototxt(path: str | PathLike) -> NetParameter:
    """Reads a network's description.

    Older spellings (`layers`, `input_dim`) are brought to today's.

    Args:
        path: deploy.prototxt or train_val.prototxt. A binary NetParameter
            serves too, and blobs may be in either: layers begin with them.
            A `SourceFile` is not opened again.

    Returns:
        A `NetParameter` whose `layer` are as the file has them.

    Raises:
        FileNotFoundError: If there is no such file.
        CaffeFormatError: If it is not a network in one of protobuf's
            formats. A field that our schema lacks is noted in `unread` of
            the layer that has it; the network's own are warned of.

    Example:

    >>> from keras_hypersphere.tools.samples.train import CAFFEMODEL, PROTOTXT
    >>> network = kh.tools.caffe.read_prototxt(PROTOTXT)
    >>> network.layer[-1].name, network.layer[-1].type
    ('prob', 'Softmax')
    """
    source = path if isinstance(path, SourceFile) else SourceFile(path)
    file, kind, content = source.path, source.kind, source.content()
    if kind == "hdf5":
        raise CaffeFormatError(
            f"is an HDF5 file, which holds weights but no network; {ORDER}",
            file,
        )
    if kind == "text":
        return read_text(content, file)
    net = parse_binary(content, file)
    numbers = sorted(unknown_numbers(net, file))
    if numbers:
        warnings.warn(
            f"{file}: has fields that official Caffe does not know "
            f"({', '.join(numbers[:5])}); they are skipped, as Caffe does. "
            "Give the prototxt in text if they matter",
            stacklevel=2,
        )
    return finish(net, file)


def read_text(content: bytes, file: str) -> NetParameter:
    """A network in text, which a solver may hold."""
    net = NetParameter()
    parse_text(content, net, file)
    if not (net.layer or net.layers):
        net = network_inside(
            net, lambda solver: parse_text(content, solver, file), file
        )
    finish(net, file)
    if net.unread:
        first = net.unread[0]
        names = ", ".join(f"`{field.name}`" for field in net.unread)
        warnings.warn(
            f"{file}: line {first.line}, column {first.column}: the network "
            f"has fields that nobody knows, which are skipped: {names}",
            stacklevel=3,
        )
    return net


def read_caffemodel(path: str | PathLike) -> NetParameter:
    """Reads trained weights.

    Fields of forks are skipped in binary files, since forks gave one number
    several meanings: take a network's structure from its prototxt.

    Args:
        path: A binary NetParameter (model.caffemodel), the same as text, or
            the HDF5 file that Caffe writes, which gives layers with names
            and blobs alone. The contents decide.

    Returns:
        A `NetParameter`; `caffe_format.blob_array` gives its weights.

    Raises:
        FileNotFoundError: If there is no such file.
        CaffeFormatError: If it is not a caffemodel, or is cut off.

    Example:

    >>> from keras_hypersphere.tools.samples.train import CAFFEMODEL, PROTOTXT
    >>> weights = kh.tools.caffe.read_caffemodel(CAFFEMODEL)
    >>> layer = weights.layer[1]
    >>> layer.name, kh.caffe_format.blob_array(layer.blobs[0]).shape
    ('conv1a', (16, 1, 5, 5))
    """
    source = SourceFile(path)
    file = source.path
    if source.kind == "hdf5":
        return from_hdf5(source)
    if source.kind == "text":
        net = parse_weights(source.content(), file)
    else:
        net = parse_binary(source.content(), file)
    return finish(net, file, inputs=False)


def parse_binary(content: bytes, file: str) -> NetParameter:
    """A whole network, after a look at the sizes that it claims."""
    try:
        Walk(io.BytesIO(content), len(content)).lighten()
        net = NetParameter.FromString(content)
        require_text(net)
    except (DecodeError, UnicodeError, RecursionError, DamagedError) as error:
        raise refuse_binary(error, file) from error
    refuse_many(len(net.layer) + len(net.layers), file)
    return net


def refuse_many(layers: int, file: str | None) -> None:
    """Refuses what Keras would build for minutes."""
    if layers > MOST_LAYERS:
        raise CaffeFormatError(
            f"has {layers} layers; {MOST_LAYERS} are the most. No network of "
            "Caffe's has so many: see whether the file is damaged",
            file,
        )


def refuse_binary(error: Exception, file: str) -> CaffeFormatError:
    """What to raise for bytes that protobuf refuses."""
    detail = f" ({error})" if isinstance(error, DamagedError) else ""
    return CaffeFormatError(
        "is no network in protobuf's binary format, or is damaged or cut "
        f"off{detail}; fetch it again",
        file,
    )


def require_text(net: NetParameter) -> None:
    """protobuf's C code gives bytes for what is not UTF-8; Python's raises."""
    names = [net.name, *net.input]
    for layer in (*net.layer, *net.layers):
        names += [layer.name, *layer.bottom, *layer.top]
    names += [layer.type for layer in net.layer]
    for old in net.layers:
        if old.HasField("layer"):
            names += [old.layer.name, old.layer.type]
    for name in names:
        if isinstance(name, bytes):
            raise UnicodeError(name)


def parse_weights(content: bytes, file: str) -> NetParameter:
    """A network in text that has blobs."""
    net = parse_text(content, NetParameter(), file)
    if not any(old.blobs or old.layer.blobs for old in net.layers) and not any(
        layer.blobs for layer in net.layer
    ):
        raise CaffeFormatError(
            NO_BLOBS,
            file,
        )
    return net


def from_hdf5(source: SourceFile) -> NetParameter:
    """The layers of an HDF5 file as messages."""
    net = NetParameter()
    for name, blobs in read_hdf5(source).items():
        layer = net.layer.add(name=name)
        for blob in blobs:
            message = layer.blobs.add()
            # Where a blob is shared, only the first of the layers has it.
            if blob is not None:
                set_blob(message, blob.array())
    return finish(net, source.path)


def unknown_numbers(net: NetParameter, file: str) -> set[str]:
    """The numbers of fields that our schema does not have, with places."""
    found: set[str] = set()
    waiting: list[tuple[str, Message]] = [("net", net)]
    for _ in range(MOST_SEARCHED):
        if not waiting:
            break
        where, message = waiting.pop()
        if isinstance(message, LayerParameter):
            message = with_own(message, file)
        for unknown in UnknownFieldSet(message):
            found.add(f"{where} field {unknown.field_number}")
        for field, value in message.ListFields():
            if field.message_type is None or field.name == "blobs":
                continue
            many = isinstance(field.default_value, list)
            children = islice(value, MOST_SEARCHED) if many else [value]
            waiting += [(field.name, child) for child in children]
    return found


def finish(net: NetParameter, file: str, inputs: bool = True) -> NetParameter:
    """Upgrades a network and refuses one without layers."""
    net = upgrade(net, file, inputs)
    if not net.layer:
        raise CaffeFormatError(
            "describes no layers; give a network's prototxt, or the "
            "caffemodel of one",
            file,
        )
    return net
