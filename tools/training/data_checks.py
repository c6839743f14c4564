"""Wrong data is told before the first step."""

import dataclasses
from typing import Any

import numpy as np

from keras_hypersphere.data.face_loader import chosen
from keras_hypersphere.data.photo_pixels import decode
from keras_hypersphere.face_files.face_source import FaceSource
from keras_hypersphere.tools.training.alignment_check import displacements

# Photos that are looked at.
SAMPLE = 200
# How far landmarks lie from where a template has them, in widths of a crop.
# LFW: aligned crops have a median of 0.026 to 0.036, whatever the template
# (99 % of single ones are below 0.09); photos that were only resized 0.074 to
# 0.17, boxes of faces 0.08 to 0.14.
ALIGNED = 0.055
# Of LFW's photos 99.93 % of those in colour have more red than blue in the
# middle, so of five or more half never have not.
COLOURED = 5
# Mean distance of channels from gray; of LFW's gray photos it is 0, of 99 %
# of the others above 8.
CHROMA = 3.0
GRAY_SHARE = 0.1
# The deviation of pixels; of LFW's photos the least is 25.
BLANK = 2.0


def check_faces(
    source: FaceSource,
    indices: Any = None,
    pairs_needed: bool = False,
    image_size: tuple[int, int] = (112, 112),
    channels: str = "RGB",
    aligned: bool = False,
    template: str = "arcface",
) -> list[str]:
    """Looks at photos before a training.

    Labels are looked at in all photos, pixels in 200, the same each time.

    Args:
        source: `FaceSource` of crops.
        indices: The photos to train on. Default: all.
        pairs_needed: Whether the loss needs two photos of a person.
        image_size: (height, width) of the network's input.
        channels: `"RGB"`, `"BGR"` or `"gray"`, what the network takes; for
            gray ones colours are not looked at.
        aligned: Whether somebody only says that they are aligned: then
            landmarks are looked for. Crops of ours need it not.
        template: What they should be aligned to, a name in
            `zoo.alignment.TEMPLATES`.

    Returns:
        Warnings, one line each.

    Raises:
        ValueError: For what cannot be trained on: one person, no pairs where
            they are needed, a photo that cannot be decoded or has another
            size.
    """
    photos = chosen(source, indices)
    told = check_people(source, photos, pairs_needed)
    draw = np.random.default_rng(0)
    some = np.sort(draw.permutation(photos)[:SAMPLE])
    sample = [pixels(source, photo, image_size) for photo in some.tolist()]
    told += check_colours(sample, channels)
    if aligned:
        told += check_alignment(sample, template)
    return told


def check_people(
    source: FaceSource, photos: np.ndarray, pairs_needed: bool
) -> list[str]:
    """Whether there are people to tell apart, and pairs."""
    labels, counts = np.unique(source.labels[photos], return_counts=True)
    names = [source.class_names[label] for label in labels]
    if len(names) < 2:
        raise ValueError(
            f"'{source.path}' has one person, {names[0]!r}, to train on, and "
            "at least two are needed. A data set is a folder with a folder for "
            "each person: name the one above."
        )
    single = [names[place] for place in np.flatnonzero(counts == 1)]
    if not pairs_needed or not single:
        return []
    if len(names) - len(single) < 2:
        raise ValueError(
            f"{len(single)} of {len(names)} people of '{source.path}' have one "
            "photo, and this training needs pairs: two photos or more of at "
            "least two people. Add photos, or take a recipe without pairs."
        )
    return [
        f"{len(single)} of {len(names)} people have one photo, which gives no "
        f"pair: {listed(single)}. They are seen as others only, if at all."
    ]


def pixels(
    source: FaceSource, photo: int, image_size: tuple[int, int]
) -> np.ndarray:
    """A photo, of the right size."""
    what = f"Photo {photo} ({source.names[photo]}) of '{source.path}'"
    image = decode(source.read(photo), what)
    if image.shape[:2] != tuple(image_size):
        raise ValueError(
            f"{what} has {image.shape[0]} x {image.shape[1]} pixels, and the "
            f"network takes {image_size[0]} x {image_size[1]} (height x "
            "width): it is no crop. Leave out `--aligned`, and photos are "
            "aligned first."
        )
    return image


