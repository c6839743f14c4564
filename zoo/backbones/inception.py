"""FaceNet's Inception networks: the table of NN2 and what is built of it."""

import dataclasses
from collections.abc import Callable, Collection, Sequence
from typing import Any, TypeAlias

import keras
from keras import layers

from keras_hypersphere.layers.l2_pooling_2d import L2Pooling2D
from keras_hypersphere.layers.local_response_normalization import (
    LocalResponseNormalization,
)
from keras_hypersphere.zoo.backbones.backbone import Backbone

Tensor: TypeAlias = keras.KerasTensor


@dataclasses.dataclass(frozen=True)
class Module:
    """A row of the table.

    Args:
        name: Its number there.
        one: Filters of 1 x 1; 0 for none, here and below.
        reduce3, three: Of 1 x 1 before 3 x 3, and of 3 x 3.
        reduce5, five: Of 1 x 1 before 5 x 5, and of 5 x 5.
        pool: `"max"` or `"l2"`, over 3 x 3.
        project: Of 1 x 1 behind the pooling.
        stride: Of 3 x 3, 5 x 5 and the pooling.
    """

    name: str
    one: int
    reduce3: int
    three: int
    reduce5: int
    five: int
    pool: str
    project: int
    stride: int = 1


# The first convolution's filters, those of 1 x 1 before the second, the
# second's, and the modules.
STEM = (64, 64, 192)
NN2 = (
    Module("3a", 64, 96, 128, 16, 32, "max", 32),
    Module("3b", 64, 96, 128, 32, 64, "l2", 64),
    Module("3c", 0, 128, 256, 32, 64, "max", 0, stride=2),
    Module("4a", 256, 96, 192, 32, 64, "l2", 128),
    Module("4b", 224, 112, 224, 32, 64, "l2", 128),
    Module("4c", 192, 128, 256, 32, 64, "l2", 128),
    Module("4d", 160, 144, 288, 32, 64, "l2", 128),
    Module("4e", 0, 160, 256, 64, 128, "max", 0, stride=2),
    Module("5a", 384, 192, 384, 48, 128, "l2", 128),
    Module("5b", 384, 192, 384, 48, 128, "max", 128),
)
# What NN4 does without 5 x 5 in: 96 x 96 pixels then take the 285 million
# multiplications that the paper prints.
HIGHER = ("4e", "5a", "5b")


def without_five(
    modules: Sequence[Module], names: Collection[str]
) -> tuple[Module, ...]:
    """The table with the 5 x 5 of some modules left out."""
    return tuple(
        dataclasses.replace(m, reduce5=0, five=0) if m.name in names else m
        for m in modules
    )


def resized(
    modules: Sequence[Module], width: Callable[[int], int]
) -> tuple[Module, ...]:
    """The table with other widths; what is not there stays so.

    Args:
        modules: The table.
        width: What becomes of a width.
    """
    names = ("one", "reduce3", "three", "reduce5", "five", "project")
    found = []
    for m in modules:
        widths: dict[str, Any] = {
            n: width(getattr(m, n)) for n in names if getattr(m, n)
        }
        found.append(dataclasses.replace(m, **widths))
    return tuple(found)


def conv(
    x: Tensor, filters: int, size: int, name: str, stride: int, bias: bool
) -> Tensor:
    """A convolution that halves by rounding up, and ReLU."""
    return layers.Conv2D(
        filters,
        size,
        strides=stride,
        padding="same",
        activation="relu",
        use_bias=bias,
        kernel_initializer="he_normal",
        name=name,
    )(x)


def max_pool(x: Tensor, name: str, stride: int = 2) -> Tensor:
    """The largest of 3 x 3."""
    return layers.MaxPooling2D(3, strides=stride, padding="same", name=name)(x)


def response_norm(x: Tensor, name: str) -> Tensor:
    """AlexNet's: 5 channels, 1e-4 for each, power 0.75, 2 added."""
    # The layer divides alpha by the number of channels.
    return LocalResponseNormalization(
        size=5, alpha=5e-4, beta=0.75, k=2.0, name=name
    )(x)


def module(x: Tensor, row: Module, bias: bool) -> Tensor:
    """An Inception module, its branches side by side."""
    name, branches = f"inception_{row.name}", []
    if row.one:
        branches.append(conv(x, row.one, 1, f"{name}_1x1", 1, bias))
    for size, reduce, filters in (
        (3, row.reduce3, row.three),
        (5, row.reduce5, row.five),
    ):
        if filters:
            part = f"{name}_{size}x{size}"
            y = conv(x, reduce, 1, f"{part}_reduce", 1, bias)
            branches.append(conv(y, filters, size, part, row.stride, bias))
    if row.pool == "l2":
        y = L2Pooling2D(
            3, strides=row.stride, padding="same", name=f"{name}_pool"
        )(x)
    else:
        y = max_pool(x, f"{name}_pool", row.stride)
    if row.project:
        y = conv(y, row.project, 1, f"{name}_pool_proj", 1, bias)
    return layers.Concatenate(name=name)([*branches, y])


def trunk(
    arguments: Backbone,
    x: Tensor,
    stem: Sequence[int],
    modules: Sequence[Module],
    bias: bool,
) -> Tensor:
    """All convolutions, from the image to the last map.

    Args:
        arguments: Of the function.
        x: The image.
        stem: Three numbers of filters, as `STEM`.
        modules: The table.
        bias: Whether convolutions have one.
    """
    stem = [arguments.channels(width) for width in stem]
    x = conv(x, stem[0], 7, "conv1", 2, bias)
    x = response_norm(max_pool(x, "pool1"), "norm1")
    x = conv(x, stem[1], 1, "inception_2_3x3_reduce", 1, bias)
    x = conv(x, stem[2], 3, "inception_2_3x3", 1, bias)
    x = max_pool(response_norm(x, "norm2"), "pool2")
    for row in resized(modules, arguments.channels):
        x = module(x, row, bias)
    return x
