"""Where the crop of each photo is written: names that never change.

The name depends on the photo's own name and folder: what other photos there
are makes no difference.
"""

import hashlib
import os
from pathlib import Path

from keras_hypersphere.face_files.photo_folders import (
    SUFFIXES,
    UNREADABLE,
    files_in,
)
from keras_hypersphere.zoo.photos.crop_list import read_crop_list
from keras_hypersphere.zoo.photos.kinds import is_file_name
from keras_hypersphere.zoo.photos.texts import text_problem

# The longest name that file systems take, in bytes.
LONGEST = 255
# Stands for the suffix of a photo that has none.
PLAIN = ".file"


def plan(words: list[str], output: Path) -> dict[Path, Path]:
    """Names the crop of every photo; no crop ever replaces a photo.

    Photos of one folder keep their places in it. Photos of several are kept
    apart by the names of the folders. Crops of an earlier run are no photos.

    Args:
        words: Photos and folders.
        output: The folder of the crops.

    Returns:
        The crop of each photo.

    Raises:
        ValueError: If a word names no file, a folder has no photos, or a
            crop would replace a photo.
    """
    sources: dict[Path, Path] = {}
    for word in words:
        if not is_file_name(word):
            raise ValueError(
                text_problem(word)
                or "A data URL has no name for a crop. Write it to a file."
            )
        path = Path(word)
        root = path if path.is_dir() else path.parent
        for photo in photos_of(path, output):
            sources.setdefault(photo, root)
    labels = apart(list(dict.fromkeys(sources.values())))
    targets = {
        photo: output
        / labels[root]
        / photo.relative_to(root).with_name(crop_name(photo.name))
        for photo, root in sources.items()
    }
    photos = {photo.resolve() for photo in targets}
    listed = read_crop_list(output)
    for photo, target in targets.items():
        if target.resolve() in photos:
            raise ValueError(
                f"The crop of '{photo}' would replace the photo '{target}'. "
                "Choose another folder with -o."
            )
        line = listed.get(target.relative_to(output).as_posix(), {})
        other = str(line.get("photo", ""))
        if other != os.path.abspath(photo) and os.path.exists(other):
            raise ValueError(
                f"The crop of '{photo}' would replace that of '{other}'. "
                "Choose another folder with -o, or name both folders in one "
                "command."
            )
    return targets


def earlier_crops(folder: Path) -> set[Path]:
    """The crops that the list of a folder names."""
    return {(folder / name).resolve() for name in read_crop_list(folder)}


def photos_of(path: Path, output: Path) -> list[Path]:
    """A photo, or those below a folder that are no crops.

    Raises:
        ValueError: If there is none.
    """
    if not path.is_dir():
        return [path]
    root, place = path.resolve(), output.resolve()
    within = place != root and place.is_relative_to(root)
    crops = earlier_crops(output) | earlier_crops(path)
    found = [
        photo
        for photo in files_in(path)
        if not (within and photo.resolve().is_relative_to(place))
        and photo.resolve() not in crops
    ]
    if not found:
        raise ValueError(
            f"The folder '{path}' has no pictures ({', '.join(SUFFIXES)})"
            f"{' but crops of `align`' if crops else ''}."
        )
    return found


def apart(roots: list[Path]) -> dict[Path, Path]:
    """A folder for the crops of each folder: none if there is but one.

    Otherwise its name, and as many of those above it as tell all apart.
    """
    whole = {root: root.resolve().parts[1:] for root in roots}
    if len(set(whole.values())) == 1:
        return dict.fromkeys(roots, Path())
    deepest = max(map(len, whole.values()))
    for count in range(1, deepest + 1):
        labels = {root: Path(*whole[root][-count:]) for root in roots}
        if len(set(labels.values())) == len(set(whole.values())):
            return labels
    return {root: Path(*parts) for root, parts in whole.items()}


def crop_name(name: str) -> str:
    """The name of a photo's crop: `a.png` stays, `a.jpg` is `a.jpg.png`.

    Two photos never have the same: `a.jpg.png` is `a.jpg.png.png`.
    """
    stem, suffix = os.path.splitext(name)
    if not suffix:
        whole = f"{name}{PLAIN}.png"
    elif suffix.lower() == ".png" and not is_taken(stem):
        whole = name
    else:
        whole = f"{name}.png"
    if len(os.fsencode(whole)) <= LONGEST:
        return whole
    mark = hashlib.sha256(os.fsencode(name)).hexdigest()[:16]
    room = LONGEST - len(f"-{mark}.png")
    return f"{os.fsencode(name)[:room].decode(errors='ignore')}-{mark}.png"


def is_taken(stem: str) -> bool:
    """Whether a photo of that name would have a crop with .png behind it."""
    suffix = os.path.splitext(stem)[1].lower()
    return suffix in (*SUFFIXES, *UNREADABLE, PLAIN)
