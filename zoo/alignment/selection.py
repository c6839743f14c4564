"""Which face of a photo is meant, where there are several."""

from collections.abc import Sequence

from keras_hypersphere.zoo.alignment.face import Face

RULES = ("largest", "center")


def select_face(
    faces: Sequence[Face], shape: Sequence[int], rule: str = "largest"
) -> Face:
    """Picks one of the faces of a photo.

    Args:
        faces: One face or more.
        shape: The photo's shape, height and width first.
        rule: `"largest"` (by area of the box) or `"center"` (the center of
            the box nearest to that of the photo). Ties go to the more
            confident face.

    Returns:
        The face.

    Raises:
        ValueError: If there is no face, or the rule is unknown.

    Example:

    >>> box = np.array([0.0, 0.0, 10.0, 10.0])
    >>> points = np.zeros((5, 2))
    >>> near = kh.zoo.alignment.Face(box, points, 0.9)
    >>> far = kh.zoo.alignment.Face(box / 2, points, 0.9)
    >>> kh.zoo.alignment.select_face([far, near], (20, 20), "largest") is near
    True
    """
    check_rule("rule", rule)
    if not faces:
        raise ValueError("`faces` must hold at least one face. Received: none")

    def rank(face: Face) -> tuple[float, float]:
        if rule == "largest":
            return face.area, face.confidence
        x, y = face.center
        # Both are coordinates of pixel centers.
        away = (x - (shape[1] - 1) / 2) ** 2 + (y - (shape[0] - 1) / 2) ** 2
        return -away, face.confidence

    return max(faces, key=rank)


def check_rule(name: str, rule: str, rules: Sequence[str] = RULES) -> None:
    """Refuses what is no rule.

    Raises:
        ValueError: The message calls the argument by `name`.
    """
    if not isinstance(rule, str) or rule not in rules:
        raise ValueError(
            f"`{name}` must be one of {', '.join(rules)}. "
            f"Received: {name}={rule!r}"
        )
