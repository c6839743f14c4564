"""Small networks in Caffe's format, written layer by layer."""

import math

import numpy as np

from keras_hypersphere.caffe_format import (
    NetParameter,
    set_blob,
    write_caffemodel,
)


class NetworkWriter:
    """Collects layers and random weights, and knows each blob's shape.

    Every method adds a layer, and returns the name of its top, which is the
    layer's own unless `top` says otherwise.
    """

    def __init__(self, *shape, seed=0):
        dims = " ".join(f"dim: {size}" for size in (1, *shape))
        self.text = f'input: "data" input_shape {{ {dims} }}\n'
        self.shapes = {"data": shape}
        self.blobs = {}
        self.random = np.random.default_rng(seed)

    def write(self, folder):
        """Returns the paths of both files."""
        net = NetParameter()
        for name, arrays in self.blobs.items():
            layer = net.layer.add(name=name)
            for array in arrays:
                set_blob(layer.blobs.add(), array)
        prototxt, caffemodel = folder / "n.prototxt", folder / "n.caffemodel"
        prototxt.write_text(self.text)
        write_caffemodel(net, caffemodel)
        return prototxt, caffemodel

    def layer(self, type, name, bottoms, settings="", shape=None, top=None):
        bottoms = [bottoms] if isinstance(bottoms, str) else bottoms
        top = top or name
        self.shapes[top] = shape or self.shapes[bottoms[0]]
        read = " ".join(f'bottom: "{bottom}"' for bottom in bottoms)
        self.text += (
            f'layer {{ name: "{name}" type: "{type}" {read} top: "{top}" '
            f"{settings} }}\n"
        )
        return top

    def normal(self, *shape, scale=1.0):
        values = self.random.standard_normal(shape, np.float32)
        return (values * np.float32(scale)).astype(np.float32)

    def conv(self, name, bottom, outputs, kernel, pad=0, stride=1, group=1,
             bias=True, top=None):  # fmt: skip
        channels, *sizes = self.shapes[bottom]
        fan = channels // group * kernel**2
        weights = self.normal(
            outputs, channels // group, kernel, kernel, scale=(2 / fan) ** 0.5
        )
        self.blobs[name] = [weights, self.normal(outputs)][: 1 + bias]
        return self.layer(
            "Convolution",
            name,
            bottom,
            f"convolution_param {{ num_output: {outputs} "
            f"kernel_size: {kernel} pad: {pad} stride: {stride} "
            f"group: {group} bias_term: {str(bias).lower()} }}",
            (outputs, *((n + 2 * pad - kernel) // stride + 1 for n in sizes)),
            top,
        )

    def relu(self, name, blob, type="ReLU"):
        """In place."""
        return self.layer(type, name, blob, top=blob)

    def pool(self, name, bottom, kernel, stride=1, pad=0, kind="MAX"):
        channels, *sizes = self.shapes[bottom]
        return self.layer(
            "Pooling",
            name,
            bottom,
            f"pooling_param {{ pool: {kind} kernel_size: {kernel} "
            f"stride: {stride} pad: {pad} }}",
            (
                channels,
                *(
                    math.ceil((n + 2 * pad - kernel) / stride) + 1
                    for n in sizes
                ),
            ),
        )

    def global_pool(self, name, bottom):
        return self.layer(
            "Pooling",
            name,
            bottom,
            "pooling_param { pool: AVE global_pooling: true }",
            (self.shapes[bottom][0], 1, 1),
        )

    def norm(self, name, bottom):
        return self.layer(
            "LRN",
            name,
            bottom,
            "lrn_param { local_size: 5 alpha: 0.01 beta: 0.75 }",
        )

    def dense(self, name, bottom, outputs):
        size = math.prod(self.shapes[bottom])
        self.blobs[name] = [
            self.normal(outputs, size, scale=size**-0.5),
            self.normal(outputs),
        ]
        return self.layer(
            "InnerProduct",
            name,
            bottom,
            f"inner_product_param {{ num_output: {outputs} }}",
            (outputs,),
        )

    def batch_norm(self, name, scale, bottom, top=None):
        """BatchNorm and Scale, in place unless `top` is given."""
        channels = self.shapes[bottom][0]
        self.blobs[name] = [
            self.normal(channels),
            self.random.uniform(0.5, 2, channels).astype(np.float32),
            np.float32([1.5]),
        ]
        self.blobs[scale] = [1 + self.normal(channels, scale=0.1),
                             self.normal(channels)]  # fmt: skip
        top = self.layer(
            "BatchNorm",
            name,
            bottom,
            "batch_norm_param { use_global_stats: true }",
            top=top or bottom,
        )
        return self.layer(
            "Scale", scale, top, "scale_param { bias_term: true }", top=top
        )

    def concat(self, name, bottoms):
        channels = sum(self.shapes[bottom][0] for bottom in bottoms)
        shape = (channels, *self.shapes[bottoms[0]][1:])
        return self.layer("Concat", name, bottoms, shape=shape)
