import io
import pickle
import random
import struct
import sys
import tracemalloc
import types

import cv2
import numpy as np
import pytest

from keras_hypersphere.face_files import pickle_data, verification_bin
from keras_hypersphere.face_files.verification_bin import (
    read_verification_bin,
    write_verification_bin,
)
from tests.keras_hypersphere.face_files.formats import golden

NAMES = ("bytes_p4", "bytes_npbool_p4", "ndarray_p2", "ndarray_p4")
PHOTOS = [b"Ann 1", b"Ann 2", b"Bob 1", b"\xff\xd8\x00Cid"]
SAME = [True, False]


def read(tmp_path, data):
    path = tmp_path / "pairs.bin"
    path.write_bytes(data)
    return read_verification_bin(path)


def refused(tmp_path, data, match):
    """Refused in one line, and in little memory."""
    path = tmp_path / "pairs.bin"
    path.write_bytes(data)
    tracemalloc.start()
    try:
        with pytest.raises(ValueError, match=match) as error:
            read_verification_bin(path)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert str(error.value).startswith(f"'{path}'")
    assert "\n" not in str(error.value) and len(str(error.value)) < 600
    assert peak < 1_000_000 + 200 * len(data)


@pytest.mark.parametrize("name", NAMES)
def test_files_of_insightface(name):
    images, same = read_verification_bin(golden(f"{name}.bin"))
    photos, wanted = pickle.loads(golden(f"{name}.bin").read_bytes())
    assert images == [bytes(photo) for photo in photos]
    assert same.dtype == bool and same.tolist() == list(map(bool, wanted))
    image = cv2.imdecode(np.frombuffer(images[0], np.uint8), 1)
    assert image.shape == (112, 112, 3)


@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("kind", [bytes, "array", bytearray, "column"])
@pytest.mark.parametrize("flags", [list, tuple, "numpy", "scalars"])
def test_what_python_writes(tmp_path, protocol, kind, flags):
    if kind is bytearray and protocol < 5:
        # Written as a call of a class.
        refused(tmp_path, pickle.dumps(bytearray(b"x"), protocol), "refused")
        return
    photos = PHOTOS
    if kind == "array":
        photos = [np.frombuffer(photo, np.uint8).copy() for photo in PHOTOS]
    elif kind == "column":
        # What `cv2.imencode` gave before OpenCV 4.5.
        photos = [
            np.frombuffer(photo, np.uint8).reshape(-1, 1).copy()
            for photo in PHOTOS
        ]
    elif kind is bytearray:
        photos = [bytearray(photo) for photo in PHOTOS]
    same = {"numpy": np.array(SAME), "scalars": list(map(np.bool_, SAME))}.get(
        flags, SAME
    )
    same = same if isinstance(flags, str) else flags(same)
    data = pickle.dumps((photos, same), protocol)
    for module in ("numpy._core", "numpy.core"):
        if protocol < 4:
            data = data.replace(b"cnumpy._core", b"c" + module.encode())
        images, found = read(tmp_path, data)
        assert images == PHOTOS and found.tolist() == SAME


def old_text(photo):
    return b"T" + struct.pack("<i", len(photo)) + photo


def test_texts_and_arrays_of_python_2(tmp_path):
    texts = b"".join(map(old_text, PHOTOS))
    data = b"\x80\x02](" + texts + b"e](\x88\x89e\x86q\x01."
    assert pickle.loads(data, encoding="bytes") == (PHOTOS, SAME)
    images, same = read(tmp_path, data)
    assert images == PHOTOS and same.tolist() == SAME
    # NumPy's arrays there: texts for its bytes, and numbers for booleans.
    dtype = b"cnumpy\ndtype\nU\x02u1K\x00K\x01\x87R(K\x03U\x01|NNNJ"
    dtype += b"\xff" * 4 + b"J" + b"\xff" * 4 + b"K\x00tb"
    arrays = b""
    for photo in PHOTOS:
        arrays += b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\n"
        arrays += b"K\x00\x85U\x01b\x87R(K\x01K" + bytes([len(photo)]) + b"\x85"
        arrays += dtype + b"\x89" + old_text(photo) + b"tb"
    data = b"\x80\x02](" + arrays + b"e](\x88\x89e\x86."
    found = pickle.loads(data, encoding="latin1")[0]
    assert [bytes(array) for array in found] == PHOTOS
    images, same = read(tmp_path, data)
    assert images == PHOTOS


