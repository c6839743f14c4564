import gc

import keras
import numpy as np
import pytest

from keras_hypersphere.layers.agent_contrastive import AgentContrastive
from keras_hypersphere.layers.center_loss import CenterLoss

X = np.ones((4, 3), "float32")
LABELS = np.arange(4)


@pytest.mark.parametrize("head", [CenterLoss, AgentContrastive])
def test_an_id_ends_with_its_loss(head):
    """Else the next loss with that id, of any layer, would be dropped."""
    layer = head(4)
    layer.build(X.shape)
    with keras.StatelessScope(collect_losses=True) as scope:
        layer(X, LABELS)
        (loss,) = scope.losses
        assert layer._loss_ids == {id(loss)}
        assert layer.losses == [loss]
    del scope, loss
    gc.collect()
    assert not layer._loss_ids
