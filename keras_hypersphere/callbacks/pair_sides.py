"""The two photos of each pair, and their embeddings."""

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

Embed = Callable[[Any], np.ndarray]


class TwoSides(NamedTuple):
    """Photo i of the one is paired with photo i of the other."""

    left: Any
    right: Any
    number: int

    def embeddings(self, embed: Embed) -> tuple[np.ndarray, np.ndarray]:
        """(n, d) embeddings of both sides."""
        left, right = embed(self.left), embed(self.right)
        for name, side in (("left", left), ("right", right)):
            if side.ndim != 2 or len(side) != self.number:
                raise ValueError(
                    f"`{name}` must give one embedding (d,) for each of the "
                    f"{self.number} pairs. Received: embeddings of shape "
                    f"{side.shape}."
                )
        return left, right


class IndexedPairs(NamedTuple):
    """Pairs of indices of photos, each of which is embedded once."""

    images: Any
    pairs: np.ndarray

    def embeddings(self, embed: Embed) -> tuple[np.ndarray, np.ndarray]:
        """(n, d) embeddings of both sides."""
        found = embed(self.images)
        if found.ndim != 2:
            raise ValueError(
                "`images` must give one embedding (d,) for each photo. "
                f"Received: embeddings of shape {found.shape}."
            )
        require_inside(self.pairs, len(found))
        return found[self.pairs[:, 0]], found[self.pairs[:, 1]]


def pair_sides(
    left: Any, right: Any, images: Any, pairs: ArrayLike | None, count: int
) -> TwoSides | IndexedPairs:
    """Checks in which of the two ways `count` pairs are given."""
    given = {"left": left, "right": right, "images": images, "pairs": pairs}
    names = [name for name, value in given.items() if value is not None]
    if names not in (["left", "right"], ["images", "pairs"]):
        raise ValueError(
            "`left` and `right` must be given, or `images` and `pairs`. "
            f"Received: {', '.join(names) or 'none of them'}."
        )
    if left is not None:
        for name, side in (("left", left), ("right", right)):
            if hasattr(side, "shape") and len(side) != count:
                raise ValueError(
                    f"`{name}` must hold one photo for each of the "
                    f"{count} pairs. Received: {name} of shape "
                    f"{tuple(side.shape)}."
                )
        return TwoSides(left, right, count)
    indices = np.asarray(pairs)
    if indices.shape != (count, 2) or indices.dtype.kind not in "iu":
        raise ValueError(
            "`pairs` must hold two indices of `images` for each of the "
            f"{count} flags of `same`, whole numbers (n, 2). Received: pairs "
            f"of shape {indices.shape} and dtype {indices.dtype}."
        )
    if hasattr(images, "shape"):
        require_inside(indices, len(images))
    return IndexedPairs(images, indices)


def require_inside(pairs: np.ndarray, photos: int) -> None:
    """Refuses indices that name no photo; negative ones are no photos."""
    outside = (pairs < 0) | (pairs >= photos)
    if outside.any():
        raise ValueError(
            f"`pairs` must hold indices in [0, {photos}), the photos of "
            f"`images`. Received: {pairs[outside][0]}."
        )
