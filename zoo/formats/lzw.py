"""LZW, as TIFF packs with it."""

CLEAR, END, FIRST = 256, 257, 258


def unpack_lzw(packed: bytes, size: int) -> bytes | None:
    """Unpacks codes of 9 to 12 bits, the highest bit first.

    Args:
        packed: The data.
        size: How many bytes they must give.

    Returns:
        The bytes; None for the other order of bits, of TIFF's early years.

    Raises:
        ValueError: If a code says nothing yet, or there are more bytes.
    """
    if packed[:1] == b"\x00" and len(packed) > 1 and packed[1] & 1:
        return None
    single = [bytes([value]) for value in range(256)] + [b"", b""]
    table, before = single.copy(), b""
    parts: list[bytes] = []
    length = waiting = bits = 0
    width = 9
    for byte in packed:
        waiting = (waiting << 8 | byte) & 0xFFFFFF
        bits += 8
        if bits < width:
            continue
        bits -= width
        code = waiting >> bits & ((1 << width) - 1)
        if code == END or length >= size:
            break
        if code == CLEAR:
            table, before, width = single.copy(), b"", 9
            continue
        if code < len(table):
            entry = table[code]
        elif code == len(table) and before:
            entry = before + before[:1]
        else:
            raise ValueError("it is damaged")
        if before:
            table.append(before + entry[:1])
        before = entry
        parts.append(entry)
        length += len(entry)
        # A code early, as TIFF has it.
        if len(table) + 1 == 1 << width and width < 12:
            width += 1
    if length > size:
        raise ValueError("it is damaged")
    return b"".join(parts)
