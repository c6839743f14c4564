"""The photos below a folder: none is dropped without a word.

Linked folders are followed, each folder once. What looks like a photo and
cannot be read is told: `find` says why, and `files_in` lists it, so that
`images.read` says it. What programs and systems put next to photos is passed
over: thumbnails, recycle bins, the crops of `align`.
"""

import dataclasses
import os
import stat
from pathlib import Path

from keras_hypersphere.face_files.photo_file import absent, refusal, special

SUFFIXES = (
    *(".avif", ".bmp", ".dib", ".gif", ".jfif", ".jp2", ".jpe", ".jpeg"),
    *(".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff"),
    ".webp",
)
# Photos that nothing here decodes: they are told.
UNREADABLE = (".dng", ".heic", ".heif", ".hif", ".jxl")
# What NAS devices and systems keep: thumbnails, recycle bins, metadata.
# Names that begin with a dot are passed over anyway.
NO_FOLDERS = {
    *("@eadir", "@recycle", "@recently-snapshot", "@sharebin", "@tmp"),
    *("#recycle", "#snapshot", "$recycle.bin", "__macosx", "lost+found"),
    *("system volume information", "network trash folder"),
    "temporary items",
}
THUMBNAILS = "synofile_thumb"
# The list that `align` writes: its folder holds crops, no photos.
CROPS = "crops.jsonl"
# JPEG, PNG, TIFF twice, GIF, WebP.
STARTS = (
    *(b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"II*\x00", b"MM\x00*"),
    *(b"GIF8", b"RIFF"),
)


@dataclasses.dataclass
class Found:
    """What lies below a folder.

    Args:
        photos: Files that should be photos, sorted.
        left_out: Why, for files and folders that should hold photos and
            cannot be read.
        again: Which links lead to folders that are read under other names.
    """

    photos: list[Path] = dataclasses.field(default_factory=list)
    left_out: dict[Path, str] = dataclasses.field(default_factory=dict)
    again: dict[Path, str] = dataclasses.field(default_factory=dict)


def files_in(folder: "str | os.PathLike", crops: bool = False) -> list[Path]:
    """Returns the photos under a folder, sorted by path.

    Args:
        folder: A folder; its sub-folders, and those that are linked, are
            searched too, each once. Names that start with a dot are left
            out, and so are folders of systems (`@eaDir`, `__MACOSX`, …) and
            the crops that `align` wrote into a sub-folder.
        crops: Whether these crops are wanted.

    Returns:
        The paths of files with the suffix of a picture, or without a suffix
        that begin as one. What cannot be read is one of them, such as a link
        to nothing or a folder without rights: `images.read` says what is
        wrong with it.

    Example:

    >>> from pathlib import Path
    >>> samples = Path(kh.zoo.__file__).parent / "samples"
    >>> [Path(name).name for name in kh.zoo.images.files_in(samples)]
    ['eileen_collins.png', 'grace_hopper.jpg']
    """
    found = find(folder, crops)
    return sorted([*found.photos, *found.left_out])


def find(folder: "str | os.PathLike", crops: bool = False) -> Found:
    """Returns the photos under a folder, and what cannot be read.

    Real folders come before linked ones: a photo that can be reached in two
    ways is found where it lies.
    """
    root = Path(folder)
    found = Found()
    seen: set[tuple[int, int]] = set()
    linked = [root]
    while linked:
        later: list[Path] = []
        for start in sorted(linked):
            real = [start]
            while real:
                place = real.pop()
                if crops or place == root or not is_of_align(place):
                    search(place, found, seen, real, later)
        linked = later
    found.photos.sort()
    return found


def is_of_align(folder: Path) -> bool:
    """Whether it holds crops, no photos."""
    # Not of `Path`: that would fail where nothing may be read.
    return os.path.exists(folder / CROPS)


def search(
    folder: Path,
    found: Found,
    seen: set[tuple[int, int]],
    real: list[Path],
    linked: list[Path],
) -> None:
    """Takes the photos of one folder; its sub-folders are put on the lists."""
    try:
        there = folder.stat()
        if (there.st_dev, there.st_ino) in seen:
            # Links upwards lead to nothing new.
            target = folder.resolve()
            if target not in {above.resolve() for above in folder.parents}:
                found.again[folder] = (
                    f"'{folder}' is '{target}', whose photos are read under "
                    "another name."
                )
            return
        seen.add((there.st_dev, there.st_ino))
        names = sorted(os.listdir(folder))
    except OSError as error:
        found.left_out[folder] = (
            f"The folder '{folder}' may not be read: its photos are left "
            "out. Give yourself the right to, or remove it."
            if isinstance(error, PermissionError)
            else f"The folder '{folder}' cannot be read ({error.strerror})."
        )
        return
    for name in names:
        if name.startswith("."):
            continue
        path = folder / name
        try:
            mode = path.stat().st_mode
        except OSError as error:
            if path.suffix.lower() in SUFFIXES + UNREADABLE:
                hidden = isinstance(error, PermissionError)
                why = refusal(path) if hidden else absent(path)
                found.left_out[path] = str(why)
            continue
        if stat.S_ISDIR(mode):
            if name.lower() not in NO_FOLDERS:
                (linked if path.is_symlink() else real).append(path)
        elif is_meant(path, mode):
            take(path, mode, found)


def is_meant(path: Path, mode: int) -> bool:
    """Whether a file is meant to be a photo: by suffix, or how it begins."""
    suffix = path.suffix.lower()
    if suffix:
        return suffix in SUFFIXES + UNREADABLE and not (
            path.name.lower().startswith(THUMBNAILS)
        )
    if not stat.S_ISREG(mode):
        return False
    try:
        with path.open("rb") as file:
            return file.read(8).startswith(STARTS)
    except OSError:
        return False


def take(path: Path, mode: int, found: Found) -> None:
    """Adds a file to the photos, or to what cannot be read."""
    if not stat.S_ISREG(mode):
        found.left_out[path] = (
            f"'{path}' is {special(mode)}, a file was expected."
        )
    elif path.suffix.lower() in UNREADABLE:
        found.left_out[path] = (
            f"'{path}' is in a format that nothing here decodes "
            f"({path.suffix}). Convert it to JPEG."
        )
    else:
        found.photos.append(path)
