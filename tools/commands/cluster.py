"""Groups the faces of photos by person, without knowing the people.

OUT.json lists the groups with their photos; OUTDIR gets a folder for each
group, with copies of its photos. Groups are joined as long as their faces are
nearer than the threshold, on average. The threshold comes from the model's
card: a face lies nearer than that to one of the other faces, if these are
all of other people, with a probability of 1 %.
"""

import argparse
import shutil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_hypersphere.tools.commands.embedder_arguments import (
    add_all,
    add_choose,
    add_detector,
    add_json,
    add_model,
    embedder_of,
    require_photos,
)
from keras_hypersphere.tools.commands.gallery_arguments import (
    show_photos,
    tell_failures,
)

if TYPE_CHECKING:
    from keras_hypersphere.zoo.faces.aligned_face import AlignedFace

HELP = "faces of photos, grouped by person"
RATE = 0.01


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `cluster`."""
    parser.add_argument(
        "photos",
        nargs="+",
        metavar="DIR",
        help="photos; of a folder all pictures below it",
    )
    parser.add_argument(
        *("-o", "--output"),
        required=True,
        type=Path,
        metavar="OUT.json|OUTDIR",
        help="the file to write, or the folder for copies of the photos",
    )
    parser.add_argument(
        "--threshold",
        type=positive,
        metavar="DISTANCE",
        help="join groups below this distance (default: by the model's card)",
    )
    add_detector(parser)
    add_choose(parser, "largest")
    add_all(parser)
    add_model(parser)
    add_json(parser)


def positive(word: str) -> float:
    """Reads a distance."""
    try:
        number = float(word)
    except ValueError:
        number = 0.0
    if not 0 < number < float("inf"):
        raise argparse.ArgumentTypeError(
            f"expected a distance above 0, received {word!r}"
        )
    return number


def run(arguments: argparse.Namespace) -> int:
    """Embeds the photos, groups them, and writes the groups."""
    from keras_hypersphere.evaluation.clustering import cluster
    from keras_hypersphere.tools.commands.document import (
        ManyFailures,
        document,
    )
    from keras_hypersphere.zoo.faces.open_set import grouping_threshold
    from keras_hypersphere.zoo.faces.photo_list import name_photos

    require_output(arguments.output)
    require_photos(arguments.photos)
    require_outside(arguments.output, arguments.photos)
    photos = [name for name, _ in name_photos(arguments.photos)]
    embedder = embedder_of(arguments)
    found = embedder.embed(
        photos,
        details=True,
        choose=arguments.choose,
        errors="skip",
        progress=show_photos(),
    )
    if not found.faces:
        first = next(iter(found.failures.values()))
        rest = f" ({len(photos) - 1} more failed.)" if len(photos) > 1 else ""
        raise ManyFailures(f"{first}{rest}", found.failures)
    card = embedder.card
    threshold = arguments.threshold or grouping_threshold(
        card, len(found.faces), RATE
    )
    numbers = cluster(found.vectors, threshold, card.distance)
    groups: list[list[AlignedFace]] = [[] for _ in range(numbers.max() + 1)]
    for number, face in zip(numbers, found.faces, strict=True):
        groups[number].append(face)
    groups.sort(key=len, reverse=True)
    results: dict[str, Any] = {
        "model": card.name,
        "threshold": threshold,
        "groups": [[face.as_dict() for face in group] for group in groups],
    }
    page = document("cluster", [results], found.failures)
    write(arguments.output, groups, page)
    single = sum(len(group) == 1 for group in groups)
    print(
        page
        if arguments.json
        else f"{len(groups)} groups of {len(found.faces)} faces in "
        f"{arguments.output}, {single} of them of one face; threshold "
        f"{threshold:.4f}"
    )
    return tell_failures(found.failures, len(photos))


def require_output(path: Path) -> None:
    """Refuses a place that nothing can be written to.

    Raises:
        ValueError: If it is a folder with something in it.
        OSError: As `require_place`.
    """
    from keras_hypersphere.atomic_write import require_place

    if path.suffix == ".json" or not path.is_dir():
        require_place(path)
    elif any(path.iterdir()):
        raise ValueError(
            f"The folder '{path}' is not empty: groups of an earlier run would "
            "be mixed with new ones. Name another one."
        )


def require_outside(path: Path, photos: "list[str]") -> None:
    """Refuses copies below a folder whose photos are read.

    Raises:
        ValueError: If a later run would take the copies for photos.
    """
    if path.suffix == ".json":
        return
    for name in photos:
        folder = Path(name).resolve()
        if folder.is_dir() and folder in (
            path.resolve(),
            *path.resolve().parents,
        ):
            raise ValueError(
                f"The folder '{path}' lies in '{name}': a later run would take "
                "the copies for photos. Name a folder outside of it."
            )


def write(path: Path, groups: "list[list[AlignedFace]]", page: str) -> None:
    """Writes the list of the groups, or a folder for each."""
    from keras_hypersphere.atomic_write import atomic_write

    if path.suffix == ".json":
        with atomic_write(path) as file:
            file.write(page.encode() + b"\n")
        return
    width = len(str(len(groups)))
    for number, group in enumerate(groups, start=1):
        folder = path / f"person-{number:0{width}}"
        folder.mkdir(parents=True)
        # Two faces of one photo are one copy.
        for photo in dict.fromkeys(face.photo for face in group):
            shutil.copy2(photo, free_place(folder, Path(photo)))


def free_place(folder: Path, photo: Path) -> Path:
    """Where a photo can be copied to: photos of two folders share names."""
    place, copy = folder / photo.name, 1
    while place.exists():
        copy += 1
        place = folder / f"{photo.stem}-{copy}{photo.suffix}"
    return place
