"""PNG, WebP, TIFF, BMP, AVIF: damage is an error, and turns are applied."""

import io
import struct
import zlib

import cv2
import numpy as np
import pytest

from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.formats import tiff
from tests.zoo.formats.damage import PICTURE, encode, natural, overwritten
from tests.zoo.test_images import TURNS

# Of 200 copies with other bytes in the coded pixels, how many are refused at
# least. What has neither a checksum nor a code that breaks cannot be seen.
SEEN = {
    "png": (".png", (), 200),
    "webp": (".webp", (cv2.IMWRITE_WEBP_QUALITY, 85), 195),
    "tiff-lzw": (".tif", (cv2.IMWRITE_TIFF_COMPRESSION, 5), 190),
    "tiff-deflate": (".tif", (cv2.IMWRITE_TIFF_COMPRESSION, 8), 195),
    "tiff-bits": (".tif", (cv2.IMWRITE_TIFF_COMPRESSION, 32773), 120),
}
WHOLE = {
    **{name: row[:2] for name, row in SEEN.items()},
    "bmp": (".bmp", ()),
    "tiff": (".tif", (cv2.IMWRITE_TIFF_COMPRESSION, 1)),
    "webp-lossless": (".webp", (cv2.IMWRITE_WEBP_QUALITY, 101)),
}


def refused(data):
    try:
        images.read(data)
    except ValueError:
        return True
    return False


@pytest.mark.parametrize("name", WHOLE)
def test_whole_pictures_are_those_of_opencv(name):
    data = encode(WHOLE[name][0], *WHOLE[name][1])
    expected = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(images.read(data), expected[:, :, ::-1])


@pytest.mark.parametrize("name", SEEN)
def test_overwritten_data_are_seen(name):
    suffix, settings, least = SEEN[name]
    damaged = overwritten(encode(suffix, *settings), 200)
    assert sum(map(refused, damaged)) >= least


@pytest.mark.parametrize("name", WHOLE)
@pytest.mark.parametrize("part", [0.3, 0.9])
def test_a_missing_end_is_seen(name, part):
    data = encode(WHOLE[name][0], *WHOLE[name][1])
    with pytest.raises(ValueError, match=r"its end is missing|damaged"):
        images.read(data[: int(len(data) * part)])


def test_small_and_flat_pictures_of_webp():
    """The check cuts their data: they have little of them."""
    for size in ((1, 1), (3, 200), (16, 16), (64, 64)):
        for quality in (1, 50, 100, 101):
            flat = np.full((*size, 3), 77, np.uint8)
            data = encode(
                ".webp", cv2.IMWRITE_WEBP_QUALITY, quality, picture=flat
            )
            assert np.abs(images.read(data).astype(int) - 77).max() <= 8


def test_webp_with_alpha():
    alpha = np.full(PICTURE.shape[:2], 255, np.uint8)
    alpha[:40] = 0
    bgra = np.dstack([PICTURE[:, :, ::-1], alpha])
    data = cv2.imencode(".webp", bgra, (cv2.IMWRITE_WEBP_QUALITY, 85))[1]
    read = images.read(data.tobytes())
    assert (read[:40] == 255).all()
    assert np.median(np.abs(read[41:].astype(int) - PICTURE[41:])) < 12


def test_bmp_with_another_header():
    rows = np.flip(PICTURE, 0)[:, :, ::-1]
    core = struct.pack("<IHHHH", 12, 160, 120, 1, 24)
    size = 26 + rows.size
    data = struct.pack("<2sIHHI", b"BM", size, 0, 0, 26) + core + rows.tobytes()
    np.testing.assert_array_equal(images.read(data), PICTURE)
    assert refused(data[:-10])


def put(data, place, other):
    return data[:place] + other + data[place + len(other) :]


