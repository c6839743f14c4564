"""The walk compared with protobuf's own parser."""

import io
import struct

import numpy as np
import pytest
from google.protobuf.message import DecodeError

from keras_hypersphere.caffe_format import (
    BlobProto,
    NetParameter,
    set_blob,
    wire,
)
from keras_hypersphere.caffe_format.wire import DamagedError, Walk

# protobuf's Python code looks at names too.
REFUSALS = (DecodeError, UnicodeError, DamagedError)


def walk(content):
    walker = Walk(io.BytesIO(content), len(content))
    return walker, NetParameter.FromString(walker.lighten())


def whole(content):
    """What is left to protobuf is parsed too."""
    walker, _ = walk(content)
    for blob in walker.blobs:
        if blob.chunks is None:
            BlobProto.FromString(content[blob.start : blob.stop])


def make_net():
    net = NetParameter(name="n")
    for name, shape in (("a", (3, 4)), ("b", ()), ("c", (0,))):
        layer = net.layer.add(name=name, type="InnerProduct")
        layer.inner_product_param.num_output = 300
        set_blob(layer.blobs.add(), np.ones(shape))
        layer.blobs[0].diff.append(1)
    return net


def test_structure_stays_and_numbers_are_found():
    content = make_net().SerializeToString()
    walker, net = walk(content)
    assert [layer.name for layer in net.layer] == ["a", "b", "c"]
    assert net.layer[0].inner_product_param.num_output == 300
    blob = net.layer[0].blobs[0]
    assert list(blob.shape.dim) == [3, 4]
    assert not blob.data and not blob.diff
    kind, start, stop = walker.blobs[int(blob.double_diff[0])].chunks[0]
    values = np.frombuffer(content[start:stop], kind)
    np.testing.assert_array_equal(values, np.ones(12))


def test_numbers_one_by_one_are_left_to_protobuf():
    blob = bytes([0x2D]) + struct.pack("<f", 2)
    layer = bytes([0x3A, len(blob)]) + blob
    content = bytes([0xA2, 0x06, len(layer)]) + layer
    walker, _ = walk(content)
    assert walker.blobs[0].chunks is None
    assert content[walker.blobs[0].start : walker.blobs[0].stop] == blob


def test_every_truncation_is_found_or_harmless():
    content = make_net().SerializeToString()
    whole = 0
    for end in range(len(content)):
        try:
            walk(content[:end])
        except DamagedError:
            continue
        # Cut between two layers: protobuf's format has no end mark.
        NetParameter.FromString(content[:end])
        whole += 1
    assert whole == 4  # nothing, the name, one layer, two layers


def test_what_protobuf_refuses_is_refused():
    content = make_net().SerializeToString()
    random = np.random.default_rng(0)
    agreed = 0
    for _ in range(2000):
        damaged = bytearray(content)
        for place in random.integers(0, len(content), 2):
            damaged[place] = random.integers(256)
        try:
            NetParameter.FromString(bytes(damaged))
        except REFUSALS:
            with pytest.raises(REFUSALS):
                whole(bytes(damaged))
            agreed += 1
    assert agreed > 200


@pytest.mark.parametrize(
    "content",
    [
        b"\xa2\x06\x80\x80\x80\x80\x80\x20",  # a layer of 2**40 bytes
        b"\x0a" + b"\xff" * 20,
        b"\x03\x04",
        b"\x0f\x00",
        b"\x00\x00",
        b"\x0d\x00\x00",
        b"\xff" * 12,
    ],
)
def test_damage(content):
    with pytest.raises(DamagedError):
        walk(content)


@pytest.mark.parametrize("limit", ["MOST_FIELDS", "MOST_STRUCTURE"])
def test_amounts_are_bounded(limit, monkeypatch):
    monkeypatch.setattr(wire, limit, 10)
    with pytest.raises(DamagedError, match="more than 10"):
        walk(b"\x0a\x01a" * 11)


def test_layers_in_layers_do_not_recurse():
    content = b""
    for _ in range(2000):
        content = b"\x12" + wire.encode(len(content)) + content
    walker = Walk(io.BytesIO(content), len(content))
    assert len(walker.lighten()) > 2000
