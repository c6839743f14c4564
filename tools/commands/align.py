"""Cuts the faces out of photos, upright and at a template's size.

Writes one PNG for each photo, named after it; sub-folders are kept, and of
several folders their names. `crops.jsonl` lists the crops with their photos,
boxes and landmarks; a later run extends it. Of several faces in a photo the
largest is taken. A photo that cannot be read or shows no face is reported,
the others are written, and the exit code is 1.

`-o NAME.rec` makes one file to train from: of a folder of people, or of any
other data set, the crops of each person as JPEG, in InsightFace's layout.
`-o NAME.parquet` makes a table, as data sets of the Hugging Face hub are.
Killed and typed again, it goes on. People that no crop is left of are named.
"""

import argparse
import contextlib
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_hypersphere.tools.commands.embedder_arguments import (
    add_choose,
    add_detector,
    add_json,
    detector_of,
    require_photos,
)

if TYPE_CHECKING:
    import numpy as np

    from keras_hypersphere.zoo.faces.aligned_face import AlignedFace

HELP = "photos to aligned crops, in a folder"
# As `zoo.alignment.TEMPLATES`, which would load OpenCV.
TEMPLATES = (
    *("dlib", "sphereface", "arcface"),
    *("lightcnn", "lightcnn144", "facenet"),
)

# Files that `train` reads, and this command does not write.
OTHER_FILES = (".tfrecord", ".lmdb", ".npz", ".zip")


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
        metavar="DIR|NAME.rec|NAME.parquet",
        help="folder for the crops, made if it is not there; or one file of "
        "the crops of people, to train from",
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
    add_json(parser)


def run(arguments: argparse.Namespace) -> int:
    """Aligns the photos and writes the crops."""
    from keras_hypersphere.tools.commands.document import (
        ManyFailures,
        document,
    )
    from keras_hypersphere.tools.commands.notes import note_turned
    from keras_hypersphere.tools.crop_names import plan
    from keras_hypersphere.tools.progress import Progress
    from keras_hypersphere.zoo.alignment import get_template
    from keras_hypersphere.zoo.faces.aligned_faces import PROBLEMS, align_photos
    from keras_hypersphere.zoo.photos.crop_list import CropList

    output = arguments.output
    if output.suffix in OTHER_FILES:
        raise ValueError(
            "-o takes a folder, NAME.rec or NAME.parquet. Received: "
            f"'{output}', which would be a folder of that name."
        )
    if output.suffix in (".rec", ".parquet"):
        return make_cache(arguments)
    template = get_template(arguments.template)
    require_folder(output)
    targets = plan(arguments.photos, output)
    require_photos(arguments.photos)
    output.mkdir(parents=True, exist_ok=True)
    progress = Progress(len(targets), "photos")
    named = ((str(photo), photo) for photo in targets)
    faces = align_photos(
        named, template, arguments.choose, detector=detector_of(arguments)
    )
    how = {
        "template": arguments.template,
        "size": list(template.size),
        "choose": arguments.choose,
        "detector": arguments.detector,
    }
    results: list[dict[str, Any]] = []
    failures: dict[str, str] = {}
    with (
        contextlib.closing(CropList(output)) as crops,
        contextlib.closing(faces),
    ):
        for done, (found, (photo, target)) in enumerate(
            zip(faces, targets.items(), strict=True), start=1
        ):
            try:
                if found.problem is not None:
                    raise found.problem
                target.parent.mkdir(parents=True, exist_ok=True)
                write(target, found.faces[0].crop)
                note_turned(found.faces)
                about = {**facts(found.faces[0], photo), **how}
            except PROBLEMS as error:
                failures[str(photo)] = str(error)
            else:
                name = target.relative_to(output).as_posix()
                crops.add(
                    {"crop": name, "photo": os.path.abspath(photo), **about}
                )
                results.append(
                    {"photo": str(photo), "crop": str(target), **about}
                )
            progress.update(done)
    if not results:
        first, more = next(iter(failures.values())), len(failures) - 1
        rest = f" ({more} more failed.)" if more else ""
        raise ManyFailures(f"{first}{rest}", failures)
    if arguments.json:
        print(document("align", results, failures))
    else:
        height, width = template.size
        count = "1 crop" if len(results) == 1 else f"{len(results)} crops"
        print(f"{count} of {height} x {width} pixels in {output}")
    for why in failures.values():
        print(f"skipped: {why}", file=sys.stderr)
    if failures:
        print(
            f"error: {len(failures)} of {len(targets)} photos have no crop, "
            "see above; the others are written",
            file=sys.stderr,
        )
    return 1 if failures else 0


def make_cache(arguments: argparse.Namespace) -> int:
    """Writes the crops of people into one file."""
    from keras_hypersphere.face_files.open_faces import open_faces
    from keras_hypersphere.tools.commands.document import document
    from keras_hypersphere.tools.progress import Progress
    from keras_hypersphere.tools.training import crop_file, crop_table

    cut, records = crop_file.cut_crops, arguments.output
    if records.suffix == ".parquet":
        cut, records = crop_table.cut_crop_table, crop_table.records_of(records)
    if len(arguments.photos) != 1:
        raise ValueError(
            f"'{arguments.output}' is made of one folder of people, or one "
            f"data set. Received: {len(arguments.photos)} words."
        )
    require_folder(arguments.output.parent)
    with open_faces(arguments.photos[0]) as source:
        arguments.output.parent.mkdir(parents=True, exist_ok=True)
        progress = Progress(len(source), "photos")
        cut(
            source,
            arguments.output,
            arguments.template,
            detector_of(arguments),
            arguments.choose,
            lambda done, total: progress.update(done),
        )
        left_out = crop_file.left_out(source, records)
    with open_faces(arguments.output) as made:
        result = {
            "data": arguments.photos[0],
            "file": arguments.output,
            "crops": len(made),
            "people": len(made.class_names),
            "lost_people": sorted(crop_file.lost_people(records)),
        }
    if arguments.json:
        print(document("align", [result], left_out))
    else:
        print(
            f"{result['crops']} crops of {result['people']} people in "
            f"{arguments.output}"
        )
    for why in left_out.values():
        print(f"skipped: {why}", file=sys.stderr)
    if left_out:
        lost = len(result["lost_people"])
        print(
            f"error: not all photos have a crop, {lost} people have none, see "
            "above; the others are written",
            file=sys.stderr,
        )
    return 1 if left_out else 0


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


def facts(face: "AlignedFace", photo: Path) -> dict[str, Any]:
    """What is known of a crop: the photo's hash, and where the face is."""
    import hashlib

    found = face.face
    return {
        "sha256": hashlib.sha256(photo.read_bytes()).hexdigest(),
        "faces": face.found,
        **(
            {"box": None, "landmarks": None, "confidence": None}
            if found is None
            else found.as_dict()
        ),
    }


def write(path: Path, crop: "np.ndarray | None") -> None:
    """Writes a PNG, next to its place first."""
    import cv2
    import numpy as np

    from keras_hypersphere.atomic_write import atomic_write

    done, data = cv2.imencode(".png", np.asarray(crop)[:, :, ::-1])
    if not done:
        raise ValueError(f"OpenCV could not encode '{path}' as PNG.")
    with atomic_write(path) as file:
        file.write(data.tobytes())
