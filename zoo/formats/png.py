"""PNG: a row of chunks, each with a checksum."""

import zlib

START = b"\x89PNG\r\n\x1a\n"
END = b"IEND"


def check(data: bytes) -> bool:
    """Looks at every chunk. Returns whether there is transparency.

    Raises:
        ValueError: If a chunk is damaged, or the end is missing.
    """
    position, alpha = len(START), False
    while position + 12 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        end = position + 12 + length
        if end > len(data):
            break
        kind = data[position + 4 : position + 8]
        found = int.from_bytes(data[end - 4 : end], "big")
        if zlib.crc32(data[position + 4 : end - 4]) != found:
            raise ValueError("it is damaged")
        if kind == b"IHDR":
            # Gray or RGB, with alpha.
            alpha = length > 9 and data[position + 8 + 9] in (4, 6)
        alpha |= kind == b"tRNS"
        if kind == END:
            return alpha
        position = end
    raise ValueError("its end is missing")


def shortened(data: bytes) -> bytes:
    """The file with a last chunk that is as long as it says.

    OpenCV makes room for what a chunk claims: 2 GB, for some damage.
    """
    position = len(START)
    while position + 8 <= len(data):
        length = int.from_bytes(data[position : position + 4], "big")
        if position + 12 + length > len(data):
            rest = data[position + 4 :]
            size, checksum = len(rest) - 4, zlib.crc32(rest)
            return b"".join(
                (
                    data[:position],
                    size.to_bytes(4, "big"),
                    rest,
                    checksum.to_bytes(4, "big"),
                )
            )
        position += 12 + length
    return data
