"""What each Caffe layer computes, in NumPy and float64.

The function of a layer type stands in its file in `layers/`, from bottoms to
tops, in Caffe's own order of axes. It shares nothing with the type's
converter: the two are compared with each other, and both with recordings of
real Caffe.
"""

from keras_hypersphere.tools.caffe.reference.layer import ReferenceLayer
from keras_hypersphere.tools.caffe.reference.run import run_reference

__all__ = ["ReferenceLayer", "run_reference"]