class Call:
    """A pickle that calls something."""

    def __init__(self, *parts):
        self.parts = parts

    def __reduce__(self):
        return self.parts


@pytest.fixture
def called():
    """Says whether a pickle made somebody call it."""
    module = types.ModuleType("a_module_of_the_test")
    calls = []
    module.run = lambda *arguments: calls.append(arguments)
    module.run.__module__, module.run.__qualname__ = module.__name__, "run"
    sys.modules[module.__name__] = module
    yield module.run, calls
    del sys.modules[module.__name__]


@pytest.mark.parametrize("protocol", [0, 1, 2, 3, 4, 5])
def test_nothing_is_called_or_imported(tmp_path, called, protocol):
    run, calls = called
    data = pickle.dumps((PHOTOS, [Call(run, ("rm -rf",))]), protocol)
    pickle.loads(data)
    assert calls == [("rm -rf",)], "the pickle does nothing"
    refused(tmp_path, data, "refused at byte")
    assert len(calls) == 1
    data = data.replace(b"a_module_of_the_test", b"a_module_of_the_tesu")
    refused(tmp_path, data, "refused at byte")


@pytest.mark.parametrize(
    "data, match",
    [
        (b"\x80\x04cos\nsystem\n(U\x02lstR.", "the name 'os.system'"),
        (b"\x80\x04\x8c\x02os\x8c\x06system\x93.", "the name 'os.system'"),
        (b"\x80\x04c__builtin__\neval\n.", "the name '__builtin__.eval'"),
        (b"\x80\x04cnumpy\nload\n.", "the name 'numpy.load'"),
        (b"\x80\x04cnumpy.core.multiarray\nfromfile\n.", "fromfile"),
        (b"\x80\x04c_codecs\ndecode\n.", "the name '_codecs.decode'"),
        (b"\x80\x04ca\x1b[2J\nb\n.", r"the name 'a\?\[2J\.b'"),
        (b"\x80\x04(ios\nsystem\n.", "the opcode INST"),
        (b"\x80\x04cnumpy\ndtype\n)\x81.", "the opcode NEWOBJ"),
        (b"\x80\x04\x82\x01.", "the opcode EXT1"),
        (b"\x80\x04Pfile\n.", "the opcode PERSID"),
        (b"\x80\x05\x97.", "the opcode NEXT_BUFFER"),
        (b"\x80\x04}.", "the opcode EMPTY_DICT"),
        (b"\x80\x04G" + bytes(8) + b".", "the opcode BINFLOAT"),
        (b"\x80\x04cnumpy\ndtype\n\x8c\x02O8\x89\x88\x87R.", "type O8"),
        (b"\x80\x04cnumpy\ndtype\n\x8c\x02f4\x89\x88\x87R.", "type f4"),
        (b"\x80\x04cnumpy\ndtype\n)R.", "a call of dtype with other"),
        (b"\x80\x04K\x01)R.", "a call"),
        (b"\x80\x04]Nb.", "the state of an object"),
        (b"\x80\x04NN\x93.", "a name that is no text"),
        (b"\x80\x04K\x01K\x02a.", "values for something that is no list"),
        (b"\x80\x04.", "no whole pickle"),
        (b"\x80\x04(.", "nothing after a mark"),
        (b"\x80\x04h\x07.", "no whole pickle"),
        (b"\x80\x04]", "no whole pickle"),
        (b"\x80\x04\xff.", "no whole pickle"),
        (b"\x80\x04B\xff\xff\xff\xffab", "no whole pickle"),
        (b"\x80\x04\x8e" + b"\xff" * 7 + b"\x7fab", "no whole pickle"),
        (b"\x80\x04\x8b\xff\xff\xff\x7fab", "no whole pickle"),
        (b"\x80\x04\x8a\xffab", "no whole pickle"),
        (b"I" + b"9" * 10_000 + b"\n.", "no whole pickle"),
        (b"", "no whole pickle"),
        (b"not a pickle at all", "position 0"),
    ],
)
def test_hostile_opcodes(tmp_path, data, match):
    refused(tmp_path, data, f"refused at byte .*{match}")


