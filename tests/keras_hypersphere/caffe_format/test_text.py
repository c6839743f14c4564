"""The text format in all its spellings, and nothing else."""

import math

import pytest

from keras_hypersphere.caffe_format import (
    CaffeFormatError,
    NetParameter,
    text,
)


def parse(source):
    if isinstance(source, str):
        source = source.encode()
    return text.parse_text(source, NetParameter(), "net.prototxt")


@pytest.mark.parametrize(
    "source",
    [
        "layer { pooling_param { pool: AVE kernel_size: 3 } }",
        "layer: { pooling_param: { pool: 1, kernel_size: 0x3 }; };",
        "layer < pooling_param < pool: AVE; kernel_size: 03 > >",
        "layer{pooling_param{pool:1 kernel_size:3}}",
        "layer: [ { pooling_param < pool: AVE kernel_size: 0X03 > } ]",
        "# first\nlayer { # second\n pooling_param {\r\n\tpool: AVE\f"
        "kernel_size: 3 } } # last",
    ],
)
def test_spellings_of_one_network(source):
    pooling = parse(source).layer[0].pooling_param
    assert (pooling.pool, pooling.kernel_size) == (1, 3)


@pytest.mark.parametrize(
    "source, value",
    [
        ("1", 1),
        ("-1", -1),
        ("- 1", -1),
        ("-# why not\n1.5", -1.5),
        ("1.", 1),
        (".5", 0.5),
        ("-.5e+1", -5),
        ("1e-2f", 0.01),
        ("1.5F", 1.5),
        (".5e1F", 5),
        ("3F", 3),
        ("2E3", 2000),
        ("inf", math.inf),
        ("-inf", -math.inf),
        ("Infinity", math.inf),
        ("1e100", math.inf),
    ],
)
def test_numbers(source, value):
    net = parse(f"layer {{ power_param {{ shift: {source} }} }}")
    assert net.layer[0].power_param.shift == pytest.approx(value)


def test_not_a_number():
    shift = parse("layer { power_param { shift: nan } }").layer[0].power_param
    assert math.isnan(shift.shift)


def test_hexadecimal_digits_are_no_suffix():
    net = parse("layer { pooling_param { kernel_size: 0x1F pad: 0xF } }")
    pooling = net.layer[0].pooling_param
    assert (pooling.kernel_size, pooling.pad) == (31, 15)


def test_signs_in_strings_and_comments_stay():
    net = parse('name: \'- 1 # - 2\' # - 3\nlayer { name: "- \\" - " }')
    assert net.name == "- 1 # - 2" and net.layer[0].name == '- " - '


@pytest.mark.parametrize("word, value", [("true", 1), ("t", 1), ("1", 1)])
def test_truths(word, value):
    relu = parse(f"force_backward: {word} debug_info: False")
    assert relu.force_backward == value and relu.debug_info is False


@pytest.mark.parametrize(
    "source, name",
    [
        ("'a'", "a"),
        ('"a" \'b\'\n"c"', "abc"),
        (r'"\x41\102\n\'\\"', "AB\n'\\"),
        (r'"\303\274"', "ü"),
        ('"ü"', "ü"),
        ("'it''s'", "its"),
        ('"#{}<>;"', "#{}<>;"),
    ],
)
def test_strings(source, name):
    assert parse(f"name: {source}").name == name


@pytest.mark.parametrize(
    "source, line, column",
    [
        ('name: "a"\nlayer {\n  nosuch: 1\n}', 3, 3),
        ("\nlayer { name: 'a' name: 'b' }", 2, 25),
        ("name: 'a", 1, 7),
        ("layer { bottom: a }", 1, 17),
        ("layer { pooling_param { pool: MEDIAN } }", 1, 31),
        ("layer { pooling_param { kernel_size: -1 } }", 1, 38),
        ("layer { pooling_param { kernel_size: 1.5 } }", 1, 38),
        ("layer {\n}}", 2, 2),
        ("layer { < }", 1, 9),
    ],
)
def test_errors_have_a_place(source, line, column):
    with pytest.raises(
        CaffeFormatError,
        match=rf"^net.prototxt: line {line}, column {column}: ",
    ):
        parse(source)


@pytest.mark.parametrize(
    "source",
    [
        "layer {",
        "layer { } >",
        "layer {" * 3000,
        "name = 'a'",
        "// no comment\nname: 'a'",
        "name: 'a\nb'",
        "input_dim: 99999999999",
        "input_dim: 0xffffffffff",
        "force_backward: 2",
        "[type.googleapis.com/a] { }",
        "name: u'a'",
        "layer { pooling_param { pool: 7 } }",
        b"name: '\xff\xfe'",
    ],
)
def test_refused(source):
    with pytest.raises(CaffeFormatError):
        parse(source)


def test_sizes_are_bounded_but_weights_may_be_long(monkeypatch):
    monkeypatch.setattr(text, "MOST_TEXT", 1000)
    with pytest.raises(CaffeFormatError, match="bytes of text"):
        parse("layer { }\n" * 200)
    net = parse("layer { blobs { " + "data: -1.5e-3\n" * 200 + "} }")
    assert len(net.layer[0].blobs[0].data) == 200
