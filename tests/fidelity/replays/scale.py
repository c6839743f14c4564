"""`Scale` -> `ScalarScale`, or `ChannelAffine` with a factor per channel."""

import numpy as np

from keras_hypersphere.constraints.clip_range import ClipRange
from keras_hypersphere.layers.channel_affine import ChannelAffine
from keras_hypersphere.layers.scalar_scale import ScalarScale
from tests.fidelity.recording import Recording, option
from tests.fidelity.replays.upstream import backward, stored


def replay(recording: Recording) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    z, parameter = recording, recording.layer().scale_param
    x, blob = z.float32("bottom0"), z.float32("param0")
    limits = option(parameter, "min_value"), option(parameter, "max_value")
    if blob.ndim:
        layer = ChannelAffine(gamma_constraint=ClipRange(*limits))
        layer.build(x.shape)
        weight = layer.gamma
        # It trusts what is stored, so that comes first.
        weight.assign(blob)
        stored(weight)
    else:
        low, high = limits
        layer = ScalarScale(low or high or 1.0, range=limits)
        layer.build(x.shape)
        # Several recordings begin with a stored value outside of the range.
        weight = layer.scale
        weight.assign(blob)
    result = backward(layer, [x], z["top_diff0"], [weight])
    ours = {
        "top0": result.outputs,
        "bottom_diff0": result.inputs[0],
        "param_diff0": result.variables[0],
    }
    if "param0_after" in z:
        ours["param0_after"] = stored(weight)
    return {key: (array, z[key]) for key, array in ours.items()}
