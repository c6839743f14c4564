"""The authors' heads: layer by layer, and as one of our heads.

`network.replay` compares every blob. Where a head of ours is what the whole
recorded net means, its numbers take the place of those of the single layers.
"""

from collections.abc import Callable, Sequence
from fnmatch import fnmatchcase
from typing import Any

import keras
import numpy as np

from keras_hypersphere.layers.agent_contrastive import AgentContrastive
from keras_hypersphere.layers.agent_triplet import AgentTriplet
from keras_hypersphere.layers.am_softmax import AMSoftmax
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.layers.flip_concat import FlipConcat
from keras_hypersphere.layers.max_feature_map import MaxFeatureMap
from keras_hypersphere.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from keras_hypersphere.testing.gradients import Gradients, gradients
from tests.fidelity.recording import Recording, option
from tests.fidelity.replays import general_triplet, network
from tests.fidelity.replays.counterpart_layers import EPSILON
from tests.fidelity.replays.upstream import backward, stored

Arrays = dict[str, np.ndarray]


def replay(recording: Recording) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    arrays = network.replay(recording)
    for pattern, whole in WHOLE.items():
        if fnmatchcase(recording.name, pattern):
            for key, array in whole(recording).items():
                # In the test phase there are no gradients.
                if key in recording:
                    reference = recording[key]
                    arrays[key] = (array.reshape(reference.shape), reference)
    return arrays


def train(z: Recording, loss: Callable, weights: Sequence[Any]) -> Gradients:
    """Differentiates what `loss(features, labels, training)` returns."""
    name, label = z.meta["inputs"]
    labels = z.labels(f"input_{label}")
    training = z.meta["phase"] == "TRAIN"
    return gradients(
        lambda x: loss(x, labels, training),
        [z.float32(f"input_{name}")],
        weights,
    )


def filled(head: Any, d: int, *values: tuple[str, np.ndarray]) -> Any:
    """A built head with the recorded weights."""
    head.build((None, d))
    for name, value in values:
        getattr(head, name).assign(value)
    return head


def am_softmax(z: Recording) -> Arrays:
    kernel = z.float32("param_cos_0")
    head = AMSoftmax(
        len(kernel),
        margin=-z.layer("margin").label_specific_add_param.bias,
        scale=float(z["param_scale_0"]),
        gradient="caffe",
    )
    filled(head, kernel.shape[1], ("kernel", kernel.T))

    def loss(x, labels, training):
        logits = head(x, labels=labels, training=training)
        return SoftmaxCrossEntropy()(labels, logits), logits

    result = train(z, loss, [head.kernel])
    return {
        "loss": result.value,
        "blob_cosms": result.outputs,
        "diff_feat": result.inputs[0],
        "param_diff_cos_0": result.variables[0].T,
        "param_cos_0_after": stored(head.kernel).T,
    }


def scaled_cosine(z: Recording) -> Arrays:
    kernel = z.float32("param_cosine_layer_0")
    low = option(z.layer("cosine_scale").scale_param, "min_value")
    head = CosineDense(
        len(kernel),
        scale=low,
        learn_scale=True,
        scale_range=(low, None),
        gradient="caffe",
        epsilon=EPSILON,
    )
    filled(head, kernel.shape[1], ("kernel", kernel.T))
    # Some recordings begin below the limit; this head trusts what is stored.
    head.learned_scale.assign(z.float32("param_cosine_scale_0"))
    stored(head.learned_scale)

    def loss(x, labels, training):
        logits = head(x)
        return SoftmaxCrossEntropy()(labels, logits), logits

    result = train(z, loss, [head.kernel, head.learned_scale])
    by_kernel, by_scale = result.variables
    return {
        "loss": result.value,
        "blob_cosine": result.outputs,
        "diff_last_ip_layer": result.inputs[0],
        "param_diff_cosine_layer_0": by_kernel.T,
        "param_diff_cosine_scale_0": by_scale,
        "param_cosine_layer_0_after": stored(head.kernel).T,
    }


def agents(z: Recording, head: Any, blob: str, distances: str) -> Arrays:
    """A head whose added loss is all there is."""
    kernel = z.float32(f"param_{blob}_0")
    filled(head, kernel.shape[1], ("kernel", kernel))

    def loss(x, labels, training):
        outputs = head(x, labels=labels, training=training)
        (added,) = head.losses
        return added, outputs

    result = train(z, loss, [head.kernel])
    features = z.meta["inputs"][0]
    return {
        "blob_contrastive_loss": result.value,
        "blob_loss": result.value,
        f"blob_{distances}": -result.outputs,
        f"diff_{features}": result.inputs[0],
        f"param_diff_{blob}_0": result.variables[0],
        f"param_{blob}_0_after": stored(head.kernel),
    }


