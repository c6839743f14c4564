"""Where a network begins."""

import keras

from keras_hypersphere.tools.caffe.building.conversion_context import (
    MOST_VALUES,
    Emission,
    Tensor,
)
from keras_hypersphere.tools.caffe.layer_type import (
    LayerType,
    declare_layer,
    register_layer,
)

for name, message in (
    # Of forks: SSD, SegNet, PSPNet, MobileNet-YOLO, MS-CNN, Cascade R-CNN.
    ("AnnotatedData", "data_param"),
    ("DenseImageData", "dense_image_data_param"),
    ("DetectionData", None),
    ("EvalData", None),
    ("ImageGtData", None),
    ("ImageSegData", "image_data_param"),
    ("LaneData", "data_param"),
    ("VideoData", "data_param"),
    ("Data", "data_param"),
    ("DummyData", "dummy_data_param"),
    ("HDF5Data", "hdf5_data_param"),
    ("ImageData", "image_data_param"),
    ("MemoryData", "memory_data_param"),
    ("WindowData", "window_data_param"),
):
    declare_layer(LayerType(name, message=message, is_data=True))


@register_layer("Input", message="input_param")
def input_layer(layer: Emission, inputs: list[Tensor]) -> list[Tensor]:
    """`Input`, with a free batch size; also `input` and `input_dim`."""
    layer.expect(inputs, 0)
    shapes = layer.parameter.input_param.shape
    tops = layer.parameter.top
    if len(shapes) not in (1, len(tops)):
        layer.fail(
            f"gives {len(shapes)} shapes for {len(tops)} tops; give one, or "
            "one for each"
        )
    for index, name in enumerate(layer.top_names):
        shape = tuple(shapes[index % len(shapes)].dim)
        count = 1
        for size in shape:
            count *= size
            if size < 1 or count > MOST_VALUES:
                layer.fail(
                    f"has the shape {shape}; each axis must be 1 or more"
                )
        if not shape:
            layer.unsupported("an input without axes is not supported")
        top = layer.parameter.top[index]
        # Caffe fixes the batch; Keras leaves it free.
        count, *rest = shape
        if len(rest) == 3:
            rest = rest[1:] + rest[:1]
        layer.inputs_made.append(
            keras.Input(
                batch_shape=(count if top in layer.fixed else None, *rest),
                name=name,
                dtype="int32" if top in layer.whole else None,
            )
        )
    return layer.inputs_made
