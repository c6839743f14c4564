import struct
from pathlib import Path

import numpy as np
import pytest

from keras_hypersphere.zoo.loading.dlib_file import (
    START,
    DlibFormatError,
    parse,
    read_dlib,
    read_integer,
)

DAT = "dlib_face_recognition_resnet_model_v1.dat"


def integer(value):
    """Any length dlib might use: as few bytes as the number needs."""
    magnitude = abs(value)
    count = max(1, (magnitude.bit_length() + 7) // 8)
    sign = 0x80 if value < 0 else 0
    return bytes([count | sign]) + magnitude.to_bytes(count, "little")


def tensor(values, shape):
    head = b"".join(map(integer, (2, *shape)))
    return head + np.asarray(values, "<f4").tobytes()


def tag(text):
    return b"\x01" + bytes([len(text)]) + text.encode()


SETTINGS = b"\x01\x03\x01\x03110" * 20
CON = tag("con_4") + tensor(range(7), (7, 1, 1, 1)) + SETTINGS
AFFINE = tag("affine_") + tensor([1, 2], (2, 1, 1, 1)) + SETTINGS
FC = tag("fc_2") + integer(3) + integer(2) + tensor(range(6), (2, 3, 1, 1))
WHOLE = START + SETTINGS + CON + tag("relu_") + SETTINGS + AFFINE + FC


def test_reads_layers_in_order():
    layers = parse(WHOLE + SETTINGS)
    assert [layer.kind for layer in layers] == ["con", "affine", "fc"]
    np.testing.assert_array_equal(layers[0].values, np.arange(7))
    np.testing.assert_array_equal(layers[1].values, [1, 2])
    np.testing.assert_array_equal(layers[2].values, [[0, 1, 2], [3, 4, 5]])
    assert layers[0].values.dtype == np.float32


def test_values_that_look_like_a_tag_are_values():
    fake = np.frombuffer((tag("con_4") + b"\0" * 8)[:12], "<f4")
    data = START + tag("affine_") + tensor(fake, (3, 1, 1, 1)) + FC
    np.testing.assert_array_equal(parse(data)[0].values, fake)


@pytest.mark.parametrize("value", [0, 1, 255, 256, 11259712, -1, -70000])
def test_integers(value):
    data = b"x" + integer(value)
    assert read_integer(data, 1) == (value, len(data))


def test_every_truncation_is_an_error_and_never_a_crash(tmp_path):
    path = tmp_path / "short.dat"
    for length in range(len(WHOLE)):
        path.write_bytes(WHOLE[:length])
        with pytest.raises(DlibFormatError, match=r"short\.dat' is not dlib"):
            read_dlib(path)


def test_every_damaged_byte_is_an_error_or_read():
    generator = np.random.default_rng(0)
    for place in range(len(WHOLE)):
        data = bytearray(WHOLE)
        data[place] = generator.integers(256)
        try:
            parse(bytes(data))
        except DlibFormatError:
            continue


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "does not start"),
        (b"text", "does not start"),
        (START + b"\0" * 10000, "no layer with parameters follows byte 17"),
        (
            START
            + tag("con_4")
            + b"".join(map(integer, (2, 2**40, 2**40, 1, 1))),
            "announces",
        ),
        (START + tag("con_4") + b"".join(map(integer, (2, -5, 1, 1, 1))), "-5"),
        (
            START + tag("con_4") + b"".join(map(integer, (2, 0, 1, 1, 1))),
            "of 0",
        ),
        (START + tag("con_4") + integer(3), "version 3, 2 was expected"),
        (START + tag("con_4") + b"\x00", "starts no integer"),
        (START + tag("con_4") + b"\x0f" + b"1" * 15, "starts no integer"),
        (
            START + tag("con_4") + tensor([np.nan], (1, 1, 1, 1)),
            "not finite",
        ),
        (
            START
            + tag("fc_2")
            + integer(4)
            + integer(2)
            + tensor(range(6), (2, 3, 1, 1)),
            r"announced was \(2, 4\)",
        ),
    ],
)
def test_messages(data, message):
    with pytest.raises(DlibFormatError, match=message):
        parse(data)


def test_hostile_size_allocates_nothing(tmp_path):
    path = tmp_path / "large.dat"
    with path.open("wb") as file:
        file.truncate(2**34)
    with pytest.raises(DlibFormatError, match="too large"):
        read_dlib(path)


def test_missing_file(tmp_path):
    with pytest.raises(FileNotFoundError, match=f"no file '.*{DAT}'"):
        read_dlib(tmp_path / DAT)
    with pytest.raises(FileNotFoundError, match="no file"):
        read_dlib(Path(tmp_path))


def test_start_is_the_serialized_text():
    # Version 1, then the text as length and characters.
    assert b"\x01\x01" + tag("loss_metric_2") == START
    assert struct.unpack("BB", START[2:4]) == (1, 13)
