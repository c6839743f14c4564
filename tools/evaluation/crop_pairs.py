"""Pairs of aligned faces in one file: InsightFace's `.bin`."""

import argparse
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from keras_hypersphere.evaluation import PairList
from keras_hypersphere.face_files.verification_bin import (
    read_verification_bin,
)
from keras_hypersphere.zoo import images

if TYPE_CHECKING:
    from keras_hypersphere.zoo import Card

SUFFIX = ".bin"
# The words that are about photos outside of the file.
NEEDLESS = ("images", "embeddings", "landmarks", "choose", "detector")


def require_source(arguments: argparse.Namespace) -> None:
    """Ends with a usage error unless photos come from one place."""
    if arguments.set in ("lfw", "pairs") and is_bin(arguments.pairs):
        for name in NEEDLESS:
            if getattr(arguments, name) is not None:
                arguments.usage_error(
                    f"leave out --{name}: a {SUFFIX} holds its own faces"
                )
    elif arguments.images is None and arguments.embeddings is None:
        arguments.usage_error(
            "one of the arguments --images --embeddings is required"
        )


def is_bin(path: str) -> bool:
    """Whether a list of pairs brings its faces."""
    return Path(path).suffix == SUFFIX


def read_crop_pairs(path: str) -> tuple[PairList, dict[str, bytes]]:
    """The pairs, and the file of each crop by the name that they have for it.

    A crop that is in several pairs has one name.
    """
    crops, same = read_verification_bin(path)
    name_of: dict[bytes, str] = {}
    for place, crop in enumerate(crops):
        name_of.setdefault(crop, f"crop {place}")
    names = [name_of[crop] for crop in crops]
    pairs = PairList(names[0::2], names[1::2], same)
    return pairs, {name: crop for crop, name in name_of.items()}


def decoded(
    path: str, crops: Mapping[str, bytes], card: "Card"
) -> Iterator[np.ndarray]:
    """The crops in order, RGB.

    Raises:
        ValueError: If one is damaged, or of another size than the model's.
    """
    height, width = card.input_shape[:2]
    for name, data in crops.items():
        crop = images.read(data, name=f"'{path}', {name}")
        if crop.shape[:2] != (height, width):
            raise ValueError(
                f"`{card.name}` takes crops of {height} x {width} pixels "
                f"(height x width). Received: {crop.shape[0]} x "
                f"{crop.shape[1]}, {name} of '{path}'. Measure it on photos: "
                "--images DIR and a list of pairs."
            )
        yield crop
