"""Networks of 2013, `layers { layer { ... } }`, as those of 2014.

In that format all settings of all types sat in one message, padding was a
layer of its own, and types were lower-case words.
"""

from typing import Any, NoReturn

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import (
    NetParameter,
    V0LayerParameter,
    V1LayerParameter,
)

PADDING = "padding"
# Types of 2013 → those of 2014; the others only became upper case.
TYPES = {
    "conv": "CONVOLUTION",
    "images": "IMAGE_DATA",
    "innerproduct": "INNER_PRODUCT",
    "pool": "POOLING",
}
UNCHANGED = frozenset(
    {
        "accuracy",
        "bnll",
        "concat",
        "data",
        "dropout",
        "euclidean_loss",
        "flatten",
        "hdf5_data",
        "hdf5_output",
        "im2col",
        "infogain_loss",
        "lrn",
        "multinomial_logistic_loss",
        "relu",
        "sigmoid",
        "softmax",
        "softmax_loss",
        "split",
        "tanh",
        "window_data",
    }
)
# The message that each type's settings moved to.
MESSAGES = {
    "concat": "concat_param",
    "conv": "convolution_param",
    "data": "data_param",
    "dropout": "dropout_param",
    "hdf5_data": "hdf5_data_param",
    "images": "image_data_param",
    "infogain_loss": "infogain_loss_param",
    "innerproduct": "inner_product_param",
    "lrn": "lrn_param",
    "pool": "pooling_param",
    "window_data": "window_data_param",
}
# Setting → its later name, and the types that had it. Caffe drops a setting
# of a type that did not have it, and so do we.
SETTINGS = {
    "num_output": ("num_output", "conv innerproduct"),
    "biasterm": ("bias_term", "conv innerproduct"),
    "weight_filler": ("weight_filler", "conv innerproduct"),
    "bias_filler": ("bias_filler", "conv innerproduct"),
    "pad": ("pad", "conv pool"),
    "kernelsize": ("kernel_size", "conv pool"),
    "stride": ("stride", "conv pool"),
    "group": ("group", "conv"),
    "pool": ("pool", "pool"),
    "dropout_ratio": ("dropout_ratio", "dropout"),
    "local_size": ("local_size", "lrn"),
    "alpha": ("alpha", "lrn"),
    "beta": ("beta", "lrn"),
    "k": ("k", "lrn"),
    "concat_dim": ("concat_dim", "concat"),
    "source": ("source", "data hdf5_data images window_data infogain_loss"),
    "batchsize": ("batch_size", "data hdf5_data images window_data"),
    "rand_skip": ("rand_skip", "data images"),
    "shuffle_images": ("shuffle", "images"),
    "new_height": ("new_height", "images"),
    "new_width": ("new_width", "images"),
    "det_fg_threshold": ("fg_threshold", "window_data"),
    "det_bg_threshold": ("bg_threshold", "window_data"),
    "det_fg_fraction": ("fg_fraction", "window_data"),
    "det_context_pad": ("context_pad", "window_data"),
    "det_crop_mode": ("crop_mode", "window_data"),
}
# These moved to `transform_param`, whatever the type.
TRANSFORMS = {
    "scale": "scale",
    "meanfile": "mean_file",
    "cropsize": "crop_size",
    "mirror": "mirror",
}


def upgrade_v0(net: NetParameter, file: str | None = None) -> None:
    """Rewrites the `layers` of a network of 2013, in place.

    Raises:
        CaffeFormatError: For a type that Caffe never had, a padding layer
            before something that cannot pad, or layers of both years.
    """
    if not all(old.HasField("layer") for old in net.layers):
        raise CaffeFormatError(
            "mixes `layers { layer { ... } }` of 2013 with `layers { ... }` of "
            "2014; write all layers in one format",
            file,
        )
    merge_padding(net, file)
    # A list: the field itself changes below.
    kept = [old for old in net.layers if old.layer.type != PADDING]
    made = [upgrade_layer(old, file) for old in kept]
    net.ClearField("layers")
    net.layers.extend(made)


def merge_padding(net: NetParameter, file: str | None) -> None:
    """Moves padding layers into the `pad` of the layers that read them."""
    makers = dict.fromkeys(net.input)
    for old in net.layers:
        for index, bottom in enumerate(old.bottom):
            if bottom not in makers:
                fail(
                    old,
                    f"bottom {index} is {bottom!r}, which no layer before it "
                    "makes; correct the name, or the order of the layers",
                    file,
                )
            source = makers[bottom]
            if source is None or source.layer.type != PADDING:
                continue
            single = (
                len(old.bottom) == len(source.bottom) == len(source.top) == 1
            )
            if old.layer.type not in ("conv", "pool") or not single:
                fail(
                    old,
                    f"reads the padding layer {source.layer.name!r}; only "
                    "conv and pool layers of one bottom can",
                    file,
                )
            old.layer.pad = source.layer.pad
            old.bottom[index] = source.bottom[0]
        makers.update(dict.fromkeys(old.top, old))


def upgrade_layer(old: V1LayerParameter, file: str | None) -> V1LayerParameter:
    """One layer of 2013 as one of 2014."""
    before: V0LayerParameter = old.layer
    kind = before.type
    new = V1LayerParameter(
        name=before.name,
        bottom=old.bottom,
        top=old.top,
        blobs=before.blobs,
        blobs_lr=before.blobs_lr,
        weight_decay=before.weight_decay,
        unread=old.unread,
    )
    if kind not in TYPES and kind not in UNCHANGED:
        fail(old, "is of no type that Caffe had in 2013", file)
    kinds = new.DESCRIPTOR.fields_by_name["type"].enum_type.values_by_name
    new.type = kinds[TYPES.get(kind, kind.upper())].number
    for field, value in before.ListFields():
        name, had_it = SETTINGS.get(field.name, ("", ""))
        if kind in had_it.split():
            put(getattr(new, MESSAGES[kind]), name, value, old, file)
        elif field.name in TRANSFORMS:
            put(new.transform_param, TRANSFORMS[field.name], value, old, file)
    if kind == "hdf5_output" and before.HasField("hdf5_output_param"):
        new.hdf5_output_param.CopyFrom(before.hdf5_output_param)
    return new


def put(
    message: Any,
    name: str,
    value: Any,
    old: V1LayerParameter,
    file: str | None,
) -> None:
    """Sets a field, which may have become a repeated or a message field."""
    field = message.DESCRIPTOR.fields_by_name[name]
    if field.message_type is not None:
        getattr(message, name).CopyFrom(value)
    elif isinstance(field.default_value, list):
        getattr(message, name).append(value)
    else:
        try:
            setattr(message, name, value)
        except ValueError:
            fail(old, f"`{name}` cannot be {value}", file)


def fail(old: V1LayerParameter, message: str, file: str | None) -> NoReturn:
    """Raises with file, layer and type."""
    raise CaffeFormatError(message, file, old.layer.name, old.layer.type)
