"""Layers with fields that users declare."""

import re

import pytest

from keras_hypersphere.caffe_format import (
    CaffeFormatError,
    LayerParameter,
    NetParameter,
    custom_layers,
    read_prototxt,
    text,
    write_caffemodel,
    write_prototxt,
)
from keras_hypersphere.caffe_format.custom_layers import (
    build_class,
    declare,
    with_own,
)

NET = """
name: "net"
layer { name: "r" type: "Im" 'Resize'
  imresize_param { factor: 2 mode: LINEAR size: [3, 4]; filler { type: "msra" }
    box { width: 1 } box < width: 2 > } exact: true, bottom: "x" # comment
  top: "y" relu_param { negative_slope: 1 }
}
layer { name: "s" type: "ReLU" bottom: "y" top: "z" }
"""
PARAMETER = {
    "imresize_param 300": {
        "factor 1": "uint32 = 7",
        "mode 2": ("NEAREST", "LINEAR 3"),
        "size": "repeated int32",
        "filler": "FillerParameter",
        "box": [{"width": "float=.5"}],
    },
    "exact": "bool",
}


@pytest.fixture(autouse=True)
def none_declared(monkeypatch):
    monkeypatch.setattr(custom_layers, "CUSTOM", {})


def parse(source):
    return text.parse_text(source.encode(), NetParameter(), "net.prototxt")


def check(layer):
    settings = with_own(layer).imresize_param
    assert (settings.factor, settings.mode, list(settings.size)) == (
        2,
        3,
        [3, 4],
    )
    assert settings.filler.type == "msra"
    assert [box.width for box in settings.box] == [1, 2]
    assert with_own(layer).exact and with_own(layer).HasField("exact")
    assert with_own(layer).relu_param.negative_slope == 1
    assert with_own(layer).name == "r"
    assert not with_own(layer).HasField("pooling_param")


def test_declared_messages_are_read():
    declare("ImResize", build_class(PARAMETER))
    layer = parse(NET).layer[0]
    assert not layer.unread
    check(layer)
    copy = LayerParameter()
    copy.CopyFrom(layer)
    check(copy)
    assert not hasattr(with_own(layer), "nosuch")


def test_defaults():
    declare("ImResize", build_class(PARAMETER))
    layer = with_own(parse('layer { type: "ImResize" }').layer[0])
    assert layer.imresize_param.factor == 7 and not layer.exact
    assert not layer.HasField("imresize_param")
    assert layer.imresize_param.box.add().width == 0.5


def test_binary_files_have_numbers(write, tmp_path):
    declare("ImResize", build_class(PARAMETER))
    net = read_prototxt(write(NET))
    path = tmp_path / "net.binary"
    write_caffemodel(net, path)
    # 300 << 3 | 2 and the tag of `factor`, as any protobuf writes them.
    assert b"\xe2\x12" in path.read_bytes() and b"\x08\x02" in path.read_bytes()
    check(read_prototxt(path).layer[0])
    declare("ImResize", None)
    with pytest.warns(UserWarning, match="layer field 300"):
        read_prototxt(path)
    declare("ImResize", build_class({"imresize_param 300": {"a 1": "string"}}))
    with pytest.warns(UserWarning, match="imresize_param field 1"):
        layer = read_prototxt(path).layer[0]
    assert with_own(layer).imresize_param.a == ""
    declare(
        "ImResize", build_class({"other 300": {"factor 1": {"x": "int32"}}})
    )
    damaged = LayerParameter(name="r", type="ImResize")
    damaged.MergeFromString(b"\xe2\x12\x03\x0a\x09\x09")
    with pytest.raises(CaffeFormatError, match=r"^f: layer 'r' \(ImResize\)"):
        with_own(damaged, "f")


def test_text_is_written_with_them(write, tmp_path):
    path = tmp_path / "net.prototxt"
    with pytest.raises(CaffeFormatError, match=r"'r' .*`imresize_param`"):
        write_prototxt(read_prototxt(write(NET)), path)
    assert not path.exists()
    declare("ImResize", build_class(PARAMETER))
    write_prototxt(read_prototxt(write(NET)), path)
    check(read_prototxt(path).layer[0])


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        ("LINEAR", "CUBIC", "Enum type .* has no value named CUBIC"),
        ("3, 4", "x, 4", "Couldn't parse integer: x"),
        ("top", "type: 1 top", "Expected string"),
    ],
)
def test_wrong_values_are_refused(right, wrong, words):
    declare("ImResize", build_class(PARAMETER))
    broken = NET.replace(right, wrong, 1)
    with pytest.raises(CaffeFormatError) as caught:
        parse(broken)
    assert re.match(
        f"net.prototxt: line \\d, column \\d+: {words}", str(caught.value)
    )
    assert "own_" not in str(caught.value)


