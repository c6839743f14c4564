"""Layers with messages that no table has."""

import re

import pytest

from keras_hypersphere.caffe_format import (
    CaffeFormatError,
    LayerParameter,
    NetParameter,
    own_layers,
    read_prototxt,
    text,
    write_caffemodel,
    write_prototxt,
)
from keras_hypersphere.caffe_format.own_layers import (
    build_class,
    declare,
    unread_fields,
    with_own,
)
from keras_hypersphere.caffe_format.tables.types import TYPES

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
    monkeypatch.setattr(own_layers, "OWN", {})


def parse(source):
    return text.parse_text(source.encode(), NetParameter(), "net.prototxt")


def test_what_nobody_declared_is_noted():
    layer, other = parse(NET).layer
    found = [(f.name, f.line, f.column) for f in unread_fields(layer)]
    column = NET.split("\n")[4].index("exact") + 1
    assert found == [("imresize_param", 4, 3), ("exact", 5, column)]
    assert layer.top == ["y"] and layer.relu_param.negative_slope == 1
    assert other.name == "s" and not unread_fields(other)


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
    assert not unread_fields(layer)
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
    with pytest.warns(UserWarning, match="layer field 25001"):
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
        ("factor", "fctor", 'Message .* no field named "fctor"'),
        ("LINEAR", "CUBIC", "Enum type .* has no value named CUBIC"),
        ("3, 4", "x, 4", "Couldn't parse integer: x"),
        ("exact", "exct", 'Message .* named "exct".*`register_layer`'),
        ("negative_slope", "slope", 'Message .* no field named "slope"'),
        ("top", "nosuch: 1 top", 'Message .* no field named "nosuch"'),
    ],
)
def test_misspellings_are_refused(right, wrong, words):
    declare("ImResize", build_class(PARAMETER))
    broken = NET.replace(right, wrong, 1)
    before = broken[: broken.index(wrong)].split("\n")
    place = f"line {len(before)}, column {len(before[-1]) + 1}"
    with pytest.raises(CaffeFormatError) as caught:
        parse(broken)
    assert re.match(f"net.prototxt: {place}: {words}", str(caught.value))
    assert "own_" not in str(caught.value)


def test_a_field_that_comes_twice():
    declare("ImResize", build_class(PARAMETER))
    with pytest.raises(
        CaffeFormatError, match=r"line 4, .*should not have mul"
    ):
        parse(NET.replace("factor: 2", "factor: 2 factor: 3"))


def test_only_layers_of_unknown_types_may_have_more():
    for layer in ('layer { type: "LSTM" a: 1 }', "layer { a: 1 }"):
        with pytest.raises(CaffeFormatError, match='no field named "a"'):
            parse(layer)
    for text_ in ("a: 1", "layers { type: RELU a: 1 }"):
        with pytest.raises(CaffeFormatError, match='no field named "a"'):
            parse(text_)
    spelled = "layer: [ { type: 'Own' a < b: [1] > }, { type: 'Own', a: -1; } ]"
    assert all(unread_fields(layer) for layer in parse(spelled).layer)
    for broken in ("a {", "a: [1", "a: }", 'a: "x', "a", "a { b: : }"):
        with pytest.raises(CaffeFormatError):
            parse(f'layer {{ type: "Own" b: 1 {broken} }}')


def test_places_in_long_texts():
    """Of a field that protobuf refuses within a layer, too."""
    many = 'layer { type: "Own"\n a: 1 a: 2 }\n' * 2000
    last = parse(many).layer[-1]
    assert [f.line for f in unread_fields(last)] == [4000, 4000]
    broken = f'{many} layer {{ type: "Own"\n  a {{\n b: : }} }}'
    with pytest.raises(CaffeFormatError, match="line 4002, column 3: "):
        parse(broken)
    # No network has so many, and protobuf takes its time.
    with pytest.raises(CaffeFormatError, match='no field named "a"'):
        parse(f'layer {{ type: "Own" a: [{"1, " * 20000} 1] }}')


@pytest.mark.parametrize(
    ("parameter", "words"),
    [
        (None, "must be a dict"),
        ({}, "must be a dict"),
        ({"relu_param": {}}, "'relu_param', which Caffe has"),
        ({"own_param 123": {}}, "number 123, which is `relu_param`"),
        ({"own_param 0": {}}, "number 0"),
        ({"own_param 19000": {}}, "number 19000"),
        ({"a": "flot"}, "'flot' for `a`; write one of string, "),
        ({"a": "repeated int32 = 1"}, "'repeated int32 = 1' for `a`"),
        ({"a": "FillerParameter = 1"}, "for `a`"),
        ({"a": 3}, "3 for `a`"),
        ({"a": ["float"]}, "write 'repeated float'"),
        ({"a": "int32 = x"}, "no message of protobuf's"),
        ({"a": ()}, "no message of protobuf's"),
        ({"a": ("B C",)}, "in an enum"),
        ({"a": {"b": "bool", "b 2": "bool"}}, "no message of protobuf's"),
        ({3: "float"}, "where a name should be"),
        ({"a b": "float"}, "where a name should be"),
    ],
)
def test_wrong_declarations(parameter, words):
    with pytest.raises(ValueError, match=words) as caught:
        build_class(parameter)
    assert f"Received: parameter={parameter!r}" in str(caught.value)


def test_the_types_of_the_tables():
    with pytest.raises(CaffeFormatError):
        parse('layer { type: "MultiBoxLoss" a: 1 }')
    assert {"ReLU", "Data", "AnnotatedData"} <= TYPES
