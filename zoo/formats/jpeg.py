"""JPEG: where a picture begins and ends, and what its data say of damage.

A file is a row of segments, each a marker (0xFF and a number) with a length,
then scans of coded pixels, and an end marker. In coded pixels 0xFF stands
before 0x00 or a restart marker only: every other marker ends the scan.
"""

import os
import re

import cv2
import numpy as np

from keras_hypersphere.zoo.formats.decoder_messages import MESSAGES

START, END = b"\xff\xd8", b"\xff\xd9"
# Bytes before a picture, as some downloads and mails have them.
STRAY = 4096
# Bytes that some cameras leave between the last scan and the end marker.
PADDING = 16
# More of 0xFF may stand before; a pattern that begins with one byte is fast.
MARKER = re.compile(rb"\xff([^\x00\xff\xd0-\xd7])")
SCAN = 0xDA
# What may follow a scan: tables, the next scan, applications' own, comments.
BETWEEN_SCANS = {0xC4, 0xCC, SCAN, 0xDB, 0xDC, 0xDD, *range(0xE0, 0xF0), 0xFE}
DAMAGE = re.compile(r"Corrupt JPEG data: (?!bad ICC)|Premature end of JPEG")
# All that libjpeg says while it decodes.
LIBJPEG = re.compile(
    r"Corrupt JPEG|Premature end of JPEG|Unknown Adobe|Inconsistent progr|"
    r"Warning: unknown JFIF|Invalid SOS|Application transferred"
)
LEFT_OVER = re.compile(r"data: (\d+) extraneous bytes before marker 0xd9")


def find_start(data: bytes) -> int:
    """Where a picture begins: a few stray bytes may stand before; or -1."""
    return data.find(START + b"\xff", 0, STRAY)


def whole_picture(data: bytes) -> bytes:
    """The picture that begins the data, without stray bytes.

    Raises:
        ValueError: If its end is missing, or other data stand in it.
    """
    parts, position, scans, stray = [START], 2, 0, False
    while True:
        marker = MARKER.search(data, position)
        if marker is None:
            raise ValueError("its end is missing")
        kind = marker[1][0]
        if scans and kind == 0xD8:
            raise ValueError("another picture begins before its end")
        if scans == 0 and kind in (0xD8, 0xD9):
            raise ValueError("it is damaged")
        if kind == 0xD9:
            break
        if scans and kind not in BETWEEN_SCANS:
            raise ValueError("it is damaged")
        stray |= bool(data[position : marker.start()].strip(b"\xff"))
        position = marker.end()
        length = int.from_bytes(data[position : position + 2], "big")
        if length < 2:
            raise ValueError("it is damaged")
        if position + length > len(data):
            raise ValueError("its end is missing")
        begin, position = marker.start(), position + length
        if kind == SCAN:
            scans += 1
            following = MARKER.search(data, position)
            if following is None:
                raise ValueError("its end is missing")
            position = following.start()
        parts.append(data[begin:position])
    end = data[marker.start() : marker.end()]
    return b"".join([*parts, end]) if stray else data[: marker.end()]


def decode(data: bytes, flags: int, partial: bool = False) -> np.ndarray | None:
    """Decodes a JPEG file by OpenCV.

    Args:
        data: The file. It contains `START`.
        flags: Of `cv2.imdecode`.
        partial: Whether a damaged picture, or the beginning of one, is
            decoded as far as it goes.

    Raises:
        ValueError: If the picture is damaged, or its end is missing.
    """
    data = data[max(0, find_start(data)) :]
    data = data + END if partial else whole_picture(data)
    with MESSAGES.kept() as said:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), flags)
    for line in said:
        # Another thread's, which happened to print at this time.
        if not LIBJPEG.match(line):
            os.write(2, f"{line}\n".encode())
    if not partial and any(map(is_damage, said)):
        raise ValueError("it is damaged")
    return pixels


def is_damage(line: str) -> bool:
    """Whether libjpeg speaks of data that cannot be right."""
    rest = LEFT_OVER.search(line)
    if rest:
        return int(rest[1]) > PADDING
    return DAMAGE.search(line) is not None
