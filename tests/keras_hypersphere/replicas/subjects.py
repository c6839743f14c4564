"""Every head and loss, and the ways in which they train."""

import keras
import numpy as np

from keras_hypersphere.layers.ada_face import AdaFace
from keras_hypersphere.layers.agent_contrastive import AgentContrastive
from keras_hypersphere.layers.agent_triplet import AgentTriplet
from keras_hypersphere.layers.am_softmax import AMSoftmax
from keras_hypersphere.layers.arc_face import ArcFace
from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.layers.center_loss import CenterLoss
from keras_hypersphere.layers.cosine_dense import CosineDense
from keras_hypersphere.layers.curricular_face import CurricularFace
from keras_hypersphere.layers.elastic_face import ElasticFace
from keras_hypersphere.layers.inner_distance import InnerDistance
from keras_hypersphere.layers.l_softmax import LSoftmax
from keras_hypersphere.layers.mag_face import MagFace
from keras_hypersphere.layers.sphere_face_2 import SphereFace2
from keras_hypersphere.losses.agent_contrastive_loss import (
    AgentContrastiveLoss,
)
from keras_hypersphere.losses.agent_triplet_loss import AgentTripletLoss
from keras_hypersphere.losses.pair_contrastive_loss import PairContrastiveLoss
from keras_hypersphere.losses.softmax_cross_entropy import SoftmaxCrossEntropy
from keras_hypersphere.models import head_connection
from keras_hypersphere.models.headed_model import with_head
from keras_hypersphere.models.margin_model import MarginModel
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing

CLASSES = 4
SIZE = 5
# From a weak margin to a strong one within the steps of a test.
ANNEALING = LambdaAnnealing(base=5.0, gamma=0.5, power=1.0, minimum=0.5)
EVERYTHING = {
    "adaptive_margin": True,
    "normalize_negative": 0.5,
    "max_positive_only": True,
    "max_negative_only": True,
    "positive_first": True,
    "negative_margin": 1.5,
}


def centers(gradient, loss_weight):
    return CenterLoss(
        CLASSES,
        loss_weight=loss_weight,
        gradient=gradient,
        center_initializer=keras.initializers.RandomNormal(seed=3),
    )


def margin_head(cls, gradient):
    return cls(CLASSES, gradient=gradient, annealing=ANNEALING)


HEADS = {
    "asoftmax": lambda: margin_head(ASoftmax, "exact"),
    "asoftmax_caffe": lambda: margin_head(ASoftmax, "caffe"),
    "am_softmax": lambda: AMSoftmax(CLASSES, scale=8.0),
    "am_softmax_caffe": lambda: AMSoftmax(
        CLASSES, scale=8.0, margin=0.2, gradient="caffe"
    ),
    "arc_face": lambda: ArcFace(CLASSES, scale=8.0),
    "arc_face_caffe": lambda: ArcFace(
        CLASSES, scale=8.0, gradient="caffe", easy_margin=True
    ),
    "ada_face": lambda: AdaFace(CLASSES, scale=8.0, momentum=0.2),
    "curricular_face": lambda: CurricularFace(CLASSES, scale=8.0, momentum=0.2),
    "elastic_face": lambda: ElasticFace(CLASSES, scale=8.0, plus=True, seed=0),
    "mag_face": lambda: MagFace(CLASSES, scale=8.0, norm_range=(0.5, 9.0)),
    "sphere_face_2": lambda: SphereFace2(CLASSES, scale=8.0),
    "l_softmax": lambda: margin_head(LSoftmax, "exact"),
    "l_softmax_caffe": lambda: margin_head(LSoftmax, "caffe"),
    "cosine_dense": lambda: CosineDense(
        CLASSES, scale=8.0, learn_scale=True, use_bias=True
    ),
    "cosine_dense_caffe": lambda: CosineDense(
        CLASSES, scale=8.0, gradient="caffe"
    ),
    "inner_distance": lambda: InnerDistance(CLASSES),
    "inner_distance_caffe": lambda: InnerDistance(
        CLASSES, distance="l1", gradient="caffe", normalize_kernel=True
    ),
    "inner_distance_own": lambda: InnerDistance(
        CLASSES, normalize_kernel=True, update_center_only=True
    ),
    "contrastive": lambda: AgentContrastive(CLASSES),
    "contrastive_options": lambda: AgentContrastive(CLASSES, **EVERYTHING),
    "contrastive_caffe": lambda: AgentContrastive(
        CLASSES, gradient="caffe", **EVERYTHING
    ),
    "triplet": lambda: AgentTriplet(CLASSES),
    "triplet_caffe": lambda: AgentTriplet(
        CLASSES, gradient="caffe", hardest_only=False
    ),
    "center": lambda: [centers("exact", 1.0), CosineDense(CLASSES, scale=8.0)],
    "center_caffe": lambda: [
        centers("caffe", 0.1),
        margin_head(ASoftmax, "exact"),
    ],
}
# Of distances to agents, and of embeddings.
LOSSES = {
    "contrastive_loss": AgentContrastiveLoss(normalize_negative=0.5),
    "contrastive_loss_caffe": AgentContrastiveLoss(
        gradient="caffe", max_positive_only=True, negative_margin=1.5
    ),
    "triplet_loss": AgentTripletLoss(),
    "triplet_loss_caffe": AgentTripletLoss(
        gradient="caffe", reduction="mean_with_sample_weight"
    ),
    "pair_loss": PairContrastiveLoss(
        margin=2.0, reduction="mean_with_sample_weight"
    ),
    "pair_loss_cosine": PairContrastiveLoss(distance="cosine", squared=False),
}
# One head of each kind, for ways that cost seconds a head.
FEW = ("center_caffe", "contrastive_options")


