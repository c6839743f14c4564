"""What a photo may be: each kind gives the same pixels."""

import base64
import io
import subprocess
import sys

import cv2
import numpy as np
import pytest

from keras_hypersphere.zoo import images
from keras_hypersphere.zoo.photos import kinds

RANDOM = np.random.default_rng(0)
PICTURE = RANDOM.integers(0, 256, (24, 32, 3), np.uint8)
PNG = cv2.imencode(".png", PICTURE[:, :, ::-1])[1].tobytes()
TEXT = base64.b64encode(PNG).decode()
URL_SAFE = base64.urlsafe_b64encode(PNG).decode().rstrip("=")


@pytest.mark.parametrize(
    "photo",
    [
        PNG,
        bytearray(PNG),
        memoryview(PNG),
        io.BytesIO(PNG),
        f"data:image/png;base64,{TEXT}",
        f"DATA:image/png;charset=x;base64,\n{TEXT[:99]}\r\n{TEXT[99:]}\n",
        f"data:;base64,{URL_SAFE}",
        f"data:image/png;base64,{TEXT}".replace("+", "%2B"),
        f"data:image/png;base64,{TEXT}".encode(),
        PICTURE.astype(np.float32),
    ],
    ids=lambda photo: type(photo).__name__,
)
def test_same_pixels(photo):
    np.testing.assert_array_equal(images.read(photo), PICTURE)


def test_an_open_file_is_read_from_where_it_stands(tmp_path):
    path = tmp_path / "two"
    path.write_bytes(b"head" + PNG)
    with path.open("rb") as file:
        file.seek(4)
        np.testing.assert_array_equal(images.read(file), PICTURE)
        with pytest.raises(ValueError, match=r"nothing left.*seek\(0\)"):
            images.read(file)
    with (
        path.open(encoding="latin-1") as file,
        pytest.raises(ValueError, match=r"mode 'rb'.*Received: str"),
    ):
        images.read(file)


@pytest.mark.filterwarnings("error")
def test_an_upload_that_must_be_awaited():
    class Upload:
        async def read(self):
            return PNG

    with pytest.raises(ValueError, match=r"pass its `\.file`"):
        images.read(Upload())


def test_arrays_of_other_libraries():
    class Tensor:
        ndim = 3

        def __array__(self, dtype=None, copy=None):
            return PICTURE

    class OnDevice(Tensor):
        def __array__(self, dtype=None, copy=None):
            raise TypeError("can't convert\ncuda:0 device type tensor")

    np.testing.assert_array_equal(images.read(Tensor()), PICTURE)
    with pytest.raises(ValueError, match=r"OnDevice .*cuda:0.* to the CPU"):
        images.read(OnDevice())


def pil(mode):
    image = pytest.importorskip("PIL.Image")
    return image.fromarray(PICTURE).convert(mode)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "RGBX"])
def test_pil_images(mode):
    np.testing.assert_array_equal(images.read(pil(mode)), PICTURE)


@pytest.mark.parametrize("mode", ["L", "1", "LA", "P", "CMYK"])
def test_pil_images_of_other_modes(mode):
    image = pil(mode)
    np.testing.assert_array_equal(
        images.read(image), np.asarray(image.convert("RGB"))
    )


def test_pil_image_with_16_bits_and_with_transparency():
    image = pytest.importorskip("PIL.Image")
    gray = PICTURE[:, :, 0]
    for mode in ("I;16", "I"):
        wide = image.fromarray(gray.astype(np.uint16) * 257).convert(mode)
        np.testing.assert_array_equal(
            images.read(wide), np.dstack([gray] * 3), err_msg=mode
        )
    alpha = np.full(gray.shape, 255, np.uint8)
    alpha[:4] = 0
    shown = PICTURE.copy()
    shown[:4] = 255
    np.testing.assert_array_equal(
        images.read(image.fromarray(np.dstack([PICTURE, alpha]))), shown
    )


def test_pil_image_is_made_upright():
    image = pytest.importorskip("PIL.Image")
    exif = image.Exif()
    exif[0x0112] = 6
    file = io.BytesIO()
    pil("RGB").save(file, "PNG", exif=exif)
    np.testing.assert_array_equal(
        images.read(image.open(file)), np.rot90(PICTURE, 3)
    )
    broken = image.open(io.BytesIO(PNG[:-500]))
    with pytest.raises(ValueError, match=r"The PIL image cannot be read"):
        images.read(broken)


def test_pil_is_not_imported_to_look():
    code = (
        "import sys\n"
        "from keras_hypersphere.zoo.photos import kinds\n"
        "assert not kinds.is_pil(3)\n"
        "assert not {'PIL', 'keras', 'matplotlib'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("photo", "message"),
    [
        ("", "An empty name is no photo"),
        ("https://example.com/a.jpg?token=abc", r"A URL \(https://…\) is no"),
        ("s3://bucket/a.jpg", r"A URL \(s3://…\)"),
        (TEXT, r"looks like base64.*data URL: 'data:image/jpeg;base64,'"),
        ("/9j/" + TEXT[4:], r"looks like base64"),
        ("Qk0" + "A/" * 80, r"looks like base64"),
        ("A" * 300, r"looks like base64"),
        ("\n".join(TEXT[i : i + 76] for i in range(0, 2000, 76)), r"base64"),
        (TEXT.encode(), r"bytes look like base64"),
        ("a\0b.jpg", r"7 characters is no file name"),
        ("a, " * 2000, r"6000 characters is no file name"),
        ("data:image/png;base64", r"without a comma"),
        ("data:text/html,<p>", r"Received: type text/html"),
        ("data:image/png;base64,$$$$", r"no base64. Received: 4 characters"),
        (b"no picture", r"The data cannot be read as a photo"),
        (b"", r"The data .*the file is empty"),
        (None, r"None is no photo: `cv2.imread`"),
        (5, r"Received: type int"),
        ([PNG], r"Received: type list"),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_other_things_get_one_short_line(photo, message):
    with pytest.raises(ValueError, match=message) as e:
        images.read(photo)
    said = str(e.value)
    assert len(said) < 260 and "\n" not in said
    assert TEXT[40:60] not in said and "token" not in said


def test_names_that_only_look_like_base64(tmp_path, monkeypatch):
    """They are read where they are there, and asked for where they may be."""
    monkeypatch.chdir(tmp_path)
    name = "iVBORw0KGgo" + "A" * 80
    (tmp_path / name).write_bytes(PNG)
    np.testing.assert_array_equal(images.read(name), PICTURE)
    for other in ("photos/" + "a" * 200, "9j/" + "b" * 70):
        assert kinds.is_file_name(other)
        with pytest.raises(FileNotFoundError, match="There is no photo"):
            images.read(other)


def test_a_file_without_rights(tmp_path, monkeypatch):
    path = tmp_path / "a.png"
    path.write_bytes(PNG)

    def refuse(self):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("pathlib.Path.read_bytes", refuse)
    with pytest.raises(PermissionError, match=r"a\.png' may not be read"):
        images.read(path)
