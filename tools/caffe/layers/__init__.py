"""One emitter for each Caffe layer type; importing this registers them."""

from keras_hypersphere.tools.caffe.layers import (  # noqa: F401
    activations,
    convolution,
    data,
    dense,
    normalization,
    pooling,
    rearranging,
    reduction,
    reshaping,
    wiring,
)
