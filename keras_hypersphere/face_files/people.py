"""Who is on the photos of a folder of people."""

import os
from pathlib import Path

from keras_hypersphere.face_files.photo_folders import SUFFIXES, find


def find_people(
    folder: "str | os.PathLike",
) -> tuple[list[tuple[Path, str]], dict[str, str]]:
    """Finds photos of people, and tells what is left out.

    A person is a folder: the person of a photo is the folder it lies in, as
    seen from `folder`, such as `Ann` or `team/Bob`. The person of a photo
    that lies in `folder` itself is the photo's name without its suffix.

    Args:
        folder: It holds a folder of photos for each person, at any depth,
            or a photo for each, or both.

    Returns:
        Path and person of each photo, sorted by path; and why, for each
        file or folder that should hold photos and cannot be read. Whether a
        photo can be decoded is not looked at.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it holds no photos.
    """
    root = Path(folder)
    if not os.fspath(folder) or not root.is_dir():
        raise FileNotFoundError(f"There is no folder '{folder}'.")
    found = find(root)
    told = sorted([*found.left_out.items(), *found.again.items()])
    left_out = {str(path): why for path, why in told}
    if not found.photos:
        first = f" {next(iter(left_out.values()))}" if left_out else ""
        raise ValueError(
            f"The folder '{root}' has no pictures "
            f"({', '.join(SUFFIXES)}).{first}"
        )
    return [(path, person_of(path, root)) for path in found.photos], left_out


def person_of(photo: Path, root: Path) -> str:
    """The person of a photo below a folder of people."""
    inside = photo.relative_to(root)
    if inside.parent == Path("."):
        return inside.stem
    return inside.parent.as_posix()
