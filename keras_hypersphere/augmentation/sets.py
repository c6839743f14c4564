"""The augmentations of published recipes, by name."""

from typing import Any

from keras_hypersphere.augmentation.blur import Blur
from keras_hypersphere.augmentation.color_jitter import ColorJitter
from keras_hypersphere.augmentation.combined import Change, InTurn, OneOf
from keras_hypersphere.augmentation.erasing import Erasing
from keras_hypersphere.augmentation.gray import Gray
from keras_hypersphere.augmentation.hue_saturation import HueSaturation
from keras_hypersphere.augmentation.low_resolution import LowResolution
from keras_hypersphere.augmentation.mirror import Mirror
from keras_hypersphere.augmentation.pasted_crop import PastedCrop
from keras_hypersphere.augmentation.turn import Turn

SETS: dict[str, Change | None] = {
    "none": None,
    "mirror": Mirror(),
    "insightface": Mirror(),
    "insightface-dali": InTurn(
        augmentations=(
            LowResolution(0.1, (0.5, 0.8), ("linear",)),
            Blur(0.2, (3, 5)),
            HueSaturation(0.2),
            Gray(0.2),
            Mirror(),
        )
    ),
    "adaface": InTurn(
        augmentations=(
            PastedCrop(0.2),
            LowResolution(0.2),
            ColorJitter(0.2),
            Mirror(),
        )
    ),
    "gridsample": InTurn(
        augmentations=(Turn(0.2), Blur(0.2), Erasing(0.2), Mirror())
    ),
    "topofr": InTurn(
        augmentations=(
            OneOf(
                0.2,
                (
                    Blur(1.0, (5, 7, 9)),
                    Gray(1.0),
                    ColorJitter(1.0),
                    Erasing(1.0),
                ),
            ),
            Mirror(),
        )
    ),
}


def names() -> list[str]:
    """The names that `get` knows.

    Example:

    >>> kh.augmentation.list()[:3]
    ['none', 'mirror', 'insightface']

    Reference:
        The recipes whose names they are: see `get`.
    """
    return [*SETS]


def get(augmentation: Any) -> Change | None:
    """Returns an augmentation, or None where nothing is changed.

    | name | what | of |
    |---|---|---|
    | `"none"` | nothing | |
    | `"mirror"`, `"insightface"` | mirrored .5 | InsightFace |
    | `"insightface-dali"` | sides of .5 to .8 and back .1; blur of 3 or 5 .2;
      hue 0° to 20° with saturation 1 to 1.2 .2; gray .2; mirrored .5 |
      InsightFace's loader for DALI |
    | `"adaface"` | crop at its place on black, low resolution, colour jitter,
      .2 each; mirrored .5 | AdaFace; CVLface's `basic_v1`; opensphere |
    | `"gridsample"` | turned up to 20° and scaled .8 to 1.2, blur, erasing, .2
      each; mirrored .5 | CVLface's `gridsample_v1` |
    | `"topofr"` | with .2 one of blur of 5 to 9, gray, colour jitter, erasing;
      mirrored .5 | TopoFR |

    Args:
        augmentation: String, one of these names; a function of an image,
            uint8 RGB, and a `numpy.random.Generator`, which is returned; or
            None.

    Raises:
        ValueError: For another name or type.

    Example:

    >>> mirror = kh.augmentation.get("mirror")
    >>> mirror(np.zeros((2, 2, 3), "uint8"), np.random.default_rng(0)).shape
    (2, 2, 3)

    Reference:
        The authors' repositories. The windows of the blur of `"gridsample"`
        and the sizes of what it covers are ours; `"topofr"` changes the
        photo itself, where TopoFR keeps an untouched one next to it for its
        topology loss.
    """
    if augmentation is None or callable(augmentation):
        return augmentation
    if not isinstance(augmentation, str) or augmentation not in SETS:
        raise ValueError(
            f"`augmentation` must be one of {', '.join(SETS)}, a function of "
            "an image and a generator, or None. Received: "
            f"augmentation={augmentation!r}."
        )
    return SETS[augmentation]
