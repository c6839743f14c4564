import struct
import zlib

import cv2
import numpy as np
import pytest

from keras_hypersphere.zoo import images

# Blocks of colors that no turn maps onto each other.
PICTURE = np.kron(
    np.array(
        [
            [[250, 10, 10], [10, 250, 10], [10, 10, 250]],
            [[10, 10, 10], [250, 250, 10], [120, 120, 120]],
        ],
        np.uint8,
    ),
    np.ones((8, 8, 1), np.uint8),
)


def save(path, rgb):
    channels = [2, 1, 0, 3][: rgb.shape[2]] if rgb.ndim == 3 else None
    bgr = rgb if channels is None else rgb[:, :, channels]
    assert cv2.imwrite(str(path), bgr)
    return path


def exif(orientation):
    """A TIFF header with one entry, the orientation."""
    return (
        b"II*\x00\x08\x00\x00\x00\x01\x00"
        + struct.pack("<HHII", 0x0112, 3, 1, orientation)
        + b"\x00\x00\x00\x00"
    )


def orient(path, orientation):
    """Puts an EXIF orientation into a PNG or JPEG file."""
    data = path.read_bytes()
    if path.suffix == ".png":
        body = b"eXIf" + exif(orientation)
        chunk = (
            struct.pack(">I", len(body) - 4)
            + body
            + struct.pack(">I", zlib.crc32(body))
        )
        # After the signature and IHDR.
        path.write_bytes(data[:33] + chunk + data[33:])
    else:
        body = b"Exif\x00\x00" + exif(orientation)
        head = b"\xff\xe1" + struct.pack(">H", len(body) + 2) + body
        path.write_bytes(data[:2] + head + data[2:])
    return path


# The turns that make a stored picture upright, by the EXIF standard.
TURNS = {
    1: lambda x: x,
    2: lambda x: x[:, ::-1],
    3: lambda x: x[::-1, ::-1],
    4: lambda x: x[::-1],
    5: lambda x: x.swapaxes(0, 1),
    6: lambda x: x.swapaxes(0, 1)[:, ::-1],
    7: lambda x: x.swapaxes(0, 1)[::-1, ::-1],
    8: lambda x: x.swapaxes(0, 1)[::-1],
}


def test_rgb_file(tmp_path):
    read = images.read(save(tmp_path / "a.png", PICTURE))
    np.testing.assert_array_equal(read, PICTURE)
    assert read.dtype == np.uint8 and read.flags.c_contiguous
    np.testing.assert_array_equal(images.read(str(tmp_path / "a.png")), read)


def test_gray_file_becomes_rgb(tmp_path):
    gray = PICTURE[:, :, 0]
    read = images.read(save(tmp_path / "a.png", gray))
    np.testing.assert_array_equal(read, np.dstack([gray] * 3))


def test_16_bit_file_is_scaled_by_range(tmp_path):
    wide = PICTURE.astype(np.uint16) * 257
    wide[0, 0] = 65535
    wide[0, 1] = (128, 129, 385)
    read = images.read(save(tmp_path / "a.png", wide))
    np.testing.assert_array_equal(read[1:], PICTURE[1:])
    assert read[0, 0].tolist() == [255, 255, 255]
    # 128 / 257 is nearer to 0, 129 / 257 to 1, 385 / 257 to 1.
    assert read[0, 1].tolist() == [0, 1, 1]


def test_transparent_file_is_laid_on_white(tmp_path):
    alpha = np.full(PICTURE.shape[:2], 255, np.uint8)
    alpha[:8] = 0
    alpha[8, 0] = 128
    read = images.read(save(tmp_path / "a.png", np.dstack([PICTURE, alpha])))
    assert (read[:8] == 255).all()
    np.testing.assert_array_equal(read[9:], PICTURE[9:])
    # 10 * 128/255 + 255 * 127/255
    assert read[8, 0].tolist() == [132, 132, 132]


@pytest.mark.parametrize("orientation", TURNS)
def test_orientation_of_a_jpeg(tmp_path, orientation):
    path = orient(save(tmp_path / "a.jpg", PICTURE), orientation)
    expected = TURNS[orientation](PICTURE)
    read = images.read(path)
    assert read.shape == expected.shape
    # JPEG blurs the edges of the blocks.
    assert np.median(np.abs(read.astype(int) - expected)) <= 3


@pytest.mark.parametrize("orientation", TURNS)
def test_orientation_of_16_bit_with_alpha(tmp_path, orientation):
    alpha = np.full(PICTURE.shape[:2], 65535, np.uint16)
    alpha[:4, :4] = 0
    wide = np.dstack([PICTURE.astype(np.uint16) * 257, alpha])
    path = orient(save(tmp_path / "a.png", wide), orientation)
    upright = PICTURE.copy()
    upright[:4, :4] = 255
    np.testing.assert_array_equal(
        images.read(path), TURNS[orientation](upright)
    )


