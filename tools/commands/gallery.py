"""Keeps a gallery: known people, an embedding of each of their photos.

`build` makes one of a folder that holds a folder of photos for each person,
or a photo for each; `update` makes it follow the folder; `add` and `remove`
change one person; `list` shows who is in it. `identify` looks for them in
photos. The file is replaced once the new one is complete, and who was removed
is not in it any more.
"""

import argparse
import collections
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from keras_hypersphere.tools.commands.embedder_arguments import (
    add_json,
    require_photos,
)
from keras_hypersphere.tools.commands.gallery_arguments import (
    add_gallery_model,
    add_index,
    gallery_path,
    load_gallery,
    make_embedder,
    show_photos,
    tell_failures,
)

if TYPE_CHECKING:
    from keras_hypersphere.zoo import Gallery
    from keras_hypersphere.zoo.faces.gallery_changes import GalleryChanges

HELP = "known people: build, update, add, remove, list"
ACTIONS = {
    "build": "make a gallery of a folder of people",
    "update": "new, changed and removed photos of a folder",
    "add": "add photos of a person",
    "remove": "remove a person, photos and embeddings",
    "list": "who is in a gallery, and its threshold",
}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Adds the actions of `gallery`, and the arguments of each."""
    actions = parser.add_subparsers(
        dest="action",
        metavar="ACTION",
        required=True,
        parser_class=type(parser),
    )
    for name, told in ACTIONS.items():
        action = actions.add_parser(name, help=told, description=told)
        if name != "build":
            action.add_argument(
                "gallery", type=gallery_path, metavar="GALLERY.npz"
            )
        if name in ("add", "remove"):
            action.add_argument("name", metavar="NAME", help="the person")
        if name == "add":
            action.add_argument("photos", nargs="+", metavar="PHOTO")
        if name in ("build", "update"):
            action.add_argument("folder", type=Path, metavar="DIR")
        if name == "build":
            action.add_argument(
                *("-o", "--output"),
                required=True,
                type=gallery_path,
                metavar="GALLERY.npz",
                dest="gallery",
                help="the file to write",
            )
            action.add_argument(
                "--choose",
                choices=("largest", "center"),
                default="largest",
                help="which of several faces (default: %(default)s)",
            )
        add_gallery_model(action)
        add_index(action)
        add_json(action)
        action.set_defaults(command=f"gallery {name}")
        # After the action too.
        action.add_argument(
            "--debug",
            action="store_true",
            default=argparse.SUPPRESS,
            help="show tracebacks",
        )


def run(arguments: argparse.Namespace) -> int:
    """Does what the action says."""
    from keras_hypersphere.atomic_write import require_place

    if arguments.action == "list":
        gallery = load_gallery(arguments.gallery, arguments)
        show(listing(gallery), {}, arguments, lines(gallery))
        return 0
    # What can be wrong with the words is said before minutes of work.
    require_place(arguments.gallery)
    require_photos(getattr(arguments, "photos", []))
    gallery, changes = change(arguments)
    gallery.save(arguments.gallery)
    told = {
        "added": list(changes.added),
        "changed": list(changes.changed),
        "removed": list(changes.removed),
        **{key: listing(gallery)[key] for key in ("people", "photos")},
        "threshold": known_threshold(gallery),
    }
    words = [
        f"{len(told[key])} photos {key}"
        for key in ("added", "changed", "removed")
        if told[key]
    ]
    text = (
        f"{', '.join(words) or 'nothing changed'}; {len(gallery)} people, "
        f"{len(gallery.photos)} photos in {arguments.gallery}"
    )
    show(told, changes.failures, arguments, text)
    if arguments.action != "remove":
        warn_alike(gallery)
    done = len(changes.added) + len(changes.changed) + len(changes.failures)
    return tell_failures(changes.failures, done)


def change(
    arguments: argparse.Namespace,
) -> "tuple[Gallery, GalleryChanges]":
    """The gallery as it is to be written, and what is new in it."""
    from keras_hypersphere.zoo import Gallery
    from keras_hypersphere.zoo.faces.gallery_changes import GalleryChanges

    progress = show_photos()
    if arguments.action == "build":
        gallery = Gallery.from_folder(
            make_embedder(arguments),
            arguments.folder,
            arguments.choose,
            progress,
            arguments.index or "exact",
        )
        added = tuple(gallery.photos)
        return gallery, GalleryChanges(added, failures=gallery.failures)
    gallery = load_gallery(arguments.gallery, arguments)
    if arguments.action == "update":
        return gallery, gallery.update(arguments.folder, progress)
    if arguments.action == "remove":
        return gallery, gallery.remove(arguments.name)
    return gallery, gallery.add(arguments.name, arguments.photos, progress)


def known_threshold(gallery: "Gallery") -> float | None:
    """The gallery's threshold, None where nothing tells it."""
    try:
        return gallery.threshold()
    except ValueError:
        return None


def listing(gallery: "Gallery") -> dict[str, Any]:
    """What a gallery holds, as plain values."""
    photos: dict[str, list[str]] = {name: [] for name in gallery.people}
    for name, photo in zip(gallery.names, gallery.photos, strict=True):
        photos[name].append(photo)
    return {
        "model": gallery.embedder.card.name,
        "threshold": known_threshold(gallery),
        "people": len(gallery),
        "photos": len(gallery.photos),
        "photos_without_face": gallery.failures,
        "names": [
            {"name": name, "photos": theirs} for name, theirs in photos.items()
        ],
        "alike": [
            {"names": [first, second], "distance": distance}
            for first, second, distance in gallery.alike()
        ],
    }


def lines(gallery: "Gallery") -> str:
    """The people, a line each, and what all have in common."""
    counts = collections.Counter(gallery.names)
    width = max(map(len, counts), default=0)
    people = [f"{name:<{width}}  {counts[name]}" for name in gallery.people]
    threshold = known_threshold(gallery)
    known = "not known" if threshold is None else f"{threshold:.4f}"
    warn_alike(gallery)
    return "\n".join([*people, f"{gallery!r}, threshold {known}"])


def warn_alike(gallery: "Gallery") -> None:
    """Says who may be in the gallery twice."""
    for first, second, distance in gallery.alike():
        print(
            f"note: {first} and {second} look like one person (distance "
            f"{distance:.4f})",
            file=sys.stderr,
        )


def show(
    results: dict[str, Any],
    failures: Any,
    arguments: argparse.Namespace,
    text: str,
) -> None:
    """Prints the results, as JSON or as text."""
    from keras_hypersphere.tools.commands.document import document

    if arguments.json:
        text = document(arguments.command, [results], failures)
    print(text)
