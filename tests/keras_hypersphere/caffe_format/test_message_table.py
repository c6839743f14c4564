import pytest
from google.protobuf import descriptor_pb2

from keras_hypersphere.caffe_format.message_table import (
    add_field,
    message_classes,
    message_pool,
)

TABLE = """
Box: name 1 string=box, sides 2 float**, inner 3 Box, colour 4 Colour
extend Box: lid bool

enum Colour: RED 0, BLUE 1
"""


def box_of(table, package):
    pool = message_pool([table], package)
    return message_classes(pool, package, ["Box"])["Box"]


def test_messages_of_a_table():
    Box = box_of(TABLE, "test.boxes")
    box = Box(sides=[1, 2], inner=Box(name="small"), colour=1, lid=True)
    again = Box.FromString(box.SerializeToString())
    assert again == box and again.name == "box" and again.inner.name == "small"
    fields = Box.DESCRIPTOR.fields_by_name
    assert fields["sides"].number == 2 and fields["lid"].number >= 20000
    # Packed: one tag, one length, and eight bytes.
    assert box.SerializeToString().startswith(b"\x12\x08")


def test_two_packages_may_have_messages_of_one_name():
    first, second = (
        box_of(table, package)
        for table, package in (("Box: a 1 int32", "a"), ("Box: b 1 bool", "b"))
    )
    assert first(a=2).a == 2 and second(b=True).b is True


def test_a_broken_entry_is_found():
    message = descriptor_pb2.DescriptorProto(name="M")
    with pytest.raises(RuntimeError, match="table of M"):
        add_field(message, "pad one uint32", set(), "package")
