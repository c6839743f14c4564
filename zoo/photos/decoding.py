"""The bytes of a picture file become pixels, upright; damage is an error."""

import cv2
import numpy as np

from keras_hypersphere.zoo.formats import avif, bmp, jpeg, png, tiff, webp
from keras_hypersphere.zoo.photos.pixels import as_bytes

# OpenCV turns by EXIF in every mode but IMREAD_UNCHANGED, the only one that
# keeps the alpha channel.
UPRIGHT = cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH
AS_STORED = UPRIGHT | cv2.IMREAD_IGNORE_ORIENTATION
# Files with pictures of their own inside.
OTHERS = (b"%PDF", b"GIF8", b"RIFF", png.START, *tiff.STARTS)


def decode(data: bytes, partial: bool = False) -> np.ndarray:
    """Decodes the bytes of a picture file: RGB or RGBA, depth as stored.

    Args:
        data: The bytes.
        partial: Whether a damaged picture, or the beginning of one, is
            decoded as far as it goes.

    Raises:
        ValueError: If it is no picture, or damaged.

    Example:

    >>> from pathlib import Path
    >>> samples = Path(kh.zoo.__file__).parent / "samples"
    >>> data = (samples / "grace_hopper.jpg").read_bytes()
    >>> kh.zoo.images.decode(data).shape
    (600, 512, 3)
    """
    if not data:
        raise ValueError("the file is empty")
    if data.startswith(jpeg.START) or is_stray_jpeg(data):
        return rgb(shown(jpeg.decode(data, UPRIGHT, partial)))
    kinds = avif.brands(data)
    if kinds & avif.AVIF:
        return decode_avif(data)
    if kinds & avif.HEIC:
        raise ValueError(
            "OpenCV has no decoder for HEIC: convert it to JPEG, or open it "
            "with pillow-heif and pass the PIL image"
        )
    if data.startswith(tiff.STARTS):
        return decode_tiff(data, partial)
    alpha = True
    if not partial:
        alpha = check(data)
    elif data.startswith(png.START):
        data = png.shortened(data)
    return decode_with_alpha(data) if alpha else opaque(data)


def is_stray_jpeg(data: bytes) -> bool:
    """Whether a JPEG begins behind stray bytes, in nothing else."""
    return (
        jpeg.find_start(data) > 0
        and not data.startswith(OTHERS)
        and not avif.brands(data)
        and cv2.imdecode(np.frombuffer(data, np.uint8), AS_STORED) is None
    )


def check(data: bytes) -> bool:
    """Raises if there is damage. Returns whether there may be an alpha."""
    if data.startswith(png.START):
        return png.check(data)
    if webp.is_webp(data):
        webp.check(data)
    elif data.startswith(bmp.START):
        bmp.check(data)
    return True


def decode_avif(data: bytes) -> np.ndarray:
    """Decodes AVIF; OpenCV leaves its turns to us."""
    stored = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_UNCHANGED)
    if stored is None:
        raise ValueError(
            "damaged AVIF, or an OpenCV without AVIF: a newer "
            "opencv-python-headless has it"
        )
    order = [2, 1, 0, 3][: stored.shape[2]] if stored.ndim == 3 else None
    pixels = stored if order is None else stored[:, :, order]
    for turn in avif.turns(data):
        pixels = turn(pixels)
    return pixels


def decode_tiff(data: bytes, partial: bool) -> np.ndarray:
    """Decodes TIFF; OpenCV leaves out the alpha of gray pictures."""
    if partial:
        return decode_with_alpha(data)
    layout = tiff.read_layout(data)
    tiff.check(data, layout)
    if not layout.is_gray_with_alpha:
        return decode_with_alpha(data)
    # OpenCV turns TIFFs in every mode, and gives 8 bits of such ones.
    gray, alpha = opaque(data), tiff.alpha_of_gray(data, layout)
    return np.dstack([as_bytes(gray), as_bytes(alpha)])


def opaque(data: bytes) -> np.ndarray:
    """RGB, without alpha."""
    return rgb(shown(cv2.imdecode(np.frombuffer(data, np.uint8), UPRIGHT)))


def decode_with_alpha(data: bytes) -> np.ndarray:
    """RGBA, or RGB where there is no alpha."""
    upright = opaque(data)
    buffer = np.frombuffer(data, np.uint8)
    stored = cv2.imdecode(buffer, cv2.IMREAD_UNCHANGED)
    if stored is None or stored.ndim != 3 or stored.shape[2] != 4:
        return upright
    before = rgb(shown(cv2.imdecode(buffer, AS_STORED)))
    alpha = turn_alike(stored[:, :, 3], before, upright)
    return np.dstack([upright, alpha])


def shown(pixels: np.ndarray | None) -> np.ndarray:
    """What OpenCV decoded.

    Raises:
        ValueError: If it is nothing.
    """
    if pixels is None:
        raise ValueError("unknown or damaged format")
    return pixels


def rgb(pixels: np.ndarray) -> np.ndarray:
    """BGR, as OpenCV has it, becomes RGB."""
    # Much faster than NumPy, and it knows these types.
    if pixels.dtype in (np.uint8, np.uint16, np.float32):
        return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB)
    return pixels[:, :, ::-1]


def turn_alike(
    plane: np.ndarray, before: np.ndarray, after: np.ndarray
) -> np.ndarray:
    """Turns a plane by the one of the eight turns of `before` to `after`."""
    for mirrored in (False, True):
        for quarters in range(4):

            def turn(
                x: np.ndarray, mirrored: bool = mirrored, k: int = quarters
            ) -> np.ndarray:
                return np.rot90(x[:, ::-1] if mirrored else x, k)

            if np.array_equal(turn(before), after):
                return turn(plane)
    raise ValueError("its orientation is not understood")
