"""Says who is on photos, of the people of a gallery.

For each photo the nearest person, or `nobody`: who is farther than the
threshold is not in the gallery. The threshold is the gallery's own, at which
1 % of such people are named as somebody; --false-identification-rate says
another share. The exit code is 0 for any answer, 1 if a photo cannot be read
or shows no face.
"""

import argparse
import math
from pathlib import Path
from typing import TYPE_CHECKING

from keras_hypersphere.tools.commands.embedder_arguments import (
    add_all,
    add_choose,
    add_json,
    require_photos,
)
from keras_hypersphere.tools.commands.gallery_arguments import (
    add_gallery_model,
    add_index,
    load_gallery,
    make_embedder,
    show_photos,
    tell_failures,
)

if TYPE_CHECKING:
    from keras_hypersphere.zoo import Gallery
    from keras_hypersphere.zoo.faces.identification import Identification

HELP = "who is on a photo, of the people of a gallery"
TOP_K = 5


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of `identify`."""
    parser.add_argument(
        "photos",
        nargs="+",
        metavar="PHOTO",
        help="photos; of a folder all pictures below it",
    )
    parser.add_argument(
        "--gallery",
        required=True,
        type=Path,
        metavar="GALLERY.npz|DIR",
        help="what `gallery build` wrote, or a folder of people",
    )
    parser.add_argument(
        "--top-k",
        type=count,
        metavar="K",
        help="show so many people of each photo (JSON: default "
        f"{TOP_K}; else the nearest one)",
    )
    add_choose(parser, "largest")
    add_all(parser)
    parser.add_argument(
        "--false-identification-rate",
        type=rate,
        default=0.01,
        metavar="R",
        help="share of people who are not in the gallery and are named all "
        "the same (default: %(default)s)",
    )
    add_gallery_model(parser)
    add_index(parser)
    add_json(parser)


def count(word: str) -> int:
    """Reads how many people are shown."""
    try:
        number = int(word)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError(
            f"expected a positive integer, received {word!r}"
        )
    return number


def rate(word: str) -> float:
    """Reads a rate."""
    try:
        number = float(word)
    except ValueError:
        number = math.nan
    if not 0 < number < 1:
        raise argparse.ArgumentTypeError(
            f"expected a number above 0 and below 1, received {word!r}"
        )
    return number


def run(arguments: argparse.Namespace) -> int:
    """Identifies the photos and prints the people."""
    from keras_hypersphere.tools.commands.document import document
    from keras_hypersphere.tools.commands.notes import note_turned
    from keras_hypersphere.zoo.faces.photo_list import name_photos

    # What can be wrong with the words is said before the model is loaded.
    require_photos(arguments.photos)
    photos = dict(name_photos(arguments.photos))
    gallery = open_gallery(arguments)
    threshold = gallery.threshold(arguments.false_identification_rate)
    answers: list[Identification] = []
    failures: dict[str, str] = {}
    for found in gallery.embedder.stream(
        list(photos.values()), choose=arguments.choose
    ):
        failures |= found.failures
        note_turned(found.faces)
        few = arguments.top_k or (TOP_K if arguments.json else 1)
        some = gallery.identify_embedded(found, few, threshold)
        if not arguments.json:
            for answer in some:
                print(line(answer, arguments), flush=True)
        answers += some
    if arguments.json:
        results = [answer.as_dict() for answer in answers]
        print(document("identify", results, failures))
    return tell_failures(failures, len(photos))


def open_gallery(arguments: argparse.Namespace) -> "Gallery":
    """Reads the gallery's file, or embeds the photos of the folder."""
    from keras_hypersphere.zoo import Gallery

    path = arguments.gallery
    if not path.is_dir():
        return load_gallery(path, arguments)
    gallery = Gallery.from_folder(
        make_embedder(arguments),
        path,
        progress=show_photos(),
        index=arguments.index or "exact",
    )
    tell_failures(gallery.failures, len(gallery.photos) + len(gallery.failures))
    return gallery


def line(answer: "Identification", arguments: argparse.Namespace) -> str:
    """The answer for one face, and further people below it."""
    face = answer.face.face
    place = ""
    if arguments.choose == "all" and face is not None:
        left, top, width, height = (round(side) for side in face.box)
        place = f" [{left} {top} {width} {height}]"
    text = f"{answer.face.photo}{place}: {answer.person or 'nobody'}"
    if answer.matches:
        nearest = answer.matches[0]
        who = "" if answer.person else f"nearest {nearest.name}, "
        text += f"  {who}distance {nearest.distance:.4f}"
    text += f"  threshold {answer.threshold:.4f}"
    if arguments.top_k:
        for rank, match in enumerate(answer.matches, start=1):
            text += f"\n  {rank}. {match.name}  {match.distance:.4f}"
    return text
