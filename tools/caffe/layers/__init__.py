"""One emitter for each Caffe layer type; importing this registers them."""

from keras_hypersphere.tools.caffe.layers import (  # noqa: F401
    activations,
    affine,
    convolution,
    data,
    deconvolution,
    dense,
    embedding,
    heads,
    losses,
    normalization,
    pooling,
    rearranging,
    reduction,
    regions,
    reshaping,
    resizing,
    response_normalization,
    sphere,
    windows,
    wiring,
)
