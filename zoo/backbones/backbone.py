"""What all networks of the zoo share: their arguments and their weights."""

import dataclasses
import functools
import inspect
import math
import numbers
import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, TypeVar

import keras

from keras_hypersphere.zoo.loading.caffe_weights import is_caffe, load_caffe
from keras_hypersphere.zoo.loading.weight_files import locate, require_file
from keras_hypersphere.zoo.loading.weights import load_weights

ARGUMENTS = """Args:
        weights: None (random initialization), the name of a card of this
            network, or a path: a `.weights.h5`, `.keras` or `.npz` file of
            it{original}. Default: None.
        input_shape: (height, width, {channels}), sides of {smallest} pixels or
            more. Default: None, {shape}.
        include_top: Whether to put the classifier on
            top{top}. Default: False.
        classes: Number of classes of the classifier{published}
        name: Name of the model.
        classifier_activation: Activation behind the classifier; None gives
            the logits. Default: `"softmax"`.{more}
        width: The width multiplier: the share of its channels and units that
            each layer has, that of the embedding too. 0.5 needs about a
            quarter of the parameters and multiplications, 2 four times as
            many. No layer gets fewer than 2. Default: 1, the published
            network."""

# A function, with the arguments that it has.
Network = TypeVar("Network", bound=Callable[..., keras.Model])

RESULT = """Returns:
        A functional `keras.Model`: `(batch, height, width, {channels})` to
        `(batch, {dim})`, or `(batch, classes)` with the classifier.

    Raises:
        ValueError: If an argument is invalid, or `weights` does not fit.
        FileNotFoundError: If there is no file `weights`."""


def network(
    *,
    shape: tuple[int, int, int],
    smallest: int,
    dim: int,
    original: str = "",
    top: str = ", a dense layer",
    classes: int | None = None,
    more: str = "",
) -> Callable[[Network], Network]:
    """Gives a function what all backbones share.

    That is a part of its docstring, and that None as `input_shape` or `name`
    means the default, as in `keras.applications`.

    Args:
        shape: The default of `input_shape`.
        smallest: The shortest side.
        dim: Numbers in an embedding.
        original: Suffix of the files that were published of the network.
        top: What the classifier is.
        classes: Classes of the published classifier.
        more: Arguments that only this network has.
    """
    words = {
        "shape": shape,
        "channels": shape[2],
        "smallest": smallest,
        "dim": dim,
        "original": f", or the original `{original}`" if original else "",
        "top": top,
        "published": (
            f".\n            Default: None, the published {classes:,}."
            if classes
            else "; required\n            by `include_top`. Default: None."
        ),
        "more": more,
    }

    def finish(function: Network) -> Network:
        # `python -OO` leaves docstrings out.
        if function.__doc__:
            # From 3.13 on Python has taken the indentation away already.
            text = inspect.cleandoc(function.__doc__)
            for place, part in (
                ("{arguments}", ARGUMENTS),
                ("{result}", RESULT),
            ):
                said = part.format(**words).replace("\n    ", "\n")
                text = text.replace(place, said)
            function.__doc__ = text
        signature = inspect.signature(function)

        @functools.wraps(function)
        def build(*args: object, **kwargs: object) -> keras.Model:
            try:
                given = signature.bind(*args, **kwargs).arguments
            except TypeError as error:
                raise TypeError(f"{function.__name__}() {error}") from None
            for name in ("input_shape", "name"):
                if given.get(name, ...) is None:
                    given[name] = signature.parameters[name].default
            return function(**given)

        return build  # type: ignore[return-value]

    return finish


def whole(number: object) -> int | None:
    """A whole number of Python's or NumPy's; None if it is none."""
    if isinstance(number, numbers.Integral) and not isinstance(number, bool):
        return int(number)
    return None


def is_multiplier(number: Any) -> bool:
    """Whether widths can be multiplied by something."""
    real = isinstance(number, numbers.Real) and not isinstance(number, bool)
    return real and 0 < float(number) < math.inf


