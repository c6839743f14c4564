"""The recorded solver's six steps, by `fit` of a `MarginModel`."""

import keras
import numpy as np
import pytest

from keras_hypersphere.layers.agent_contrastive import AgentContrastive
from keras_hypersphere.layers.agent_triplet import AgentTriplet
from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.center_loss import CenterLoss
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.models.margin_model import MarginModel
from tests.fidelity.ledger import TOLERANCE, error
from tests.fidelity.recording import load
from tests.fidelity.replays import general_triplet
from tests.fidelity.replays.counterpart_layers import EPSILON
from tests.fidelity.replays.margin_head import annealing, margin
from tests.fidelity.replays.trajectories import solver
from tests.fidelity.replays.upstream import stored

# Seed 0 has momentum and decay, seed 1 a rate that falls.
# Recording -> for each weight of the head: Caffe's blob, and our attribute.
WEIGHTS = {
    "traj_a_softmax_ms_s1": {"fc6_0": "kernel"},
    "traj_a_softmax_sphereface_s0": {"fc6_0": "kernel"},
    "traj_scaled_cosine_softmax_ms_s0": {
        "cosine_layer_0": "kernel",
        "cosine_scale_0": "learned_scale",
    },
    "traj_normalized_Euclidean_contrastive_ms_s1": {
        "normalized_Euclidean_0": "kernel"
    },
    "traj_normalized_Euclidean_triplet_ms_s0": {"id_weight_l2_0": "kernel"},
    "traj_center_loss_caffeface_s1": {"center_loss_0": "centers"},
}


def head_of(z):
    """The head, and its layer whose blobs the table above names."""
    (last,) = [x for x in z.net.layer if x.type in MAKERS]
    return MAKERS[last.type](z, last)


def a_softmax(z, layer):
    settings = layer.margin_inner_product_param
    return [
        ASoftmax(
            settings.num_output,
            margin=margin(settings),
            annealing=annealing(settings),
            gradient="caffe",
        )
    ]


def scaled_cosine(z, layer):
    low = layer.scale_param.min_value
    return [
        CosineDense(
            z["init_cosine_layer_0"].shape[0],
            scale=float(z["init_cosine_scale_0"]),
            learn_scale=True,
            scale_range=(low, None),
            gradient="caffe",
            epsilon=EPSILON,
        )
    ]


def contrastive(z, layer):
    units = len(z["init_normalized_Euclidean_0"])
    return [AgentContrastive(units, gradient="caffe", epsilon=EPSILON)]


def triplet(z, layer):
    options = general_triplet.arguments(layer.general_triplet_loss_param)
    units = len(z["init_id_weight_l2_0"])
    return [AgentTriplet(units, epsilon=EPSILON, **options)]


def centers(z, layer):
    units = layer.center_loss_param.num_output
    center = CenterLoss(
        units, loss_weight=layer.loss_weight[0], gradient="caffe"
    )
    return [center, keras.layers.Dense(units, name="fc6")]


MAKERS = {
    "MarginInnerProduct": a_softmax,
    "Scale": scaled_cosine,
    "GeneralContrastiveLoss": contrastive,
    "GeneralTripletLoss": triplet,
    "CenterLoss": centers,
}


def transposed(attribute, layer):
    """Whether Caffe's blob is ours transposed: agents and centers are not."""
    return attribute == "kernel" and not hasattr(layer, "distance")


@pytest.mark.parametrize(("name", "weights"), WEIGHTS.items())
def test_fit_follows_the_solver(name, weights):
    z = load(name)
    fc5 = keras.layers.Dense(z["init_fc5_0"].shape[0], name="fc5")
    backbone = keras.Sequential([keras.Input((12,)), fc5])
    first, *rest = head_of(z)
    model = MarginModel(backbone, [first, *rest] if rest else first)
    x = np.concatenate([z.float32(f"{p}data") for p in z.prefixes])
    y = np.concatenate([z.labels(f"{p}label") for p in z.prefixes])
    model(x[:10])

    # Caffe's blob, our weight, and how one lies in the other.
    pairs = [("fc5_0", fc5.kernel, True), ("fc5_1", fc5.bias, False)]
    for dense in rest:
        pairs += [("fc6_0", dense.kernel, True), ("fc6_1", dense.bias, False)]
    for blob, attribute in weights.items():
        weight = getattr(first, attribute)
        pairs.append((blob, weight, transposed(attribute, first)))
    multipliers = {}
    for blob, weight, flipped in pairs:
        value = z.float32(f"init_{blob}")
        weight.assign(value.T if flipped else value)
        stored(weight)
        layer, index = blob.rsplit("_", 1)
        spec = z.layer(layer).param
        if len(spec) > int(index):
            found = spec[int(index)]
            multipliers[weight.path] = (found.lr_mult, found.decay_mult)
    model.compile(solver(z, multipliers))
    model.fit(x, y, batch_size=10, epochs=1, shuffle=False, verbose=0)

    for blob, weight, flipped in pairs:
        theirs = z[f"s5_param_{blob}"]
        theirs = theirs.T if flipped else theirs
        if weight.constraint is not None:
            # What Caffe's next forward makes of it.
            theirs = keras.ops.convert_to_numpy(weight.constraint(theirs))
        ours = keras.ops.convert_to_numpy(weight)
        assert error(ours, theirs) <= TOLERANCE, blob