def check_colours(sample: list[np.ndarray], channels: str) -> list[str]:
    """Blank photos, gray ones, and red and blue that changed places."""
    seen = [look(image) for image in sample]
    count, told = len(seen), []
    if blank := sum(one.deviation < BLANK for one in seen):
        told.append(
            f"{blank} of {count} photos are blank, of one colour. Look at "
            "them, and remove them."
        )
    if channels == "gray":
        return told
    faces = [one for one in seen if one.deviation >= BLANK]
    gray = sum(one.chroma < CHROMA for one in faces)
    if gray > GRAY_SHARE * count:
        told.append(
            f"{gray} of {count} photos are gray. A model that learns from them "
            "sees colours where it is used as something new: use it on gray "
            "photos, or train on coloured ones."
        )
    coloured = [one for one in faces if one.chroma >= CHROMA]
    blue = sum(one.red_less_blue < 0 for one in coloured)
    if len(coloured) >= COLOURED and 2 * blue > len(coloured):
        told.append(
            f"{blue} of {len(coloured)} coloured photos have more blue than "
            "red in the middle, as faces hardly ever have: they were written "
            "in BGR by a program that took them for RGB. Write them again "
            "with the channels in reverse order."
        )
    return told


@dataclasses.dataclass
class Look:
    """What is seen of the middle of a photo.

    Args:
        deviation: Of all pixels.
        chroma: Mean distance of channels from their mean.
        red_less_blue: Mean difference.
    """

    deviation: float
    chroma: float
    red_less_blue: float


def look(image: np.ndarray) -> Look:
    """Looks at the middle of an RGB photo."""
    height, width = image.shape[:2]
    middle = image[
        height // 4 : height - height // 4, width // 4 : width - width // 4
    ].astype(np.float32)
    gray = middle.mean(axis=2, keepdims=True)
    return Look(
        float(image.std()),
        float(np.abs(middle - gray).mean()),
        float((middle[..., 0] - middle[..., 2]).mean()),
    )


def check_alignment(sample: list[np.ndarray], template: str) -> list[str]:
    """Whether landmarks lie where the template has them."""
    found = displacements(sample, template)
    known = [moved for moved in found if moved is not None]
    told = []
    if 2 * len(known) < len(found):
        told.append(
            f"No face was found in {len(found) - len(known)} of {len(found)} "
            "crops. Look at them; photos that are no crops are aligned "
            "without `--aligned`."
        )
    elif np.median(known) > ALIGNED:
        told.append(
            f"The crops are not aligned as the template {template}: landmarks "
            f"are {np.median(known):.0%} of a width off where it has them, as "
            f"the median of {len(known)} crops (aligned ones: 3%). Leave out "
            "`--aligned` to have photos aligned, or name their own template."
        )
    return told


def check_batch(x: Any, y: Any, classes: int) -> list[str]:
    """Looks at a batch of any kind, before a training.

    Args:
        x: Images, as the network gets them.
        y: Labels.
        classes: How many the head has.

    Returns:
        Warnings, one line each.

    Raises:
        ValueError: For numbers that are not finite, and labels that the head
            does not have.
    """
    x = np.asarray(x)
    finite = np.isfinite(x.reshape(len(x), -1)).all(axis=1)
    if not finite.all():
        wrong = np.flatnonzero(~finite)
        raise ValueError(
            f"{len(wrong)} of {len(x)} images of the batch, the first being "
            f"image {wrong[0]}, hold NaN or infinity. Look at the photo, at "
            "`mean` and `scale`, and at the augmentation."
        )
    check_labels(y, classes)
    if np.abs(x).max(initial=0) > 16:
        return [
            f"Images have values of {x.min():g} to {x.max():g}, and networks "
            "expect about -1 to 1. Subtract a mean and scale: `mean=127.5, "
            "scale=1 / 128`."
        ]
    return []


def check_labels(labels: Any, classes: int) -> None:
    """Refuses labels that a head with so many classes does not have.

    Without it a softmax in shards counts such a face as nobody's: a loss
    that stays at 69.08, which is -ln(1e-30).

    Raises:
        ValueError: With the labels that are wrong.
    """
    labels = np.asarray(labels)
    if labels.ndim == 2 and labels.shape[1] == 1:
        labels = labels[:, 0]
    if labels.ndim != 1:
        raise ValueError(
            "`labels` must be (N,), one class index an image. Received: "
            f"labels.shape={labels.shape}; for one-hot labels, pass "
            "`np.argmax(labels, axis=-1)`."
        )
    wrong = ~((labels >= 0) & (labels < classes))
    if labels.dtype.kind not in "iu":
        wrong |= labels != np.floor(labels)
    if wrong.any():
        raise ValueError(
            f"{wrong.sum()} of {len(labels)} labels, such as "
            f"{labels[wrong][0]!r}, are no class of a head with {classes}: no "
            "shard has them, and the loss would stay at 69.08. Number people "
            f"from 0 to {classes - 1}: `np.unique(labels, return_inverse=True)"
            "[1]`."
        )


def listed(names: list[str], most: int = 5) -> str:
    """Some names, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")
