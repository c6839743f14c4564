"""Three networks at their full size: as prototxt, as weights, by hand in Keras.

Written as rows `(kind, name, bottoms, settings)` after the tables of the
papers, so that Caffe's text and the Keras model come from the same place.
Weights are random. Used by `convert.py`.
"""

from pathlib import Path
from typing import Any

import numpy as np

Row = tuple[str, str, tuple[str, ...], dict[str, int]]


class Rows:
    """Collects the layers of a network.

    Args:
        shape: Channels, height and width of the input `data`.
    """

    def __init__(self, shape: tuple[int, int, int]) -> None:
        self.shape = shape
        self.rows: list[Row] = []
        self.last = "data"

    def add(self, kind: str, name: str, *others: str, **settings: int) -> str:
        """Puts a layer after the last one."""
        self.rows.append((kind, name, (self.last, *others), settings))
        self.last = name
        return name

    def conv(self, name: str, filters: int, stride: int, pad: int) -> None:
        """A convolution of 3 x 3 cells and its PReLU."""
        self.add("conv", f"conv{name}", filters=filters, stride=stride, pad=pad)
        self.add("prelu", f"relu{name}")

    def residual(self, stage: int, first: int, filters: int) -> None:
        """Two convolutions and a shortcut around them."""
        before = self.last
        for number in (first, first + 1):
            self.conv(f"{stage}_{number}", filters, 1, 1)
        self.add("sum", f"res{stage}_{first + 1}", before)


def sphereface20() -> Rows:
    """SphereFace's 20 layers, for 112 x 96 faces: 90 MB."""
    net = Rows((3, 112, 96))
    for stage, (filters, blocks) in enumerate(
        [(64, 1), (128, 2), (256, 4), (512, 1)], start=1
    ):
        net.conv(f"{stage}_1", filters, 2, 1)
        for block in range(blocks):
            net.residual(stage, 2 + 2 * block, filters)
    net.add("dense", "fc5", units=512)
    return net


def centerface() -> Rows:
    """The network of the center loss, for 112 x 96 faces: 110 MB."""
    net = Rows((3, 112, 96))
    net.conv("1a", 32, 1, 0)
    net.conv("1b", 64, 1, 0)
    net.add("pool", "pool1b")
    for stage, (filters, blocks) in enumerate(
        [(64, 1), (128, 2), (256, 5), (512, 3)], start=2
    ):
        for block in range(blocks):
            net.residual(stage, 1 + 2 * block, filters)
        if stage < 5:
            net.conv(f"{stage}", 2 * filters, 1, 0)
            net.add("pool", f"pool{stage}")
    net.add("dense", "fc5", units=512)
    return net


def vgg16() -> Rows:
    """VGG's 16 layers and 1,000 classes: 553 MB."""
    net = Rows((3, 224, 224))
    for stage, (filters, count) in enumerate(
        [(64, 2), (128, 2), (256, 3), (512, 3), (512, 3)], start=1
    ):
        for number in range(1, count + 1):
            name = f"conv{stage}_{number}"
            net.add("conv", name, filters=filters, stride=1, pad=1)
            net.add("relu", f"relu{stage}_{number}")
        net.add("pool", f"pool{stage}")
    for name, units in (("fc6", 4096), ("fc7", 4096)):
        net.add("dense", name, units=units)
        net.add("relu", f"relu_{name}")
    net.add("dense", "fc8", units=1000)
    return net


NETWORKS = {
    "SphereFace-20": sphereface20,
    "CenterFace": centerface,
    "VGG-16": vgg16,
}
CAFFE = {
    "conv": "Convolution",
    "dense": "InnerProduct",
    "pool": "Pooling",
    "prelu": "PReLU",
    "relu": "ReLU",
    "sum": "Eltwise",
}


def write(net: Rows, folder: Path) -> tuple[Path, Path]:
    """Writes net.prototxt and net.caffemodel."""
    from keras_hypersphere import caffe_format

    message = caffe_format.NetParameter(name="net")
    first = message.layer.add(name="data", type="Input", top=["data"])
    first.input_param.shape.add().dim.extend((1, *net.shape))
    draw = np.random.default_rng(0)
    shapes = {"data": net.shape}
    for kind, name, bottoms, settings in net.rows:
        layer = message.layer.add(
            name=name, type=CAFFE[kind], bottom=bottoms, top=[name]
        )
        channels, *sides = shapes[bottoms[0]]
        blobs = []
        if kind == "conv":
            filters, stride, pad = settings.values()
            layer.convolution_param.num_output = filters
            layer.convolution_param.kernel_size.append(3)
            layer.convolution_param.stride.append(stride)
            layer.convolution_param.pad.append(pad)
            sides = [(side + 2 * pad - 3) // stride + 1 for side in sides]
            blobs = [(filters, channels, 3, 3), (filters,)]
            channels = filters
        elif kind == "dense":
            units = settings["units"]
            layer.inner_product_param.num_output = units
            blobs = [(units, int(np.prod([channels, *sides]))), (units,)]
            channels, sides = units, []
        elif kind == "pool":
            layer.pooling_param.kernel_size = layer.pooling_param.stride = 2
            sides = [-(-side // 2) for side in sides]
        elif kind == "prelu":
            blobs = [(channels,)]
        shapes[name] = (channels, *sides)
        for shape in blobs:
            values = draw.standard_normal(shape, "float32")
            caffe_format.set_blob(layer.blobs.add(), values * 0.01)
    model = folder / "net.caffemodel"
    caffe_format.write_caffemodel(message, model)
    for layer in message.layer:
        layer.ClearField("blobs")
    prototxt = folder / "net.prototxt"
    caffe_format.write_prototxt(message, prototxt)
    return prototxt, model


def build(net: Rows) -> Any:
    """The same network as one writes it in Keras."""
    from keras import Input, Model, layers

    channels, height, width = net.shape
    tensors = {"data": Input((height, width, channels), name="data")}
    for kind, name, bottoms, settings in net.rows:
        inputs = [tensors[bottom] for bottom in bottoms]
        x = inputs[0]
        if kind == "conv":
            if settings["pad"]:
                x = layers.ZeroPadding2D(settings["pad"])(x)
            layer = layers.Conv2D(
                settings["filters"], 3, settings["stride"], name=name
            )
        elif kind == "dense":
            if len(x.shape) == 4:
                x = layers.Flatten()(layers.Permute((3, 1, 2))(x))
            layer = layers.Dense(settings["units"], name=name)
        elif kind == "pool":
            layer = layers.MaxPooling2D(2, padding="same", name=name)
        elif kind == "prelu":
            layer = layers.PReLU(shared_axes=[1, 2], name=name)
        elif kind == "relu":
            layer = layers.ReLU(name=name)
        else:
            x, layer = inputs, layers.Add(name=name)
        tensors[name] = layer(x)
    return Model(tensors["data"], tensors[net.last])
