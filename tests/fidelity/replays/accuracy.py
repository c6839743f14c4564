"""`Accuracy` -> Keras's metrics, as a user calls them."""

import keras
import numpy as np
from keras import ops

from tests.fidelity.recording import Recording


def replay(recording: Recording) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    z, settings = recording, recording.layer().accuracy_param
    scores = np.moveaxis(z.float32("bottom0"), settings.axis, -1)
    scores = scores.reshape(-1, scores.shape[-1])
    if settings.min_is_better:
        scores = -scores
    labels = z.labels("bottom1")
    weights = np.ones(len(labels), "float32")
    if "bottom2" in z:
        # Caffe counts a sample or leaves it out; the weights are 0 and 1.
        weights = z.float32("bottom2").ravel()
    if settings.HasField("ignore_label"):
        weights = weights * (labels != settings.ignore_label)

    def accuracy(weights):
        if settings.top_k == 1:
            metric = keras.metrics.SparseCategoricalAccuracy()
        else:
            metric = keras.metrics.SparseTopKCategoricalAccuracy(settings.top_k)
        metric.update_state(labels, scores, sample_weight=weights)
        return ops.convert_to_numpy(metric.result())

    arrays = {"top0": (accuracy(weights), z["top0"])}
    if "top1" in z:
        # One class at a time: the samples of the others weigh nothing.
        classes = range(scores.shape[-1])
        each = [accuracy(weights * (labels == c)) for c in classes]
        arrays["top1"] = (np.array(each), z["top1"])
    return arrays
