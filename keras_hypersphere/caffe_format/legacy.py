"""Networks of older Caffes brought to today's messages."""

from keras_hypersphere.caffe_format.errors import CaffeFormatError
from keras_hypersphere.caffe_format.schema import (
    LayerParameter,
    NetParameter,
    V1LayerParameter,
)
from keras_hypersphere.caffe_format.v0 import upgrade_v0

# Enum names whose type is not their words joined: SOFTMAX_LOSS and the like.
TYPES = {
    "NONE": "",
    "ABSVAL": "AbsVal",
    "ARGMAX": "ArgMax",
    "BN": "BN",
    "BNLL": "BNLL",
    "ELU": "ELU",
    "HDF5_DATA": "HDF5Data",
    "HDF5_OUTPUT": "HDF5Output",
    "IM2COL": "Im2col",
    "LRN": "LRN",
    "MVN": "MVN",
    "PRELU": "PReLU",
    "RELU": "ReLU",
    "RELU6": "ReLU6",
    "ROIPOOLING": "ROIPooling",
    "ROI_POOLING": "ROIPooling",
    "SOFTMAX_LOSS": "SoftmaxWithLoss",
    "SPP": "SPP",
    "TANH": "TanH",
}
DATA = {
    "Data": "data_param",
    "ImageData": "image_data_param",
    "WindowData": "window_data_param",
}
INPUTS = ("input", "input_shape", "input_dim")
LISTS = (
    "bottom",
    "top",
    "blobs",
    "include",
    "exclude",
    "loss_weight",
    "unread",
)


def upgrade(
    net: NetParameter, file: str | None = None, inputs: bool = True
) -> NetParameter:
    """Turns `layers` into `layer`, and `input` into an Input layer.

    The message is changed and returned. Weights need no `inputs`: old models
    name them without their shapes.

    Raises:
        CaffeFormatError: If both spellings occur, if inputs lack their
            dimensions, or if a network of 2013 cannot be brought to today.
    """
    if net.layers and net.layer:
        raise CaffeFormatError(
            "has both `layer` and `layers`; write every layer as "
            '`layer { type: "Name" ... }`',
            file,
        )
    if any(old.HasField("layer") for old in net.layers):
        upgrade_v0(net, file)
    for old in net.layers:
        move_transform(old)
        upgrade_layer(old, net.layer.add())
    net.ClearField("layers")
    if net.input and inputs:
        upgrade_inputs(net, file)
    for name in INPUTS:
        net.ClearField(name)
    for layer in net.layer:
        if layer.type == "BatchNorm" and len(layer.param) == 3:
            # Statistics are not learned, whatever the file says.
            for spec in layer.param:
                spec.lr_mult = spec.decay_mult = 0
    return net


def move_transform(old: V1LayerParameter) -> None:
    """Moves what data layers once had themselves to `transform_param`.

    Caffe does so for layers of 2014 only; later it ignores these fields.
    """
    data = DATA.get(layer_type(old))
    if data is None or not old.HasField(data):
        return
    for name in ("scale", "mean_file", "crop_size", "mirror"):
        settings = getattr(old, data)
        if settings.HasField(name):
            setattr(old.transform_param, name, getattr(settings, name))
            settings.ClearField(name)


def upgrade_layer(old: V1LayerParameter, new: LayerParameter) -> None:
    """Copies a layer whose type was an enum."""
    new.name = old.name
    new.type = layer_type(old)
    for name in LISTS:
        getattr(new, name).MergeFrom(getattr(old, name))
    for field, value in old.ListFields():
        if field.name.endswith("_param"):
            getattr(new, field.name).CopyFrom(value)
    columns = (old.param, old.blobs_lr, old.weight_decay, old.blob_share_mode)
    wanted = max(map(len, columns))
    for index in range(wanted):
        spec = new.param.add()
        if index < len(old.param):
            spec.name = old.param[index]
        if index < len(old.blobs_lr):
            spec.lr_mult = old.blobs_lr[index]
        if index < len(old.weight_decay):
            spec.decay_mult = old.weight_decay[index]
        if index < len(old.blob_share_mode):
            spec.share_mode = old.blob_share_mode[index]


def layer_type(old: V1LayerParameter) -> str:
    """Today's name of an enum value: INNER_PRODUCT is `InnerProduct`."""
    value = old.DESCRIPTOR.fields_by_name["type"].enum_type
    name = value.values_by_number[old.type].name
    return TYPES.get(name, name.title().replace("_", ""))


def upgrade_inputs(net: NetParameter, file: str | None) -> None:
    """Moves `input`, `input_shape` and `input_dim` into an Input layer."""
    if net.input_shape:
        shapes = [list(shape.dim) for shape in net.input_shape]
    else:
        dims = list(net.input_dim)
        shapes = [dims[i : i + 4] for i in range(0, len(dims), 4)]
    # Without any the shape comes from outside, as of an Input layer.
    if shapes and (len(shapes) != len(net.input) or not all(shapes)):
        raise CaffeFormatError(
            f"declares {len(net.input)} `input` but {len(shapes)} shapes; "
            "give one `input_shape` or four `input_dim` for each",
            file,
        )
    if shapes and not net.input_shape and len(shapes[-1]) != 4:
        raise CaffeFormatError(
            f"declares {len(net.input_dim)} `input_dim`; give four for each "
            "`input`",
            file,
        )
    layer = LayerParameter(name="input", type="Input", top=net.input)
    for shape in shapes:
        layer.input_param.shape.add().dim.extend(shape)
    rest = list(net.layer)
    net.ClearField("layer")
    net.layer.append(layer)
    net.layer.extend(rest)
