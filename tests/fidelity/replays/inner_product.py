"""`InnerProduct`, with and without `normalize` -> `CosineDense`."""

import numpy as np
from keras import ops

from keras_hypersphere.layers.cosine_dense import CosineDense
from tests.fidelity.recording import Recording
from tests.fidelity.replays.upstream import backward, stored


def replay(recording: Recording) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    z, parameter = recording, recording.layer().inner_product_param
    x = z.float32("bottom0")
    lead = x.shape[: parameter.axis % x.ndim]
    # A second bottom is the weights, and switches `normalize` off.
    own = "param0" in z
    blob = z.float32("param0" if own else "bottom1")
    kernel = blob if parameter.transpose else blob.T
    bias = "param1" in z
    layer = CosineDense(
        kernel.shape[1],
        normalize_inputs=False,
        normalize_kernel=parameter.normalize and own,
        use_bias=bias,
        gradient="caffe",
        epsilon=1e-12 if z.meta["emulated"] else 1e-6,
    )
    layer.build((None, kernel.shape[0]))
    layer.kernel.assign(kernel)
    variables = [layer.kernel]
    if bias:
        layer.bias.assign(z.float32("param1"))
        variables.append(layer.bias)

    arrays = {}
    for p in z.prefixes:
        result = backward(
            lambda x: layer(ops.reshape(x, (*lead, -1))),
            [x],
            z[f"{p}top_diff0"],
            variables,
        )
        ours = {"top0": result.outputs, "bottom_diff0": result.inputs[0]}
        slope = result.variables[0]
        slope = slope if parameter.transpose else slope.T
        ours["param_diff0" if own else "bottom_diff1"] = slope
        if bias:
            ours["param_diff1"] = result.variables[1]
        if f"{p}param0_after" in z:
            after = stored(layer.kernel)
            after = after if parameter.transpose else after.T
            ours["param0_after"] = after
        for key, array in ours.items():
            arrays[p + key] = (array, z[p + key])
    return arrays