def test_what_headers_of_bmp_tell():
    """Sizes, bits and packing must fit each other."""
    data = encode(".bmp")
    number = struct.Struct("<i").pack
    for place, value in (
        (10, 30),
        (14, 41),
        (18, 0),
        (22, 0),
        (30, 1),
        (28, 7),
    ):
        assert refused(put(data, place, number(value))), place
    # A picture that is narrower or lower than its pixels, by less than half.
    for place, value in ((18, 120), (22, 100)):
        assert refused(put(data, place, number(value))), place
    # Writers that do not know the size of the file, or fill it up.
    assert not refused(put(data, 2, number(0)))
    assert not refused(put(data + b"\0\0", 2, number(len(data) + 2)))


def test_runs_of_bmp():
    """Two rows of 5: a run, a copy that is filled up, and a step."""
    head = struct.pack("<IiiHHIIiiII", 40, 5, 2, 1, 8, 1, 0, 0, 0, 256, 0)
    gray = b"".join(bytes([n, n, n, 0]) for n in range(256))
    runs = bytes([5, 200, 0, 0, 0, 3, 7, 8, 9, 0, 2, 4, 0, 1])
    offset = 14 + len(head) + len(gray)

    def file(runs):
        size = offset + len(runs)
        start = struct.pack("<2sIHHI", b"BM", size, 0, 0, offset)
        return start + head + gray + runs

    read = images.read(file(runs))[:, :, 0]
    np.testing.assert_array_equal(read, [[7, 8, 9, 4, 4], [200] * 5])
    with pytest.raises(ValueError, match="its end is missing"):
        images.read(file(runs[:-2]))
    for place, value in ((0, 6), (5, 9), (10, 3)):
        changed = bytes([*runs[:place], value, *runs[place + 1 :]])
        assert refused(file(changed)), place


@pytest.mark.parametrize("quality", [85, 101])
def test_what_headers_of_webp_tell(quality, tmp_path):
    data = encode(".webp", cv2.IMWRITE_WEBP_QUALITY, quality)
    # Its name, its size, the size of a partition, a start code, a width of 0.
    for place, other in {
        85: [
            (12, b"\x01"),
            (16, b"\x01"),
            (21, b"\xff\xff"),
            (23, b"\0"),
            (26, b"\0\0"),
            (20, b"\x01"),
        ],
        101: [(12, b"\x01"), (16, b"\x01"), (20, b"\0"), (24, b"\xff")],
    }[quality]:
        path = tmp_path / "damaged.webp"
        path.write_bytes(put(data, place, other))
        with pytest.raises(ValueError, match=r"damaged\.webp.*damaged|missing"):
            images.read(path)


def extended(data, flags=0, width=160, height=120):
    """The picture behind the header that other parts need."""
    sizes = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(
        3, "little"
    )
    head = struct.pack("<4sIB3x", b"VP8X", 10, flags) + sizes
    body = b"WEBP" + head + data[12:]
    return b"RIFF" + len(body).to_bytes(4, "little") + body


def test_parts_of_webp_fit_each_other():
    data = encode(".webp", cv2.IMWRITE_WEBP_QUALITY, 85)
    assert not refused(extended(data))
    assert refused(extended(data, width=161))
    assert refused(extended(data, flags=8))  # no EXIF is there
    longer = put(data + b"rest", 4, struct.pack("<I", len(data) - 4))
    assert refused(longer)


def test_places_of_tiff_do_not_overlap():
    data = encode(".tif", cv2.IMWRITE_TIFF_COMPRESSION, 1)
    layout = tiff.read_layout(data)
    offsets = layout.tags[tiff.OFFSETS]
    stored = data.index(struct.pack(f"<{len(offsets)}I", *offsets))
    other = struct.pack("<I", offsets[1] - 99)
    assert not refused(data) and refused(put(data, stored + 4, other))
    other = struct.pack("<I", layout.place[0])
    assert refused(put(data, stored, other))