def data(size):
    """Inputs, labels and sample weights."""
    x = np.random.default_rng(0).normal(size=(size, SIZE)).astype("float32")
    weights = np.linspace(0.5, 1.5, size).astype("float32")
    return x, np.arange(size) % CLASSES, weights


def backbone(name):
    dense = keras.layers.Dense(6, name=f"{name}_dense")
    return keras.Sequential([keras.Input((SIZE,)), dense])


def functional():
    """Heads and losses in one graph, each on a dense layer of its own."""
    image = keras.Input((SIZE,), name="image")
    label = keras.Input((), dtype="int32", name="label", optional=True)
    outputs, losses = {}, {}
    for name in HEADS:
        chain = head_connection.as_list(HEADS[name]())
        outputs[name] = head_connection.connect(
            chain, backbone(name)(image), label
        )
        if not head_connection.trains_itself(chain[-1]):
            losses[name] = SoftmaxCrossEntropy()
    for name in LOSSES:
        outputs[name] = backbone(name)(image)
        if not name.startswith("pair_loss"):
            agents = InnerDistance(CLASSES, normalize_kernel=True)
            outputs[name] = agents(outputs[name])
        losses[name] = LOSSES[name]
    # Layers have names of their own, which outputs must not have.
    named = {
        f"{name}_output": keras.layers.Identity(name=f"{name}_output")(output)
        for name, output in outputs.items()
    }
    losses = {f"{name}_output": losses.get(name) for name in outputs}
    return keras.Model({"image": image, "label": label}, named), losses


def headed(name):
    """A head behind an optional input, and its loss."""
    model = with_head(backbone(name), HEADS[name]())
    own = head_connection.trains_itself(head_connection.as_list(model.head)[-1])
    return model, None if own else SoftmaxCrossEntropy()


def plain(name):
    """A MarginModel, and its loss: the default."""
    return MarginModel(backbone(name), HEADS[name]()), None


def dense(name):
    """A dense layer under the cross-entropy of Keras ("keras") or ours.

    "light" divides by the sum of the sample weights.
    """
    image = keras.Input((SIZE,))
    logits = keras.layers.Dense(CLASSES, name="plain_dense")(image)
    model = keras.Model(image, logits)
    if name == "ours":
        return model, SoftmaxCrossEntropy()
    if name == "light":
        return model, SoftmaxCrossEntropy(reduction="mean_with_sample_weight")
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    return model, loss
