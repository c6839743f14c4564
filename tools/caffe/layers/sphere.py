"""NormFace's layers: unit vectors, distances, and blobs as layers."""

import math
import warnings

import keras
import numpy as np

from keras_hypersphere.layers.inner_distance import InnerDistance
from keras_hypersphere.layers.normalize_layer import NormalizeLayer
from keras_hypersphere.tools.caffe.building.conversion_context import (
    Emission,
    Tensor,
    caffe_shape,
)
from keras_hypersphere.tools.caffe.cost import product_cost
from keras_hypersphere.tools.caffe.layer_type import Labels, register_layer
from keras_hypersphere.tools.caffe.layers.flattening import flatten
from keras_hypersphere.tools.caffe.layers.learned import (
    EPSILON,
    hold_blob,
    unit_rows,
)
from keras_hypersphere.tools.caffe.layers.normalization import image
from keras_hypersphere.tools.caffe.layers.ssd import is_ssd, ssd_normalize
from keras_hypersphere.tools.caffe.reference.arrays import (
    ONE,
    kernel_of,
    rows_of,
)
from keras_hypersphere.tools.caffe.reference.layer import (
    Bottoms,
    ReferenceLayer,
)

# Up to this many numbers of agents, differences are taken one by one.
SMALL = 16_384


def normalize_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> list[np.ndarray]:
    """NormFace's layer, or that of SSD, which has factors for channels."""
    (x,) = bottoms
    given = layer.parameter.HasField
    if not given("normalize_param") and (given("norm_param") or layer.blobs):
        return [normalize_ssd(layer, x)]
    x = x.reshape(*x.shape, *[1] * (4 - x.ndim))
    if layer.parameter.normalize_param.normalize_type == "L1":
        norm = np.abs(x).sum(1, keepdims=True) + 1e-6
    else:
        norm = np.sqrt(np.square(x).sum(1, keepdims=True) + 1e-6)
    return [x / norm, norm][: len(layer.parameter.top)]


def normalize_ssd(layer: ReferenceLayer, x: np.ndarray) -> np.ndarray:
    """By the norm of a sample or of a place, times learned factors."""
    settings = layer.parameter.norm_param
    axes = (1, 2, 3) if settings.across_spatial else 1
    norm = np.sqrt(np.square(x).sum(axes, keepdims=True) + settings.eps)
    shape = () if settings.channel_shared else (x.shape[1],)
    filler = settings.scale_filler if settings.HasField("scale_filler") else ONE
    factors = layer.blob(0, shape, filler)
    return x / norm * (factors.reshape(-1, 1, 1) if shape else factors)


@register_layer("Normalize", reference=normalize_reference, keeps_channels=True)
def normalize(layer: Emission, inputs: list[Tensor]) -> list[Tensor]:
    """`ops`: vectors of channels over their L2 or L1 norm; SSD's too."""
    if is_ssd(layer):
        return [ssd_normalize(layer, inputs)]
    x = image(layer, layer.expect(inputs, 1))
    settings = layer.parameter.normalize_param
    norm, tops = settings.normalize_type, len(layer.parameter.top)
    if norm not in ("L2", "L1"):
        layer.fail(f'`normalize_type: "{norm}"` must be "L2" or "L1"')
    if tops > 2:
        layer.fail(f"has {tops} tops; it makes the vectors and their norms")
    if layer.training:
        if settings.fix_gradient:
            warnings.warn(
                f"{layer.file}: layer {layer.name!r} ({layer.type}): "
                "`fix_gradient` is left out, which Caffe's GPU code alone "
                'reads; `kh.layers.NormalizeLayer(gradient="fixed")` has it',
                stacklevel=2,
            )
        made = layer.add(
            NormalizeLayer,
            x,
            norm=norm.lower(),
            epsilon=EPSILON,
            return_norm=tops == 2,
            norm_gradient=settings.bp_norm,
        )
        if tops == 1:
            return [made]
        return [made[0], layer.label(made[1], "norm")]
    part = keras.ops.square if norm == "L2" else keras.ops.absolute
    size = layer.compute(part, x, part="entries")
    size = layer.compute(
        keras.ops.sum, size, axis=-1, keepdims=True, part="sum"
    )
    size = layer.compute(keras.ops.add, size, EPSILON, part="epsilon")
    if norm == "L2":
        size = layer.compute(keras.ops.sqrt, size, part="root")
    unit = layer.compute(keras.ops.divide, x, size, part="divide")
    made = [layer.label(unit)]
    return made + [layer.label(size, "norm")] * (tops - 1)


def parameter_reference(layer: ReferenceLayer, bottoms: Bottoms) -> np.ndarray:
    """The blob itself."""
    settings = layer.parameter.parameter_param
    return layer.blob(0, tuple(settings.shape.dim), settings.blob_filler)