def test_tiles_of_tiff():
    """Deflated squares: each must give all of its pixels."""
    tiles = [
        zlib.compress(np.full((16, 16), gray, np.uint8).tobytes())
        for gray in (50, 150)
    ]

    def file(tiles):
        places = np.cumsum([8, *map(len, tiles)])
        tags = {256: 32, 257: 16, 258: 8, 259: 8, 262: 1, 277: 1}
        tags |= {322: 16, 323: 16}
        lists = {324: places[:2], 325: list(map(len, tiles))}
        at = int(places[-1]) + 2 + 12 * (len(tags) + len(lists)) + 4
        entries, values = b"", b""
        for tag, value in tags.items():
            entries += struct.pack("<HHIHxx", tag, 3, 1, value)
        for tag, numbers in lists.items():
            entries += struct.pack("<HHII", tag, 4, 2, at + len(values))
            values += struct.pack("<2I", *numbers)
        head = struct.pack("<2sHI", b"II", 42, places[-1])
        count = struct.pack("<H", len(tags) + len(lists))
        return head + b"".join(tiles) + count + entries + bytes(4) + values

    read = images.read(file(tiles))[:, :, 0]
    np.testing.assert_array_equal(read[0], [50] * 16 + [150] * 16)
    short = zlib.compress(bytes(200))
    for wrong in ([tiles[0], short], [tiles[0], tiles[1][:-6]]):
        with pytest.raises(ValueError, match="damaged"):
            images.read(file(wrong))


def pillow(image, suffix, orientation=1, **settings):
    """Encodes by Pillow what OpenCV does not write."""
    pil = pytest.importorskip("PIL.Image")
    features = pytest.importorskip("PIL.features")
    if suffix == "avif" and not features.check("avif"):
        pytest.skip("Pillow without AVIF")
    exif = pil.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    pil.fromarray(image).save(file, suffix, exif=exif, **settings)
    return file.getvalue()


BLOCKS = np.kron(
    np.random.default_rng(0).integers(0, 256, (2, 3, 3), np.uint8),
    np.ones((64, 64, 1), np.uint8),
)


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize("alpha", [False, True])
def test_orientation_of_avif(orientation, alpha):
    if not cv2.haveImageWriter("x.avif"):
        pytest.skip("OpenCV without AVIF")
    picture, shown = BLOCKS, BLOCKS
    if alpha:
        opaque = np.full(BLOCKS.shape[:2], 255, np.uint8)
        opaque[:64, :64] = 0
        picture = np.dstack([BLOCKS, opaque])
        shown = BLOCKS.copy()
        shown[:64, :64] = 255
    data = pillow(picture, "avif", orientation, quality=100)
    expected = TURNS[orientation](shown)
    read = images.read(data)
    assert read.shape == expected.shape
    assert np.median(np.abs(read.astype(int) - expected)) <= 2


@pytest.mark.parametrize("orientation", TURNS)
@pytest.mark.parametrize(
    "packing", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"]
)
def test_gray_with_alpha_in_tiff(orientation, packing):
    gray = PICTURE[:, :, 0]
    alpha = np.full(gray.shape, 255, np.uint8)
    alpha[:40, :50] = 0
    data = pillow(
        np.dstack([gray, alpha]), "tiff", orientation, compression=packing
    )
    shown = gray.copy()
    shown[:40, :50] = 255
    np.testing.assert_array_equal(
        images.read(data), TURNS[orientation](np.dstack([shown] * 3))
    )


def test_jpeg_in_tiff():
    """libtiff decodes broken strips, and only prints that they are."""
    pytest.importorskip("PIL.Image")
    data = pillow(PICTURE, "tiff", compression="jpeg")
    assert not refused(data)
    place = tiff.read_layout(data).tags[tiff.OFFSETS][0]
    for other in (b"\xff\xd8" * 150, bytes(300), b"\xff" * 300):
        assert refused(put(data, place + 700, other))
    assert refused(put(data, place, b"\0\0"))
    assert refused(data[: place + 500])


