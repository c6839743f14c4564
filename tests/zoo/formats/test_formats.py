"""PNG, WebP, TIFF, BMP, AVIF: damage is an error, and turns are applied."""

import io
import struct

import cv2
import numpy as np
import pytest

from keras_hypersphere.zoo import images
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
