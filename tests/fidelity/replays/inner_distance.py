"""`InnerDistance` -> the layer of that name."""

import numpy as np

from keras_hypersphere.layers.inner_distance import InnerDistance
from tests.fidelity.recording import Recording
from tests.fidelity.replays.upstream import backward, stored


def replay(recording: Recording) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    z, parameter = recording, recording.layer().inner_distance_param
    x = z.float32("bottom0")
    x = x.reshape(len(x), -1)
    # The weights are the layer's own, or its second bottom.
    own = "param0" in z
    blob = z.float32("param0" if own else "bottom1")
    layer = InnerDistance(
        # A transposed blob is read in its memory's order.
        blob.size // x.shape[1],
        distance={"L2": "squared-l2", "L1": "l1"}[parameter.distance_type],
        normalize_kernel=parameter.normalize,
        update_center_only=parameter.update_center_only,
        gradient="caffe",
        epsilon=0.0 if z.meta["emulated"] else 1e-6,
    )
    layer.build(x.shape)
    layer.kernel.assign(blob.reshape(layer.kernel.shape))
    labels = z.labels("bottom2") if parameter.update_center_only else None
    result = backward(
        lambda x: layer(x, labels), [x], z["top_diff0"], [layer.kernel]
    )
    ours = {
        "top0": result.outputs,
        "bottom_diff0": result.inputs[0].reshape(z["bottom_diff0"].shape),
        "param_diff0" if own else "bottom_diff1": result.variables[0],
    }
    if "param0_after" in z:
        ours["param0_after"] = stored(layer.kernel)
    shape = blob.shape
    return {
        key: (x.reshape(shape) if x.size == blob.size else x, z[key])
        for key, x in ours.items()
    }