def tiff_of(samples, planes=1, extra=2):
    """A TIFF of gray and alpha, of 16 bits, big-endian, in two strips."""
    height, width = samples.shape[:2]
    half = height // 2
    order = samples if planes == 1 else np.moveaxis(samples, 2, 0)[..., None]
    rows = order.reshape(-1, width, 2 // planes).astype(">u2")
    strips = [rows[i : i + half].tobytes() for i in range(0, len(rows), half)]
    count = len(strips)
    tags = [
        (256, 3, [width]),
        (257, 3, [height]),
        (258, 3, [16, 16]),
        (259, 3, [1]),
        (262, 3, [1]),
        (273, 4, [8 + sum(map(len, strips[:i])) for i in range(count)]),
        (277, 3, [2]),
        (278, 3, [half]),
        (279, 4, [len(strip) for strip in strips]),
        (284, 3, [planes]),
        (338, 3, [extra]),
    ]
    pixels = b"".join(strips)
    start = 8 + len(pixels)
    outside = start + 2 + 12 * len(tags) + 4
    entries, more = b"", b""
    for tag, kind, values in tags:
        packed = struct.pack(f">{len(values)}{'HI'[kind == 4]}", *values)
        if len(packed) > 4:
            place = struct.pack(">I", outside + len(more))
            more += packed
        else:
            place = packed.ljust(4, b"\0")
        entries += struct.pack(">HHI", tag, kind, len(values)) + place
    head = b"MM\0*" + struct.pack(">I", start)
    return (
        head + pixels + struct.pack(">H", len(tags)) + entries + bytes(4) + more
    )


@pytest.mark.parametrize("planes", [1, 2])
def test_gray_with_alpha_of_16_bits(planes):
    gray = PICTURE[:, :, 0].astype(np.uint16) * 257
    alpha = np.full(gray.shape, 65535, np.uint16)
    alpha[:40, :50] = 0
    shown = PICTURE[:, :, 0].copy()
    shown[:40, :50] = 255
    data = tiff_of(np.dstack([gray, alpha]), planes)
    np.testing.assert_array_equal(images.read(data), np.dstack([shown] * 3))


def test_heic_is_told():
    brand = b"heicmif1"
    data = struct.pack(">I4s4sI4s", 24, b"ftyp", brand[:4], 0, brand[4:])
    with pytest.raises(ValueError, match=r"no decoder for HEIC: convert it"):
        images.read(data + bytes(99))


@pytest.mark.parametrize("size", [(1, 1), (17, 33), (3, 500), (120, 160)])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_no_whole_picture_is_refused(size, mode):
    """Of any encoder's settings; a refusal would be an error here."""
    pil = pytest.importorskip("PIL.Image")
    random = np.random.default_rng(0)
    noise = random.integers(0, 256, (*size, 3), np.uint8)
    settings = [
        *(("JPEG", {"progressive": True}), ("JPEG", {"optimize": True})),
        *(("JPEG", {"subsampling": 0}), ("JPEG", {"subsampling": 2})),
        ("JPEG", {"restart_marker_blocks": 1}),
        ("JPEG", {"restart_marker_rows": 1, "progressive": True}),
        *(("WEBP", {"method": 0}), ("WEBP", {"method": 6})),
        ("WEBP", {"lossless": True}),
        *(("TIFF", {"compression": name}) for name in ("tiff_lzw", "raw")),
        *(
            ("TIFF", {"compression": name})
            for name in ("tiff_adobe_deflate", "packbits")
        ),
    ]
    for pixels in (natural(*size), np.full_like(noise, 90), noise):
        image = pil.fromarray(pixels).convert(mode)
        for suffix, words in settings:
            for quality in (1, 75, 100) if suffix != "TIFF" else (None,):
                file = io.BytesIO()
                more = {} if quality is None else {"quality": quality}
                shown = image.convert("RGB") if suffix == "WEBP" else image
                shown.save(file, suffix, **words, **more)
                assert images.read(file.getvalue()).shape == (*size, 3)
