"""Every backbone of the zoo, built once and without memory for its weights."""

import contextlib
import functools

import keras

from keras_hypersphere import zoo

CAFFE = (
    "SphereFace4",
    "SphereFace10",
    "SphereFace20",
    "SphereFace36",
    "SphereFace64",
    "CenterFace",
    "LightCNNA",
    "LightCNNB",
    "LightCNN9",
    "LeNetPlusPlus",
)
OTHERS = (
    "LightCNN29",
    "LightCNN29V2",
    "FaceNetNN1",
    "FaceNetNN2",
    "FaceNetNN3",
    "FaceNetNN4",
    "FaceNetNNS1",
    "FaceNetNNS2",
    "InceptionResNetV1",
    "MobileFaceNet",
    "SFace",
)
NAMES = CAFFE + OTHERS
FUNCTIONS = {name: getattr(zoo, name) for name in NAMES}
# One of each way of building.
KINDS = (
    "SphereFace4",
    "CenterFace",
    "LightCNNA",
    "LightCNN9",
    "LeNetPlusPlus",
    "LightCNN29V2",
    "FaceNetNN1",
    "FaceNetNNS2",
    "InceptionResNetV1",
    "MobileFaceNet",
    "SFace",
)


def weightless():
    """A scope in which layers have shapes and no numbers.

    NN1 alone would take half a gigabyte and a quarter of a minute.
    """
    return keras.StatelessScope(initialize_variables=False)


@functools.cache
def build(architecture, **arguments):
    """A network to look at; it cannot run."""
    with weightless():
        return FUNCTIONS[architecture](**arguments)


def forget():
    """Keras remembers what has no numbers, to fill it later."""
    build.cache_clear()
    keras.utils.clear_session()


@contextlib.contextmanager
def forgotten():
    """For a fixture of a module."""
    try:
        yield
    finally:
        forget()
