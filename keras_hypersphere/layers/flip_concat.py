"""Features of an image and of its mirror image."""

from typing import Any

import keras
from keras import ops

from keras_hypersphere import arguments
from keras_hypersphere.layers.upcast_layer import UpcastLayer
from keras_hypersphere.ops import gradients, sphere
from keras_hypersphere.ops.larger import larger
from keras_hypersphere.ops.narrowing import narrow


@keras.saving.register_keras_serializable(package="keras_hypersphere")
class FlipConcat(UpcastLayer):
    """Joins a backbone's features of images and of their mirror images.

    With `a = backbone(x)` and `b = backbone(x flipped left to right)`:
    `[a, b]` for `merge="concat"`, `a + b` for `"sum"`, `max(a, b)` for
    `"max"`; then, with `normalize`, divided by its length.

    Wrap a trained backbone in it to evaluate or deploy it: on LFW it is
    worth 0.1 to 0.3 points. Training on both images at once was reported to
    be of no use. The backbone runs once, on the images followed by their
    mirror images, so it needs the memory of a batch twice as large.

    Args:
        backbone: model or layer, from one batch of images to one tensor of
            features.
        merge: `"concat"` (SphereFace, CenterFace: twice as many features),
            `"sum"` (NormFace) or `"max"`. Defaults to `"concat"`.
        normalize: bool, whether the joined features are divided by
            `sqrt(sum of squares + 1e-12)`. Defaults to `False`.

    Call arguments:
        inputs: tensor of images, channels last.

    Input shape:
        `(N, height, width, channels)`, what the backbone takes.

    Output shape:
        `(N, ..., 2 * features)` for `"concat"`, `(N, ..., features)`
        otherwise.

    dtype: the backbone's. Inputs reach the backbone as they are. Sums and
    lengths are computed in float32 where the backbone gives a half type.

    Raises:
        ValueError: if an argument is not one of those above, or the
            backbone has more than one input or output.

    Example:

    >>> backbone = keras.Sequential([keras.Input((4, 4, 3)),
    ...     keras.layers.Conv2D(2, 3), keras.layers.Flatten()])
    >>> model = kh.layers.FlipConcat(backbone)
    >>> tuple(model(keras.ops.ones((5, 4, 4, 3))).shape)
    (5, 16)

    Reference:
        SphereFace (2017), https://arxiv.org/abs/1704.08063 (concat), and
        NormFace (2017), https://arxiv.org/abs/1704.06369 (sum). The mirror
        networks published with NormFace flip the same way and merge with
        Eltwise MAX; where `max` ties, the gradient goes to the mirror image.
    """

    def __init__(
        self,
        backbone: keras.layers.Layer,
        merge: str = "concat",
        normalize: bool = False,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.supports_masking = False
        if not isinstance(backbone, keras.layers.Layer):
            raise ValueError(
                "`backbone` must be a Keras model or layer. "
                f"Received: backbone={backbone!r}."
            )
        for side in ("inputs", "outputs"):
            count = len(getattr(backbone, side, None) or [None])
            if count != 1:
                raise ValueError(
                    f"`backbone` must have one of its {side}. "
                    f"Received: a backbone with {count}; build a "
                    "`keras.Model` that has one."
                )
        self.backbone = backbone
        self.merge = arguments.choice("merge", merge, ("concat", "sum", "max"))
        self.normalize = arguments.flag("normalize", normalize)
        self.input_spec = keras.layers.InputSpec(ndim=4)

    def build(self, input_shape) -> None:
        if not self.backbone.built:
            self.backbone.build(tuple(input_shape))
        self.built = True

    def call(self, inputs) -> Any:
        both = ops.concatenate([inputs, ops.flip(inputs, axis=-2)], axis=0)
        features = self.backbone(both)
        dtype = keras.backend.standardize_dtype(features.dtype)
        wide = "float64" if dtype == "float64" else "float32"
        if self.merge != "concat" or self.normalize:
            features = gradients.upcast(features, wide)
        a, b = ops.split(features, 2, axis=0)
        if self.merge == "concat":
            joined = ops.concatenate([a, b], axis=-1)
        elif self.merge == "sum":
            joined = a + b
        else:
            joined = larger(a, b)
        if self.normalize:
            joined, _ = sphere.normalize(joined, axis=-1, epsilon=1e-12)
        return narrow(joined, dtype)

    def compute_output_shape(self, input_shape) -> tuple:
        return self._joined(self.backbone.compute_output_shape(input_shape))

    def compute_output_spec(self, inputs) -> Any:
        features = self.backbone.compute_output_spec(inputs)
        return keras.KerasTensor(
            self._joined(features.shape), dtype=features.dtype
        )

    def _joined(self, shape) -> tuple:
        *others, features = shape
        if self.merge == "concat" and features is not None:
            features *= 2
        return (*others, features)

    def get_config(self) -> dict[str, Any]:
        return {
            **super().get_config(),
            "backbone": keras.saving.serialize_keras_object(self.backbone),
            "merge": self.merge,
            "normalize": self.normalize,
        }

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "FlipConcat":
        backbone = keras.saving.deserialize_keras_object(config["backbone"])
        return cls(**{**config, "backbone": backbone})
