"""Losses of logits, embeddings and distances, with class labels."""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.losses.agent_contrastive_loss import (
    AgentContrastiveLoss,
)
from keras_hypersphere.losses.agent_triplet_loss import AgentTripletLoss
from keras_hypersphere.losses.circle_loss import CircleLoss
from keras_hypersphere.losses.cross_batch_memory import CrossBatchMemory
from keras_hypersphere.losses.harmonic_triplet_loss import (
    HarmonicTripletLoss,
)
from keras_hypersphere.losses.metric_loss import MetricLoss
from keras_hypersphere.losses.multi_similarity_loss import (
    MultiSimilarityLoss,
)
from keras_hypersphere.losses.pair_contrastive_loss import (
    PairContrastiveLoss,
)
from keras_hypersphere.losses.softmax_cross_entropy import (
    SoftmaxCrossEntropy,
)
from keras_hypersphere.losses.supervised_contrastive_loss import (
    SupervisedContrastiveLoss,
)
from keras_hypersphere.losses.triplet_loss import TripletLoss

__all__ = [
    "AgentContrastiveLoss",
    "AgentTripletLoss",
    "CircleLoss",
    "CrossBatchMemory",
    "HarmonicTripletLoss",
    "MetricLoss",
    "MultiSimilarityLoss",
    "PairContrastiveLoss",
    "SoftmaxCrossEntropy",
    "SupervisedContrastiveLoss",
    "TripletLoss",
]
