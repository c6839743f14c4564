"""Networks that are deeper than Python's limit of calls in calls."""

import sys
import warnings
from collections.abc import Callable

import keras

from keras_hypersphere.tools.caffe.errors import UnsupportedLayerError
from keras_hypersphere.tools.caffe.network.graph import MOST_CALLS


def follow(make: Callable[[], keras.Model], file: str | None) -> keras.Model:
    """What makes or loads a model; the limit is raised if it is too low.

    Args:
        make: Called without arguments, and again if need be.
        file: Named in messages.

    Raises:
        UnsupportedLayerError: If the limit has been raised already.
    """
    try:
        return make()
    except RecursionError as error:
        limit = sys.getrecursionlimit()
        words = (
            "has more layers in a row than Keras follows under Python's limit "
            f"of {limit} calls; "
        )
        if limit >= MOST_CALLS:
            raise UnsupportedLayerError(
                words + "raise it by sys.setrecursionlimit, here and where "
                "the model is loaded",
                file,
            ) from error
        warnings.warn(
            f"{file or 'the network'}: {words}it is {MOST_CALLS} from now on: "
            f"call sys.setrecursionlimit({MOST_CALLS}) where the model is "
            "loaded too",
            stacklevel=3,
        )
        sys.setrecursionlimit(MOST_CALLS)
    return make()
