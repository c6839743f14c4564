"""Losses of TensorFlow Addons."""

import keras  # noqa: F401  first: see registration.py

from keras_hypersphere.addons.losses.contrastive_loss import (
    ContrastiveLoss,
    contrastive_loss,
)
from keras_hypersphere.addons.losses.lifted_struct_loss import (
    LiftedStructLoss,
    lifted_struct_loss,
)
from keras_hypersphere.addons.losses.npairs_loss import (
    NpairsLoss,
    npairs_loss,
)
from keras_hypersphere.addons.losses.npairs_multilabel_loss import (
    NpairsMultilabelLoss,
    npairs_multilabel_loss,
)
from keras_hypersphere.addons.losses.triplet_hard_loss import (
    TripletHardLoss,
    triplet_hard_loss,
)
from keras_hypersphere.addons.losses.triplet_semihard_loss import (
    TripletSemiHardLoss,
    triplet_semihard_loss,
)

__all__ = [
    "ContrastiveLoss",
    "LiftedStructLoss",
    "NpairsLoss",
    "NpairsMultilabelLoss",
    "TripletHardLoss",
    "TripletSemiHardLoss",
    "contrastive_loss",
    "lifted_struct_loss",
    "npairs_loss",
    "npairs_multilabel_loss",
    "triplet_hard_loss",
    "triplet_semihard_loss",
]
