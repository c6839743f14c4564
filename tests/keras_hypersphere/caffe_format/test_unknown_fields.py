"""What a network's text has and nobody knows."""

import pytest

from keras_hypersphere.caffe_format import (
    CaffeFormatError,
    NetParameter,
    read_prototxt,
    text,
    write_prototxt,
)

NET = """
name: "net" global_word: "x"
layer { name: "r" type: "Im" 'Resize'
  imresize_param { factor: 2 } exact: true, bottom: "x" # comment
  top: "y" relu_param { negative_slope: 1 slope: 2 }
}
layer { name: "s" type: "ReLU" bottom: "y" top: "z" }
state { level: 1 kind { a: 1 } }
"""


def parse(source):
    return text.parse_text(source.encode(), NetParameter(), "net.prototxt")


def found(message):
    return [(field.name, field.line, field.column) for field in message.unread]


def place(word, start=0):
    before = NET[: NET.index(word, start)].split("\n")
    return len(before), len(before[-1]) + 1


def test_it_is_noted_with_its_place():
    net = parse(NET)
    assert found(net) == [
        ("global_word", *place("global_word")),
        ("state.kind", *place("kind")),
    ]
    layer, other = net.layer
    assert found(layer) == [
        ("imresize_param", *place("imresize")),
        ("exact", *place("exact")),
        ("relu_param.slope", *place("slope: 2")),
    ]
    assert layer.top == ["y"] and layer.relu_param.negative_slope == 1
    assert other.name == "s" and not other.unread and net.state.level == 1


def test_layers_of_2014_and_2013_keep_it(write):
    old = "layers { name: 'a' type: RELU a: 1 relu_param { b: 1 } }"
    (layer,) = read_prototxt(write(old)).layer
    assert [name for name, *_ in found(layer)] == ["a", "relu_param.b"]
    older = "layers { layer { name: 'a' type: 'relu' c: 1 } }"
    (layer,) = read_prototxt(write(older)).layer
    assert found(layer) == [("layer.c", 1, 41)]


def test_the_networks_own_are_warned_of_in_one_line(write, tmp_path):
    path = write(NET)
    words = r"line 2, column 13: .*`global_word`, `state.kind`$"
    with pytest.warns(UserWarning, match=words):
        net = read_prototxt(path)
    with pytest.raises(CaffeFormatError, match="`global_word`"):
        write_prototxt(net, tmp_path / "made")
    net.ClearField("unread")
    with pytest.raises(CaffeFormatError, match=r"'r' .*`imresize_param`"):
        write_prototxt(net, tmp_path / "made")
    assert not (tmp_path / "made").exists()


def test_it_must_be_the_text_format():
    for spelled in ("a < b: [1] >", "a: -1;", 'a: "x" "y"'):
        (layer,) = parse(f'layer {{ type: "Own" {spelled} }}').layer
        assert [name for name, *_ in found(layer)] == ["a"]
    for broken in ("a {", "a: [1", "a: }", 'a: "x', "a", "a { b: : }"):
        with pytest.raises(CaffeFormatError):
            parse(f'layer {{ type: "Own" b: 1 {broken} }}')


def test_places_in_long_texts():
    """Of a field that protobuf refuses within a layer, too."""
    many = 'layer { type: "Own"\n a: 1 a: 2 }\n' * 2000
    last = parse(many).layer[-1]
    assert [field.line for field in last.unread] == [4000, 4000]
    broken = f'{many} layer {{ type: "Own"\n  a {{\nb: : }} }}'
    with pytest.raises(CaffeFormatError, match="line 4002, column 3: "):
        parse(broken)
    # No network has so many, and protobuf takes its time.
    with pytest.raises(CaffeFormatError, match='no field named "a"'):
        parse(f'layer {{ type: "Own" a: [{"1, " * 20000} 1] }}')