def test_the_byte_of_a_refused_opcode(tmp_path):
    data = pickle.dumps((PHOTOS, SAME), 4)
    bad = data[:-1] + b"cos\nsystem\n."
    refused(tmp_path, bad, f"refused at byte {len(data) - 1}: .*os.system")


def array(shape, data, kind=b"u1"):
    """An array of NumPy in protocol 4."""
    dtype = b"cnumpy\ndtype\n\x8c\x02" + kind + b"\x89\x88\x87R"
    return (
        b"cnumpy.core.multiarray\n_reconstruct\ncnumpy\nndarray\nK\x00\x85C"
        b"\x01b\x87R(K\x01" + shape + dtype + b"\x89" + data + b"tb"
    )


@pytest.mark.parametrize(
    "shape, data",
    [
        (b"K\x05\x85", b"C\x04abcd"),
        (b"J\xff\xff\xff\xff\x85", b"C\x04abcd"),
        (b"J\xff\xff\xff\xffJ\xfc\xff\xff\xff\x86", b"C\x04abcd"),
        (b"\x8a\x09" + b"\xff" * 8 + b"\x00\x85", b"C\x04abcd"),
        (b"]", b"C\x04abcd"),
        (b"\x88K\x04\x86", b"C\x04abcd"),
        (b"K\x04\x85", b"]"),
        (b"(K\x01K\x01K\x01K\x01K\x04t", b"C\x04abcd"),
    ],
)
def test_hostile_arrays(tmp_path, shape, data):
    good = array(b"K\x04\x85", b"C\x04abcd")
    pair = b"\x80\x04](" + good + b"%be](\x88e\x86."
    assert read(tmp_path, pair % good)[0] == [b"abcd", b"abcd"]
    refused(tmp_path, pair % array(shape, data), "an array that is none of")


def test_bombs(tmp_path):
    # A memo that doubles: 2 ** 64 values, of which none is copied.
    bomb = b"\x80\x04]\x94" + b"h\x00h\x00\x86\x94" * 64
    refused(tmp_path, bomb + b".", "holds")
    doubling = b"\x80\x04]q\x00"
    for index in range(64):
        doubling += b"(h%bh%be](" % (bytes([index]), bytes([index]))
        doubling = doubling[:-2] + b"q" + bytes([index + 1])
    refused(tmp_path, doubling + b".", "holds|refused")
    # A text that becomes new bytes again and again.
    text = b"X" + struct.pack("<I", 10_000) + b"a" * 10_000
    call = b"c_codecs\nencode\nh\x00\x8c\x06latin1\x86R"
    bomb = b"\x80\x04](" + text + b"q\x00" + call * 1000 + b"e."
    refused(tmp_path, bomb, "more bytes than the file has")
    # Depth, which Python's own recursion would not survive.
    refused(tmp_path, b"\x80\x04" + b"]" + b"\x85" * 50_000 + b".", "no pair")
    refused(tmp_path, b"\x80\x04" + b"(" * 50_000 + b".", "nothing after")
    deep = b"](" * 20_000 + b"e" * 20_000
    data = b"\x80\x04](" + deep + deep + b"e](\x88e\x86."
    refused(tmp_path, data, "no photo number 0")
    # A list that holds itself.
    data = b"\x80\x04]\x94h\x00ah\x00h\x00\x86."
    refused(tmp_path, data, "holds")


def test_opcodes_and_bytes_are_counted(tmp_path, monkeypatch):
    data = pickle.dumps((PHOTOS, SAME), 4)
    monkeypatch.setattr(pickle_data, "MOST_OPCODES", 10)
    refused(tmp_path, data, "more than 10 opcodes")
    monkeypatch.setattr(verification_bin, "LARGEST", 10)
    refused(tmp_path, data, f"has {len(data)} bytes; at most 10 are read")


