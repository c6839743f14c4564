"""What a command should say of a photo besides its answer, on stderr."""

import sys
from collections.abc import Iterable
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from keras_hypersphere.zoo.faces.aligned_face import AlignedFace


def note_passed_over(photo: str, count: int) -> None:
    """Says that a photo has faces that are not embedded."""
    faces = "1 other face" if count == 1 else f"{count} other faces"
    print(f"note: {photo} has {faces}; --all embeds them too", file=sys.stderr)


def note_turned(faces: "Iterable[AlignedFace | None]") -> None:
    """Says which photos were turned before their faces were found."""
    turns = {
        each.photo: each.face.turn
        for each in faces
        if each is not None and each.face is not None and each.face.turn
    }
    for photo, turn in turns.items():
        print(
            f"note: {photo} lies on its side or head: it was turned by {turn} "
            "degrees counter-clockwise; --turn 0 takes photos as they are",
            file=sys.stderr,
        )
