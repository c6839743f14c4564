"""`Normalize` -> `NormalizeLayer`."""

import numpy as np

from keras_hypersphere.layers.normalize_layer import NormalizeLayer
from tests.fidelity.recording import Recording
from tests.fidelity.replays.upstream import backward


def replay(recording: Recording) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    z, parameter = recording, recording.layer().normalize_param
    gpu = z.meta["emulated"]
    kind = parameter.normalize_type.lower()
    norms = "top1" in z
    layer = NormalizeLayer(
        axis=1,
        norm=kind,
        # The two codes of the original differ, for L2 only.
        epsilon=1e-12 if gpu and kind == "l2" else 1e-6,
        # The CPU code ignores `fix_gradient`.
        gradient="fixed" if gpu and parameter.fix_gradient else "exact",
        return_norm=norms,
        norm_gradient=parameter.bp_norm,
    )
    upstream = z.float32("top_diff0")
    if norms:
        # A transcribed kernel without `bp_norm` has no second gradient.
        second = "top_diff1" in z
        upstream = [
            upstream,
            z.float32("top_diff1") if second else 0 * z.float32("top1"),
        ]
    result = backward(layer, [z.float32("bottom0")], upstream)
    tops = result.outputs if norms else [result.outputs]
    ours = {f"top{i}": top for i, top in enumerate(tops)}
    ours["bottom_diff0"] = result.inputs[0]
    # Caffe's tops have four dimensions whatever the bottom has.
    return {key: (x.reshape(z[key].shape), z[key]) for key, x in ours.items()}