@pytest.mark.parametrize(
    "value, match",
    [
        ((PHOTOS, SAME, SAME), "no pair of photos"),
        (PHOTOS, "no pair of photos"),
        ((PHOTOS, True), "no lists"),
        ((PHOTOS, [True]), "4 photos and 1 booleans"),
        ((PHOTOS[:3], SAME), "3 photos and 2 booleans"),
        (([], []), "0 photos and 0 booleans"),
        ((PHOTOS, [True, 0]), "no boolean for pair 1"),
        ((PHOTOS, [True, None]), "no boolean for pair 1"),
        (([*PHOTOS[:3], "text"], SAME), "no photo number 3"),
        (([*PHOTOS[:3], b""], SAME), "no photo number 3"),
        (([*PHOTOS[:3], np.array(SAME)], SAME), "no photo number 3"),
        ((PHOTOS, np.array([1, 0], np.uint8)), "no lists"),
    ],
)
def test_data_that_are_no_pairs(tmp_path, value, match):
    refused(tmp_path, pickle.dumps(value, 4), f"holds .*{match}|{match}")


@pytest.mark.parametrize("protocol", [2, 4])
def test_damaged_files(tmp_path, protocol):
    """Hundreds of them: read, or refused in one line."""
    photos = [np.frombuffer(photo, np.uint8).copy() for photo in PHOTOS]
    data = pickle.dumps((photos, list(map(np.bool_, SAME))), protocol)
    path = tmp_path / "pairs.bin"
    draw = random.Random(protocol)
    outcomes = set()
    for _ in range(300):
        damaged = bytearray(data)
        for _ in range(draw.randint(1, 4)):
            place = draw.randrange(len(damaged))
            size = draw.choice([0, 1, 1, 4])
            damaged[place : place + size] = draw.randbytes(draw.choice([1, 4]))
        if draw.random() < 0.2:
            del damaged[draw.randrange(len(damaged)) :]
        path.write_bytes(damaged)
        try:
            images, same = read_verification_bin(path)
            assert len(images) == 2 * len(same)
            outcomes.add("read")
        except ValueError as error:
            assert str(error).startswith(f"'{path}'"), error
            assert "\n" not in str(error)
            outcomes.add("refused")
    assert outcomes == {"read", "refused"}


def test_written_files_are_read_by_pickle_too(tmp_path):
    path = tmp_path / "pairs.bin"
    write_verification_bin(path, PHOTOS, SAME)
    images, same = read_verification_bin(path)
    assert images == PHOTOS and same.tolist() == SAME
    # As InsightFace reads it.
    photos, flags = pickle.load(io.BytesIO(path.read_bytes()), encoding="bytes")
    assert photos == PHOTOS and flags == SAME
    write_verification_bin(path, images, same)
    assert read_verification_bin(path)[0] == PHOTOS


def test_arrays_are_written_without_loss(tmp_path):
    crops = np.random.default_rng(0).integers(0, 256, (4, 8, 6, 3), np.uint8)
    path = tmp_path / "pairs.bin"
    write_verification_bin(path, crops, np.array(SAME))
    images, _ = read_verification_bin(path)
    for image, crop in zip(images, crops, strict=True):
        found = cv2.imdecode(np.frombuffer(image, np.uint8), 1)
        np.testing.assert_array_equal(found[..., ::-1], crop)


@pytest.mark.parametrize(
    "images, same, match",
    [
        (PHOTOS, [1, 0], "`same` must be"),
        (PHOTOS, [SAME], "`same` must be"),
        ([], [], "`same` must be"),
        (PHOTOS[:3], SAME, "`images` must be two for each of 2"),
        ([*PHOTOS[:3], "text"], SAME, r"images\[3\] of type str"),
        ([*PHOTOS[:3], b""], SAME, r"images\[3\] of type bytes"),
        (np.zeros((4, 8, 8, 3)), SAME, "dtype=float64"),
        (np.zeros((4, 8, 8), np.uint8), SAME, r"shape=\(8, 8\)"),
    ],
)
def test_what_is_not_written(tmp_path, images, same, match):
    with pytest.raises(ValueError, match=match):
        write_verification_bin(tmp_path / "pairs.bin", images, same)
    assert not list(tmp_path.iterdir())


def test_no_file(tmp_path):
    with pytest.raises(FileNotFoundError, match="There is no file"):
        read_verification_bin(tmp_path / "pairs.bin")
    with pytest.raises(ValueError, match="is not a file"):
        read_verification_bin(tmp_path)
