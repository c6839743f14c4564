"""What has changed in a folder of people since a gallery was made of it."""

import dataclasses
import os
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path

from keras_hypersphere.face_files.people import find_people, person_of
from keras_hypersphere.zoo.faces.enrolled import Enrolled, fingerprint

# (photo, person) of each photo.
People = Sequence[tuple[str, str]]


@dataclasses.dataclass(frozen=True)
class GalleryChanges:
    """What `add`, `remove` and `update` did to a gallery.

    Args:
        added: Photos that have a row now, and had none.
        changed: Photos that were embedded again: their files are others.
        removed: Photos that have no row any more.
        failures: Why, for each photo that could not be added.
    """

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    failures: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def __repr__(self) -> str:
        return (
            f"<GalleryChanges: {len(self.added)} photos added, "
            f"{len(self.changed)} changed, {len(self.removed)} removed, "
            f"{len(self.failures)} failed>"
        )


@dataclasses.dataclass(frozen=True)
class Plan:
    """What to do with the rows of a gallery, and what to embed.

    Args:
        kept: Where the photo of a row lies now, by row.
        gone: Rows whose photos are not there any more, or are others.
        fresh: Photos without a row, each with its person and fingerprint.
    """

    kept: dict[int, str]
    gone: list[int]
    fresh: dict[str, tuple[str, str]]


def compare_folder(
    rows: Enrolled,
    folder: Path,
    people: People,
    unread: Sequence[str] = (),
) -> Plan:
    """Compares the photos of a folder with the rows of a gallery.

    A photo is known by its person and the bytes of its file: it may have
    been moved, and the whole folder too.

    Args:
        rows: Of the gallery.
        folder: The folder.
        people: What is in it.
        unread: Folders in it that could not be read. What was in them is
            not gone.
    """
    inside, closed = [Path(os.path.abspath(folder))], []
    closed += [Path(os.path.abspath(each)) for each in unread]
    places = [Path(os.path.abspath(photo)) for photo in rows.photos]
    known: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in range(len(rows)):
        if rows.fingerprints[row]:
            known[rows.names[row], rows.fingerprints[row]].append(row)
    prints = {photo: fingerprint(photo) for photo, _ in people}
    kept: dict[int, str] = {}
    left: dict[str, tuple[str, str]] = {}
    # Photos that stay where they are come first: a copy is no move.
    for photo, person in people:
        place = Path(os.path.abspath(photo))
        for row in known[person, prints[photo]]:
            if places[row] == place and row not in kept:
                kept[row] = photo
                break
        else:
            left[photo] = person, prints[photo]
    fresh: dict[str, tuple[str, str]] = {}
    for photo, key in left.items():
        moved = [
            row
            for row in known[key]
            if row not in kept and not places[row].exists()
        ]
        if moved:
            kept[moved[0]] = photo
        else:
            fresh[photo] = key
    gone = [
        row
        for row, place in enumerate(places)
        if row not in kept
        and _within(place, inside)
        and not _within(place, closed)
    ]
    return Plan(kept, gone, fresh)


def read_people(folder: Path) -> tuple[People, dict[str, str]]:
    """The photos of a folder with their people, and what cannot be read.

    Raises:
        FileNotFoundError: If there is no such folder.
        ValueError: If it has no pictures.
    """
    people, left_out = find_people(folder)
    return [(str(photo), name) for photo, name in people], left_out


def people_of(
    photos: Sequence[str], folder: "str | os.PathLike | None" = None
) -> list[str]:
    """The people of photos in a folder; by default in that which holds all.

    Raises:
        ValueError: If a photo is not in the folder.
    """
    if folder is None:
        parents = {os.path.dirname(photo) for photo in photos}
        try:
            folder = os.path.commonpath(parents) if parents else ""
        except ValueError:
            raise ValueError(
                "The photos lie in no common folder: some of their names "
                "begin at the root, others do not. Say `folder`."
            ) from None
    for photo in photos:
        if not Path(photo).is_relative_to(folder):
            raise ValueError(
                f"`folder` must hold all photos; '{photo}' is not in it. "
                f"Received: folder='{folder}'"
            )
    return [person_of(Path(photo), Path(folder)) for photo in photos]


def _within(place: Path, folders: Sequence[Path]) -> bool:
    return any(place.is_relative_to(folder) for folder in folders)