def contrastive(z: Recording) -> Arrays:
    blob = "normalized_Euclidean"
    units = len(z[f"param_{blob}_0"])
    head = AgentContrastive(units, gradient="caffe", epsilon=EPSILON)
    return agents(z, head, blob, blob)


def digits(z: Recording) -> Arrays:
    """Agents that are normalized by a layer: the derivative throughout."""
    head = AgentContrastive(len(z["param_id_weight_0"]), epsilon=EPSILON)
    return agents(z, head, "id_weight", "ip2")


def triplet(z: Recording) -> Arrays:
    options = general_triplet.arguments(
        z.layer("triplet_loss").general_triplet_loss_param
    )
    units = len(z["param_id_weight_l2_0"])
    head = AgentTriplet(units, epsilon=EPSILON, **options)
    return agents(z, head, "id_weight_l2", "normalized_Euclidean")


def combined(z: Recording) -> Arrays:
    """Two heads side by side, as NormFace trained them at last."""
    near, cosines = z.float32("param_id_weight_l2_0"), z["param_id_weight_ip_0"]
    units, d = near.shape
    agent = AgentContrastive(units, loss_weight=0.01, epsilon=EPSILON)
    dense = CosineDense(
        units,
        scale=float(z["param_cosine_scale_0"]),
        learn_scale=True,
        epsilon=EPSILON,
    )
    filled(agent, d, ("kernel", near))
    filled(dense, d, ("kernel", cosines.T))

    def loss(x, labels, training):
        distances = -agent(x, labels=labels, training=training)
        (added,) = agent.losses
        logits = dense(x)
        entropy = SoftmaxCrossEntropy()(labels, logits)
        return entropy + added, [entropy, distances, logits]

    weights = [agent.kernel, dense.kernel, dense.learned_scale]
    result = train(z, loss, weights)
    entropy, distances, logits = result.outputs
    by_agents, by_kernel, by_scale = result.variables
    return {
        "blob_softmax_loss": entropy,
        "blob_euclidean": distances,
        "blob_cosine": logits,
        "diff_last_ip_layer": result.inputs[0],
        "param_diff_id_weight_l2_0": by_agents,
        "param_diff_id_weight_ip_0": by_kernel.T,
        "param_diff_cosine_scale_0": by_scale,
    }


def mirror_face(z: Recording) -> Arrays:
    """Images and mirror images through one backbone, the larger feature."""
    kernel, dense = z.float32("param_conv1_0"), z.float32("param_fc1_0")
    images = z.float32("input_data").transpose(0, 2, 3, 1)
    conv = keras.layers.Conv2D(len(kernel), kernel.shape[2], padding="same")
    fc = keras.layers.Dense(len(dense))
    backbone = keras.Sequential(
        [
            keras.Input(images.shape[1:]),
            conv,
            MaxFeatureMap(),
            keras.layers.MaxPooling2D(),
            # Caffe flattens channels first.
            keras.layers.Permute((3, 1, 2)),
            keras.layers.Flatten(),
            fc,
        ]
    )
    conv.set_weights([kernel.transpose(2, 3, 1, 0), z["param_conv1_1"]])
    fc.set_weights([dense.T, z["param_fc1_1"]])
    model = FlipConcat(backbone, merge="max")
    weights = [conv.kernel, conv.bias, fc.kernel, fc.bias]
    result = backward(model, [images], z["top_diff_feat"], weights)
    by_conv, by_bias, by_fc, by_fc_bias = result.variables
    return {
        "blob_feat": result.outputs,
        "diff_data": result.inputs[0].transpose(0, 3, 1, 2),
        "param_diff_conv1_0": by_conv.transpose(3, 2, 0, 1),
        "param_diff_conv1_1": by_bias,
        "param_diff_fc1_0": by_fc.T,
        "param_diff_fc1_1": by_fc_bias,
    }


WHOLE = {
    "head_am_softmax_*": am_softmax,
    "head_scaled_cosine_softmax_*": scaled_cosine,
    "head_normalized_euclidean_contrastive_*": contrastive,
    "head_normalized_euclidean_triplet_*": triplet,
    "head_mnist_lenet_contrastive_*": digits,
    "head_combine_softmax_contrastive_*": combined,
    "head_mirror_face_*": mirror_face,
}
