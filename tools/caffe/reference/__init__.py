"""What each Caffe layer computes, in NumPy and float64.

One function for each layer type, from bottoms to tops, in Caffe's own order of
axes. Nothing here is shared with the converters of `layers/`: the two are held
against each other, and both against recordings of real Caffe.
"""

from keras_hypersphere.tools.caffe.reference import (  # noqa: F401
    activations,
    agents,
    convolution,
    dense,
    detection,
    losses,
    normalization,
    pooling,
    reduction,
    resampling,
    reshaping,
    sphere,
    wiring,
)
from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer
from keras_hypersphere.tools.caffe.reference.registry import (
    referenced_layers,
    register_reference,
)
from keras_hypersphere.tools.caffe.reference.run import run_reference

__all__ = [
    "ReferenceLayer",
    "referenced_layers",
    "register_reference",
    "run_reference",
]
