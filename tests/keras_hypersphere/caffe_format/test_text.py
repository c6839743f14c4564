"""The text format in all its spellings, and nothing else."""

import math
import re

import numpy as np
import pytest
from google.protobuf import text_format

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
        ("\nlayer { name: 'a' name: 'b' }", 2, 25),
        ("name: 'a", 1, 7),
        ("layer { bottom: a }", 1, 17),
        ("layer { pooling_param { pool: MEDIAN } }", 1, 31),
        ("layer { pooling_param { kernel_size: -1 } }", 1, 38),
        ("layer { pooling_param { kernel_size: 1.5 } }", 1, 38),
        ("layer {\n}}", 2, 2),
        ("layer { < }", 1, 9),
        # Weights are taken out before protobuf parses the rest.
        ("layer { blobs { data: 1\ndata: 2\ndata: 3 num: x } }", 3, 14),
        ("layer { blobs { data: [1,\n2,\n3] diff: [4] diff: x", 3, 20),
        ("layer { blobs { data: 1, 2 } }", 1, 26),
        ("layer { blobs { data: 1;; data: 2 } }", 1, 25),
        ("layer { blobs { data: [1, 2 data: 3 } }", 1, 29),
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
    net = parse("layer { blobs { data: [" + "0.5, # half\n" * 200 + "1] } }")
    assert len(net.layer[0].blobs[0].data) == 201
    with pytest.raises(CaffeFormatError, match="bytes of text"):
        parse("layer { blobs { data: [" + "0.5, " * 200 + "0_1] } }")


NUMBERS = (
    "1 -1 +1 0 -0 1. .5 -.5 +.5 1e5 1E-5 1.5e+03 2f 1.5f .5e1F inf -inf "
    "Infinity -infinity inff nan NaN -nan nanf 1e100 -1e100 1e-60 1e400 "
    "16777217 0.1 3.4028235677973366e+38 3.4028236e38 7e-46 1.4e-45 "
    "123456789012345678901234567890 0.30000001192092896"
)


@pytest.mark.parametrize("name", ["data", "diff", "double_data", "double_diff"])
@pytest.mark.parametrize("many", [1, 1500])
def test_runs_of_numbers_are_what_protobuf_reads(name, many):
    numbers = [
        *NUMBERS.split(),
        *np.random.default_rng(0).normal(size=many).astype("U"),
    ]
    spellings = [
        " ".join(f"{name}: {number}" for number in numbers),
        ";\n".join(f"{name}:{number}" for number in numbers) + ",",
        f"{name}: [{', '.join(numbers)}]",
        f"{name} # why\n:[ {'# 1, 2'.join(numbers[:1])}]"
        + "".join(f" {name}: {number} # data: 7\n" for number in numbers[1:9])
        + f"{name}: [{' ,'.join(numbers[9:])}];",
    ]
    for spelling in spellings:
        source = f"blobs {{ {spelling} shape {{ dim: 2 }} }}"
        expected = NetParameter()
        plain = re.sub("#.*", "", source.replace("F", "f"))
        plain = plain.replace("Nan", "nan")
        text_format.Parse(f"layer {{ {plain} }}", expected)
        for network in (f"layer {{ {source} }}", f"layers {{ {source} }}"):
            net = parse(network)
            found = (net.layer or net.layers)[0].blobs
            assert len(getattr(found[0], name)) == len(numbers)
            assert [blob.SerializeToString() for blob in found] == [
                blob.SerializeToString() for blob in expected.layer[0].blobs
            ]


def test_runs_of_two_fields_in_turn():
    blobs = parse(
        "layer { name: 'data: 1 data: 2' blobs { data: 1 diff: 2 data: [3, 4] "
        "diff: 5 diff: [6] double_data: 7 } blobs { data: 8 } } "
        "layer { blobs { shape { dim: [1, 2] } data: [] data: 9 } }"
    )
    first, second = blobs.layer[0].blobs
    assert (first.data, first.diff) == ([1, 3, 4], [2, 5, 6])
    assert (first.double_data, second.data) == ([7], [8])
    assert blobs.layer[1].blobs[0].data == [9]
    assert blobs.layer[0].name == "data: 1 data: 2"


def test_weights_that_are_no_decimal_numbers():
    with pytest.raises(CaffeFormatError, match="not all decimal"):
        parse("layer { blobs { data: 1 data: 1_0 } }")