@register_layer("Parameter", reference=parameter_reference)
def parameter(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Embedding` of all its rows: a learned blob that reads nothing."""
    layer.expect(inputs, 0)
    settings = layer.parameter.parameter_param
    shape = tuple(settings.shape.dim)
    if not shape or min(shape) < 1:
        layer.fail(f"`shape` is {shape}; give it axes of 1 or more")
    (values,) = layer.blobs((shape, settings.blob_filler))
    return hold_blob(layer, values)


def inner_distance_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> np.ndarray:
    """Squared distances, or sums of absolute differences, to each row."""
    settings = layer.parameter.inner_distance_param
    x, lead = rows_of(layer, bottoms[0], settings.axis)
    kernel = kernel_of(layer, bottoms, settings, x.shape[1])
    # `transpose` declares another shape; the numbers are read as N x K.
    kernel = kernel.reshape(-1, x.shape[1])
    made = np.empty((len(x), len(kernel)))
    for row, feature in enumerate(x):
        difference = feature - kernel
        if settings.distance_type == "L1":
            made[row] = np.abs(difference).sum(1)
        else:
            made[row] = np.square(difference).sum(1)
    return made.reshape(*lead, -1)


@register_layer(
    "InnerDistance",
    reference=inner_distance_reference,
    message="inner_distance_param",
    labels=Labels(place=2, bottoms=(1, 3)),
    multiply_adds=product_cost,
)
def inner_distance(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`Embedding` and `ops`: squared L2 or L1 distances to agents."""
    settings = layer.parameter.inner_distance_param
    kind = settings.distance_type
    if kind not in ("L2", "L1"):
        layer.fail(f'`distance_type: "{kind}"` must be "L2" or "L1"')
    x, *others = inputs
    layer.axis(settings.axis, x)
    if settings.axis % len(x.shape) != 1:
        layer.unsupported(f"`axis: {settings.axis}` is not supported; 1 is")
    x = flatten(layer, x, "flatten")
    if others:
        agents = blob_rows(layer, others[0], x)
        return to_agents(layer, x, agents, kind, others[1:])
    if settings.update_center_only:
        layer.fail("`update_center_only` takes agents and labels as bottoms")
    units, size = settings.num_output, x.shape[1]
    if units < 1:
        layer.fail("has no `num_output`")
    shape = (size, units) if settings.transpose else (units, size)
    # Caffe reads the numbers as rows of agents, whatever their shape is.
    (values,) = layer.blobs((shape, settings.weight_filler))
    values = values.reshape(units, size)
    if settings.normalize:
        values = unit_rows(values)
    if not layer.training:
        agents = hold_blob(layer, values, "agents")
        return to_agents(layer, x, agents, kind, [])
    return layer.add(
        InnerDistance,
        x,
        weights=[values],
        units=units,
        distance="squared-l2" if kind == "L2" else "l1",
        normalize_kernel=settings.normalize,
        gradient="caffe",
        epsilon=EPSILON,
    )


def blob_rows(layer: Emission, blob: Tensor, x: Tensor) -> Tensor:
    """A bottom that holds weights, as rows of the length of `x`'s."""
    if blob.shape[0] is None:
        layer.unsupported(
            "weights for which the batch is not fixed are not supported; "
            "those of a Parameter layer are, and inputs"
        )
    if math.prod(blob.shape[1:]) != x.shape[1]:
        layer.fail(
            f"the second bottom has the shape {caffe_shape(blob)}; its rows "
            f"must be as long as those of the first bottom, {x.shape[1]}"
        )
    return flatten(layer, blob, "flatten_weights")


def to_agents(
    layer: Emission, x: Tensor, agents: Tensor, kind: str, labels: list[Tensor]
) -> Tensor:
    """(N, d) and (C, d) -> (N, C) distances, named like the layer."""
    settings = layer.parameter.inner_distance_param
    if not (settings.update_center_only and layer.training):
        return layer.label(distances(layer, x, agents, kind))
    if not labels:
        layer.fail("`update_center_only` takes labels as the third bottom")
    # An agent learns from the samples of its own class alone.
    stop = keras.ops.stop_gradient
    still_x = layer.compute(stop, x, part="still_x")
    still = layer.compute(stop, agents, part="still_agents")
    made = distances(layer, x, still, kind)
    pull = distances(layer, still_x, agents, kind)
    less = layer.compute(stop, pull, part="still_pull")
    pull = layer.compute(keras.ops.subtract, pull, less, part="pull")
    own = layer.compute(
        keras.ops.one_hot, labels[0], agents.shape[0], part="own"
    )
    pull = layer.compute(keras.ops.multiply, pull, own, part="own_pull")
    return layer.add(keras.layers.Add, [made, pull])


def distances(layer: Emission, x: Tensor, agents: Tensor, kind: str) -> Tensor:
    """(N, d) and (C, d) -> (N, C) distances.

    Few agents are subtracted one by one, as in Caffe. For many that would be
    N x C x d numbers; the L2 distance is then `|x|^2 - 2 x.w + |w|^2`.
    """
    if kind == "L2" and math.prod(agents.shape) > SMALL:
        return squared_distances(layer, x, agents)
    x = layer.compute(keras.ops.expand_dims, x, 1, part="x")
    away = layer.compute(keras.ops.subtract, x, agents, part="away")
    measure = keras.ops.square if kind == "L2" else keras.ops.absolute
    away = layer.compute(measure, away, part="entries")
    return layer.compute(keras.ops.sum, away, axis=-1, part="sum")


def squared_distances(layer: Emission, x: Tensor, agents: Tensor) -> Tensor:
    """The same by one matrix product, off by some 1e-7 of the squares."""

    def squares(rows: Tensor, part: str, keepdims: bool) -> Tensor:
        rows = layer.compute(keras.ops.square, rows, part=f"{part}_squares")
        return layer.compute(
            keras.ops.sum, rows, axis=-1, keepdims=keepdims, part=part
        )

    total = layer.compute(
        keras.ops.add,
        squares(x, "x", True),
        squares(agents, "agents_length", False),
        part="lengths",
    )
    along = product(layer, x, agents)
    along = layer.compute(keras.ops.multiply, along, -2.0, part="twice")
    total = layer.compute(keras.ops.add, total, along, part="difference")
    return layer.compute(keras.ops.relu, total, part="positive")


def product(layer: Emission, x: Tensor, rows: Tensor) -> Tensor:
    """(N, d) and (C, d) -> (N, C)."""
    columns = layer.compute(keras.ops.transpose, rows, part="columns")
    return layer.compute(keras.ops.matmul, x, columns, part="product")


def channel_scale_reference(
    layer: ReferenceLayer, bottoms: Bottoms
) -> np.ndarray:
    """Each sample, or place, times its number."""
    x, factors = bottoms
    settings = layer.parameter.channel_scale_param
    if settings.global_scale:
        layer.fail("`global_scale` is not known to the reference")
    if not settings.do_forward:
        return x
    factors = factors.reshape(len(x), 1, *factors.shape[2:])
    return x * factors.reshape(*factors.shape[: x.ndim])


@register_layer("ChannelScale", reference=channel_scale_reference)
def channel_scale(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """`ops.multiply` of the channels at each place by one number."""
    x, factors = layer.expect(inputs, 2)
    settings = layer.parameter.channel_scale_param
    if settings.global_scale:
        layer.unsupported("`global_scale: true` is not supported")
    x = image(layer, x)
    factors = image(layer, factors)
    if factors.shape[1:] != (*x.shape[1:3], 1):
        layer.fail(
            f"the second bottom has the shape {caffe_shape(factors)}; it must "
            "be one number for each place of the first"
        )
    wanted = settings.do_backward_feature, settings.do_backward_scale
    if layer.training and not (settings.do_forward and all(wanted)):
        layer.unsupported("training with parts switched off is not supported")
    if len(layer.parameter.top) != 1:
        layer.fail(f"has {len(layer.parameter.top)} tops; it makes one")
    shape = inputs[0].shape
    if settings.do_forward:
        x = layer.compute(keras.ops.multiply, x, factors, part="product")
    if len(shape) < 4:
        # A scaled blob has as many axes as it had.
        return layer.add(keras.layers.Reshape, x, target_shape=shape[1:])
    return layer.label(x)


def given_product(layer: Emission, inputs: list[Tensor]) -> Tensor:
    """InnerProduct with its weights as a second bottom."""
    settings = layer.parameter.inner_product_param
    x, weights = layer.expect(inputs, 2)
    if settings.bias_term:
        layer.fail(
            "has its weights as a second bottom, and a bias, with which Caffe "
            "crashes; write `bias_term: false`"
        )
    if settings.transpose:
        layer.unsupported(
            "`transpose: true` with weights as a bottom is not supported"
        )
    if settings.axis % len(x.shape) != 1:
        layer.unsupported(f"`axis: {settings.axis}` is not supported; 1 is")
    x = flatten(layer, x, "flatten")
    return layer.label(product(layer, x, blob_rows(layer, weights, x)))


def unit_kernel(layer: Emission, kernel: np.ndarray) -> np.ndarray:
    """A kernel as InnerProduct's `normalize: true` leaves it.

    Of a transposed blob Caffe normalizes runs of numbers, as long as a
    weight vector, that are none. So does this.
    """
    settings = layer.parameter.inner_product_param
    units = settings.num_output
    if settings.transpose and layer.training:
        layer.unsupported(
            "training with `normalize` and `transpose` is not supported"
        )
    return unit_rows(kernel.reshape(units, -1)).reshape(kernel.shape)
