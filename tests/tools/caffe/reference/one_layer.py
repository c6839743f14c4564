"""Networks of one layer, and a converted one and its reference."""

import numpy as np

from keras_hypersphere.caffe_format import (
    NetParameter,
    set_blob,
    write_caffemodel,
)
from keras_hypersphere.tools.caffe import to_keras, verify


def prototxt(type, settings="", shapes=((2, 6, 5, 7),), tops=1):
    """One layer, whose bottoms are inputs x0, x1 ..."""
    text = ""
    for index, shape in enumerate(shapes):
        dims = " ".join(f"dim: {size}" for size in shape)
        text += f'input: "x{index}" input_shape {{ {dims} }}\n'
    bottoms = " ".join(f'bottom: "x{i}"' for i in range(len(shapes)))
    made = " ".join(f'top: "y{i}"' for i in range(tops))
    return text + (
        f'layer {{ name: "n" type: "{type}" {bottoms} {made} {settings} }}'
    )


def check_converter(case, write, phase):
    """A model of one layer and its reference, on noise."""
    type, settings, shapes, blobs, tops = case
    path = write(prototxt(type, settings, shapes, tops))
    net = NetParameter()
    layer = net.layer.add(name="n", type=type)
    random = np.random.default_rng(0)
    for shape in blobs:
        set_blob(layer.blobs.add(), random.normal(size=shape))
    caffemodel = None
    if blobs:
        caffemodel = path + ".caffemodel"
        write_caffemodel(net, caffemodel)
    model = to_keras(path, caffemodel, phase=phase)
    report = verify(model, path, caffemodel, phase=phase)
    assert report.passed, report
    for row in report.rows:
        # One number has no range; a rounding of float32 is 1e-5 of it.
        assert row.relative < (5e-5 if np.prod(row.shape) == 1 else 1e-5), (
            report
        )
