"""Cuts the faces out of photos, upright and at a template's size.

Writes one PNG for each photo, named after it; of a folder the sub-folders
are kept. Of several faces in a photo the largest is taken. A photo that
cannot be read or shows no face is reported, the others are written, and the
exit code is 1.
"""

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from keras_hypersphere.tools.commands.embedder_arguments import (
    add_choose,
    add_detector,
    detector_of,
)

if TYPE_CHECKING:
    import numpy as np

HELP = "photos to aligned crops, in a folder"
# As `zoo.alignment.TEMPLATES`, which would load OpenCV.
TEMPLATES = (
    *("dlib", "sphereface", "arcface"),
    *("lightcnn", "lightcnn144", "facenet"),
)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the words of `align`."""
    parser.add_argument(
        "photos",
        nargs="+",
        metavar="PHOTO|DIR",
        help="photos; of a folder all pictures below it",
    )
    parser.add_argument(
        "-o",
        "--output",
        required=True,
        type=Path,
        metavar="DIR",
        help="folder for the crops; made if it is not there",
    )
    parser.add_argument(
        "--template",
        choices=TEMPLATES,
        default="arcface",
        metavar="NAME",
        help="dlib (150x150), sphereface (112x96), arcface (112x112), "
        "lightcnn (128x128), lightcnn144 (144x144) or facenet (160x160), "
        "height x width (default: %(default)s)",
    )
    add_detector(parser)
    add_choose(parser, "largest")


def run(arguments: argparse.Namespace) -> int:
    """Aligns the photos and writes the crops."""
    from keras_hypersphere.tools.progress import Progress
    from keras_hypersphere.zoo.alignment import get_template
    from keras_hypersphere.zoo.faces.aligned_faces import PROBLEMS, align_photos

    template = get_template(arguments.template)
    require_folder(arguments.output)
    targets = plan(arguments.photos, arguments.output)
    arguments.output.mkdir(parents=True, exist_ok=True)
    progress = Progress(len(targets), "photos")
    named = ((str(photo), photo) for photo in targets)
    photos = align_photos(
        named, template, arguments.choose, detector=detector_of(arguments)
    )
    failures = []
    with contextlib.closing(photos):
        for done, (photo, target) in enumerate(
            zip(photos, targets.values(), strict=True), start=1
        ):
            try:
                if photo.problem is not None:
                    raise photo.problem
                target.parent.mkdir(parents=True, exist_ok=True)
                write(target, photo.faces[0].crop)
            except PROBLEMS as error:
                failures.append(str(error))
            progress.update(done)
    written = len(targets) - len(failures)
    if not written:
        rest = f" ({len(failures) - 1} more failed.)" if failures[1:] else ""
        raise ValueError(failures[0] + rest)
    height, width = template.size
    print(f"{written} crops of {height} x {width} pixels in {arguments.output}")
    for why in failures:
        print(f"skipped: {why}", file=sys.stderr)
    if failures:
        print(
            f"error: {len(failures)} of {len(targets)} photos have no crop, "
            "see above; the others are written",
            file=sys.stderr,
        )
    return 1 if failures else 0


def require_folder(path: Path) -> None:
    """Refuses a path that no folder can be made at."""
    for place in (path, *path.parents):
        if os.path.lexists(place):
            if not place.is_dir():
                raise ValueError(
                    f"'{place}' is no folder, as -o must be for the crops. "
                    "Name another one; it is made if it is not there."
                )
            return


def plan(words: list[str], output: Path) -> dict[Path, Path]:
    """Names the crop of every photo; no crop ever replaces a photo."""
    from keras_hypersphere.zoo.faces.photo_list import expand

    targets: dict[Path, Path] = {}
    taken = set()
    for word in words:
        root = Path(word) if Path(word).is_dir() else Path(word).parent
        for _, photo in expand(word):
            if photo in targets:
                continue
            name = photo.relative_to(root).with_suffix("")
            target, number = output / f"{name}.png", 1
            while target in taken:
                number += 1
                target = output / f"{name}-{number}.png"
            taken.add(target)
            targets[photo] = target
    photos = {photo.resolve() for photo in targets}
    for photo, target in targets.items():
        if target.resolve() in photos:
            raise ValueError(
                f"The crop of '{photo}' would replace the photo '{target}'. "
                "Choose another folder with -o."
            )
    return targets


def write(path: Path, crop: "np.ndarray") -> None:
    """Writes a PNG, next to its place first."""
    import cv2

    from keras_hypersphere.zoo.faces.whole_file import whole_file

    done, data = cv2.imencode(".png", crop[:, :, ::-1])
    if not done:
        raise ValueError(f"OpenCV could not encode '{path}' as PNG.")
    with whole_file(path) as file:
        file.write(data.tobytes())