@pytest.mark.parametrize("orientation", [3, 6])
def test_orientation_of_16_bit(tmp_path, orientation):
    wide = PICTURE.astype(np.uint16) * 257
    path = orient(save(tmp_path / "a.png", wide), orientation)
    np.testing.assert_array_equal(
        images.read(path), TURNS[orientation](PICTURE)
    )


@pytest.mark.parametrize(
    "data",
    [b"", b"no picture at all", b"\xff\xd8\xff\xe0 broken", b"\x89PNG\r\n"],
)
def test_other_files_are_errors_that_name_them(tmp_path, data):
    path = tmp_path / "broken.jpg"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"broken\.jpg' cannot be read") as e:
        images.read(path)
    assert "\n" not in str(e.value)


@pytest.mark.parametrize("suffix", [".jpg", ".png"])
def test_truncated_file(tmp_path, suffix):
    noise = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    path = save(tmp_path / f"a{suffix}", noise)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(ValueError, match=r"a\.\w+' .*its end is missing"):
        images.read(path)


def test_truncated_jpeg_on_request(tmp_path):
    path = save(tmp_path / "a.jpg", PICTURE.repeat(8, 0).repeat(8, 1))
    whole = images.read(path)
    data = path.read_bytes()
    # An end in the header, as thumbnails have, is not the end.
    thumbnail = b"\xff\xe1\x00\x06\xff\xd8\xff\xd9"
    path.write_bytes(data[:2] + thumbnail + data[2 : len(data) * 2 // 3])
    with pytest.raises(ValueError, match="its end is missing"):
        images.read(path)
    read = images.read(path, partial=True)
    np.testing.assert_array_equal(read[:16], whole[:16])
    assert read.shape == whole.shape


def test_jpeg_with_bytes_behind_its_end(tmp_path):
    path = save(tmp_path / "a.jpg", PICTURE)
    whole = images.read(path)
    path.write_bytes(path.read_bytes() + b"trailer of a camera")
    np.testing.assert_array_equal(images.read(path), whole)


def test_missing_file_and_folder(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"/two\?lines\.jpg'\. Check"):
        images.read(tmp_path / "two\nlines.jpg")
    with pytest.raises(FileNotFoundError, match=r"no photo '.*nope\.jpg'"):
        images.read(tmp_path / "nope.jpg")
    with pytest.raises(ValueError, match="is a folder"):
        images.read(tmp_path)


@pytest.mark.parametrize("dtype", ["uint8", "int64", "float32", "float16"])
def test_arrays_of_every_number_type(dtype):
    read = images.read(PICTURE.astype(dtype))
    np.testing.assert_array_equal(read, PICTURE)


def test_gray_and_rgba_arrays():
    gray = PICTURE[:, :, 0]
    for array in (gray, gray[:, :, None]):
        np.testing.assert_array_equal(images.read(array), np.dstack([gray] * 3))
    opaque = np.dstack([PICTURE, np.full_like(gray, 255)])
    np.testing.assert_array_equal(images.read(opaque), PICTURE)


def test_float_values_are_rounded():
    read = images.read(np.full((2, 2, 3), 254.6))
    assert (read == 255).all()


@pytest.mark.parametrize(
    ("array", "message"),
    [
        (np.zeros((2, 2, 2), np.uint8), r"shape=\(2, 2, 2\)"),
        (np.zeros((2, 2, 2, 3), np.uint8), r"shape=\(2, 2, 2, 3\)"),
        (np.zeros((0, 2, 3), np.uint8), r"shape=\(0, 2, 3\)"),
        (np.full((2, 2, 3), -1.0), r"from -1.0"),
        (np.full((2, 2, 3), 256), r"to 256.0"),
        (np.full((2, 2, 3), np.nan), r"nan"),
        (np.full((2, 2, 3), 0.5), r"Multiply them by 255"),
        (np.zeros((2, 2, 3), bool), r"dtype=bool"),
        (np.full((2, 2, 3), 255, np.uint16), r"astype\('uint8'\)"),
    ],
)
def test_refuses_other_arrays(array, message):
    with pytest.raises(ValueError, match=message):
        images.read(array)


def test_messages_name_what_has_no_name_of_its_own():
    with pytest.raises(ValueError, match=r"^photo 3 of the list: .* list$"):
        images.read([1, 2], name="photo 3 of the list")
    with pytest.raises(ValueError, match=r"^photo 0 of the list: .*2, 2, 2"):
        images.read(np.zeros((2, 2, 2)), name="photo 0 of the list")
    with pytest.raises(ValueError, match=r"^The data cannot be read"):
        images.read(b"bytes")


@pytest.mark.parametrize("length", [251, 255])
def test_names_as_long_as_the_system_takes(tmp_path, length):
    path = save(tmp_path / ("n" * (length - 4) + ".png"), PICTURE)
    np.testing.assert_array_equal(images.read(path), PICTURE)
    with pytest.raises(FileNotFoundError, match=r"… \(\d{4} characters\)'"):
        images.read(f"{tmp_path}/{'n' * 2000}.png")