@pytest.mark.parametrize(
    ("right", "wrong", "name"),
    [
        ("factor", "fctor", "imresize_param.fctor"),
        ("exact", "exct", "exct"),
        ("negative_slope", "slope", "relu_param.slope"),
        ('type: "msra"', "kind: 1", "imresize_param.filler.kind"),
    ],
)
def test_misspellings_are_noted(right, wrong, name):
    declare("ImResize", build_class(PARAMETER))
    broken = NET.replace(right, wrong, 1)
    before = broken[: broken.index(wrong)].split("\n")
    layer, other = parse(broken).layer
    (unread,) = layer.unread
    assert unread.name == name and not other.unread
    assert (unread.line, unread.column) == (len(before), len(before[-1]) + 1)
    assert list(with_own(layer).imresize_param.size) == [3, 4]


def test_a_field_that_comes_twice():
    declare("ImResize", build_class(PARAMETER))
    with pytest.raises(
        CaffeFormatError, match=r"line 4, .*should not have mul"
    ):
        parse(NET.replace("factor: 2", "factor: 2 factor: 3"))


def test_a_list_of_layers():
    declare("Own", build_class({"a": {"b": "repeated int32"}}))
    layers = parse(
        "layer: [ { type: 'Own' a < b: [1, 2] > }, { type: 'ReLU' a: 1 },"
        "{ type: 'Own', name: 'last' a { b: 3; c: { d: 4 } } } ] state { x: 1 }"
    ).layer
    assert [list(with_own(layers[n]).a.b) for n in (0, 2)] == [[1, 2], [3]]
    names = [[field.name for field in layer.unread] for layer in layers]
    assert names == [[], ["a"], ["a.c"]] and layers[2].name == "last"


def test_a_message_of_caffes_gets_further_fields(write, tmp_path):
    """As a fork does that changes a layer type of Caffe's."""
    new = {"pooling_param": {"ring 90": "bool", "rings": [{"r": "float"}]}}
    declare("Pooling", build_class(new))
    settings = "pooling_param { pool: AVE ring: true rings { r: 2 } pad: 3 }"
    source = f'layer {{ name: "p" type: "Pooling" {settings} }}'
    net = read_prototxt(write(source))
    made = with_own(net.layer[0]).pooling_param
    assert (made.pool, made.ring, made.rings[0].r, made.pad) == (1, True, 2, 3)
    assert made.stride == 1 and not net.layer[0].unread
    path = tmp_path / "net.prototxt"
    write_prototxt(net, path)
    assert with_own(read_prototxt(path).layer[0]).pooling_param == made
    # Other types have not.
    net = parse(source.replace('"Pooling"', '"SPP"'))
    names = [field.name for field in net.layer[0].unread]
    assert names == ["pooling_param.ring", "pooling_param.rings"]
    assert not with_own(LayerParameter(type="Pooling")).pooling_param.ring


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        (None, "must be a dict"),
        ({}, "must be a dict"),
        ({"name": "string"}, "'name', which Caffe has"),
        ({"bottom": {}}, "'bottom', which Caffe has"),
        ({"relu_param": {"engine": "int32"}}, "'engine', which Caffe has"),
        ({"relu_param": {"a 1": "int32"}}, "1, which is `negative_slope`"),
        ({"own_param 123": {}}, "number 123, which is `relu_param`"),
        ({"own_param 0": {}}, "number 0"),
        ({"own_param 19000": {}}, "number 19000"),
        ({"a": "flot"}, "'flot' for `a`; write one of string, "),
        ({"a": "repeated int32 = 1"}, "'repeated int32 = 1' for `a`"),
        ({"a": "FillerParameter = 1"}, "for `a`"),
        ({"a": 3}, "3 for `a`"),
        ({"a": ["float"]}, "write 'repeated float'"),
        ({"a": "int32 = x"}, "no message of protobuf's"),
        ({"a": ()}, "an enum without names"),
        ({"a": ("B C",)}, "in an enum"),
        ({"a": {"b": "bool", "b 2": "bool"}}, "'b' twice"),
        ({3: "float"}, "where a name should be"),
        ({"a b": "float"}, "where a name should be"),
    ],
)
def test_wrong_declarations(parameter, words):
    with pytest.raises(ValueError, match=words) as caught:
        build_class(parameter)
    assert f"Received: parameter={parameter!r}" in str(caught.value)