@dataclasses.dataclass(frozen=True)
class Backbone:
    """The arguments of a network of the zoo, checked before it is built.

    Args:
        architecture: Name of the function, as in cards.
        weights, input_shape, include_top, classes, name,
            classifier_activation, width: The arguments of the function.
        published_classes: What None stands for, if a classifier was
            published. Default: None.
        caffe_names: Caffe's names of layers that Keras calls otherwise.
            Default: None, if no Caffe file of the network was published.

    Raises:
        ValueError: If `classes`, `width` or `weights` is invalid.
        FileNotFoundError: If there is no file `weights`.
    """

    architecture: str
    weights: "str | os.PathLike | None"
    input_shape: tuple[int, int, int]
    include_top: bool
    classes: int | None
    name: str
    classifier_activation: "str | Callable | None"
    width: float
    published_classes: int | None = None
    caffe_names: "Mapping[str, str] | None" = None

    def __post_init__(self) -> None:
        if self.include_top not in (True, False):
            raise ValueError(
                "`include_top` must be True or False. Received: "
                f"include_top={self.include_top!r}"
            )
        wanted = self.include_top or self.classes is not None
        if wanted and self.units < 1:
            raise ValueError(
                "`classes` must be a positive integer, or None if "
                "`include_top` is False. Received: "
                f"classes={self.classes!r}, include_top={self.include_top!r}"
            )
        if not is_multiplier(self.width):
            raise ValueError(
                "`width` must be a number above 0, 1 for the published "
                f"network. Received: width={self.width!r}"
            )
        if self.weights is not None and (
            not isinstance(self.weights, (str, os.PathLike))
            or self.weights == ""
        ):
            raise ValueError(
                "`weights` must be None, the name of a card, or a path. "
                f"Received: weights={self.weights!r}"
            )
        if self.weights is None:
            return
        if not is_caffe(self.weights):
            locate(self.weights, self.architecture)
        elif self.caffe_names is None:
            raise ValueError(
                f"`weights` of {self.architecture} cannot be a caffemodel, "
                "since none was published. Received: "
                f"weights='{self.weights}'; `keras-hypersphere convert` makes "
                "a model of it and its prototxt"
            )
        else:
            require_file(Path(self.weights))

    @property
    def units(self) -> int:
        """The number of classes of the classifier; 0 if there is none."""
        if self.classes is None:
            return self.published_classes or 0
        return whole(self.classes) or 0

    def channels(self, published: int) -> int:
        """A number of channels or units, times `width`, rounded down.

        2 at the least: an embedding of one number has no direction. Where
        `MaxFeatureMap` takes two for one, it is twice the width behind it.

        Args:
            published: That of the published network.
        """
        # A tenth of 30 is a little less than 3 to a computer.
        return max(2, int(published * float(self.width) + 1e-6))

    def input(self, channels: int, smallest: int) -> keras.KerasTensor:
        """The image, after a look at its shape.

        Args:
            channels: As the network takes them.
            smallest: The shortest side that leaves something to convolve.

        Raises:
            ValueError: If `input_shape` is not of this kind.
        """
        shape = self.input_shape
        if (
            not isinstance(shape, (tuple, list))
            or len(shape) != 3
            or None in map(whole, shape)
            or shape[2] != channels
            or min(shape[:2]) < smallest
        ):
            raise ValueError(
                f"`input_shape` must be (height, width, {channels}) with "
                f"sides of {smallest} or more. Received: input_shape={shape}"
            )
        return keras.Input(tuple(map(int, shape)), name="image")

    def activate(
        self, logits: keras.KerasTensor, name: str = "prob"
    ) -> keras.KerasTensor:
        """What stands behind the classifier's dense layer."""
        if self.classifier_activation is None:
            return logits
        return keras.layers.Activation(self.classifier_activation, name=name)(
            logits
        )

    def model(
        self, inputs: keras.KerasTensor, outputs: keras.KerasTensor
    ) -> keras.Model:
        """The network with its weights.

        Raises:
            ValueError: If the weights do not fit.
        """
        model = keras.Model(inputs, outputs, name=self.name)
        if self.weights is None:
            return model
        if is_caffe(self.weights):
            load_caffe(
                model, self.weights, self.architecture, self.caffe_names or {}
            )
        else:
            load_weights(model, self.weights, architecture=self.architecture)
        return model
