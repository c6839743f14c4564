"""Arrays of pixels of every kind become RGB bytes."""

import numpy as np


def from_array(pixels: np.ndarray) -> np.ndarray:
    """Turns gray, RGB or RGBA of any number type into RGB uint8.

    Args:
        pixels: `(height, width)`, `(height, width, 1)`, `(height, width, 3)` or
            `(height, width, 4)` array.

    Raises:
        ValueError: If the shape is another, or values are not in [0, 255].

    Example:

    >>> kh.zoo.images.from_array(np.zeros((4, 6))).shape
    (4, 6, 3)
    """
    if pixels.ndim == 2:
        pixels = pixels[:, :, None]
    if pixels.ndim != 3 or pixels.shape[2] not in (1, 3, 4) or not pixels.size:
        raise ValueError(
            "A photo must have the shape (height, width), (height, width, 3) "
            f"or (height, width, 4). Received: shape={pixels.shape}"
        )
    pixels = as_bytes(pixels)
    if pixels.shape[2] == 1:
        pixels = np.repeat(pixels, 3, axis=2)
    if pixels.shape[2] == 4:
        alpha = pixels[:, :, 3:].astype(np.float32) / 255.0
        shown = pixels[:, :, :3] * alpha + 255.0 * (1.0 - alpha)
        pixels = np.rint(shown).astype(np.uint8)
    return np.ascontiguousarray(pixels)


def as_bytes(pixels: np.ndarray) -> np.ndarray:
    """Turns uint16 by range, and other numbers in [0, 255], into uint8.

    Args:
        pixels: Array of any shape.

    Raises:
        ValueError: If it holds no numbers, or others than these.

    Example:

    >>> kh.zoo.images.as_bytes(np.array([0, 65535], "uint16"))
    array([  0, 255], dtype=uint8)
    """
    if pixels.dtype == np.uint8:
        return pixels
    if pixels.dtype == np.uint16:
        return ((pixels.astype(np.uint32) + 128) // 257).astype(np.uint8)
    if pixels.dtype.kind not in "iuf":
        raise ValueError(
            "A photo must hold numbers in [0, 255]. "
            f"Received: dtype={pixels.dtype}"
        )
    low, high = float(pixels.min()), float(pixels.max())
    # Also false where a value is not a number.
    if not (low >= 0.0 and high <= 255.0):
        raise ValueError(
            "A photo must hold numbers in [0, 255]. "
            f"Received: values from {low} to {high}, dtype={pixels.dtype}"
        )
    if pixels.dtype.kind == "f" and 0.0 < high <= 1.0:
        raise ValueError(
            "A photo must hold numbers in [0, 255]; these look scaled to "
            "[0, 1]. Multiply them by 255. "
            f"Received: values from {low} to {high}, dtype={pixels.dtype}"
        )
    return np.rint(pixels).astype(np.uint8)
