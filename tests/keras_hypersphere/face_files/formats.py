"""The formats stated once more, as slow loops, to make files for the tests."""

import struct
from pathlib import Path

import pytest

GOLDEN = Path(__file__).parents[4] / "shared" / "golden-data"
MAGIC = b"\x0a\x23\xd7\xce"


def golden(name):
    """A file that the original tools made; they may not be handed on."""
    path = GOLDEN / name
    if not path.exists():
        pytest.skip(f"no ../shared/golden-data/{name}")
    return path


def chunks(payload):
    """A record in RecordIO, cut word by word as dmlc-core does."""
    parts, begin = [], 0
    for place in range(0, len(payload) // 4 * 4, 4):
        if payload[place : place + 4] == MAGIC:
            parts.append(payload[begin:place])
            begin = place + 4
    parts.append(payload[begin:])
    out = b""
    for number, part in enumerate(parts):
        flag = 0
        if len(parts) > 1:
            flag = {0: 1, len(parts) - 1: 3}.get(number, 2)
        out += MAGIC + struct.pack("<I", flag * 2**29 + len(part)) + part
        out += bytes(-len(part) % 4)
    return out


def header(label, key=0, labels=(), id2=0):
    """MXNet's header of a record."""
    return struct.pack("<IfQQ", len(labels), label, key, id2) + struct.pack(
        f"<{len(labels)}f", *labels
    )


def write_records(path, payloads, keys=None, index=True):
    """Writes a `.rec` file. Returns where each record begins."""
    data, places = b"", []
    for payload in payloads:
        places.append(len(data))
        data += chunks(payload)
    path.write_bytes(data)
    keys = range(len(places)) if keys is None else keys
    lines = [
        f"{key}\t{place}\n" for key, place in zip(keys, places, strict=True)
    ]
    if index:
        path.with_suffix(".idx").write_text("".join(lines))
    return places


def insightface(people):
    """Payloads and keys of InsightFace's layout; photos of each identity."""
    count = sum(map(len, people))
    payloads, keys, ranges = [], [], []
    for label, photos in enumerate(people):
        ranges.append((len(keys) + 1, len(keys) + 1 + len(photos)))
        for photo in photos:
            keys.append(len(keys) + 1)
            payloads.append(header(label, keys[-1]) + photo)
    for pair in ranges:
        keys.append(len(keys) + 1)
        payloads.append(header(0, keys[-1], pair))
    payloads.append(header(0, 0, (count + 1, len(keys) + 1), id2=1))
    return payloads, [*keys, 0]


def crc32c(data):
    """Bit by bit."""
    register = 0xFFFFFFFF
    for byte in data:
        register ^= byte
        for _ in range(8):
            low = register & 1
            register = register >> 1 ^ (0x82F63B78 if low else 0)
    return register ^ 0xFFFFFFFF


def masked(data):
    """A checksum as TFRecord stores it."""
    crc = crc32c(data)
    turned = crc // 2**15 | crc % 2**15 * 2**17
    return struct.pack("<I", (turned + 0xA282EAD8) % 2**32)


def tfrecord(*examples):
    """A file of records."""
    out = b""
    for data in examples:
        length = struct.pack("<Q", len(data))
        out += length + masked(length) + data + masked(data)
    return out


def number(value):
    """A varint."""
    out = []
    while value > 127:
        out.append(value % 128 + 128)
        value //= 128
    return bytes([*out, value])


def field(key, value):
    """A field of protobuf: a whole number or bytes."""
    if isinstance(value, int):
        return number(key * 8) + number(value % 2**64)
    return number(key * 8 + 2) + number(len(value)) + value


def example(features):
    """A `tf.train.Example`: name → int, float, or bytes."""
    entries = b""
    for name, value in features.items():
        if isinstance(value, bytes):
            kind = field(1, field(1, value))
        elif isinstance(value, float):
            kind = field(2, field(1, struct.pack("<f", value)))
        else:
            kind = field(3, field(1, number(value % 2**64)))
        entries += field(1, field(1, name.encode()) + field(2, kind))
    return field(1, entries)


def read_all(source):
    """All photos."""
    return [source.read(index) for index in range(len(source))]
