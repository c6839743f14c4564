import numpy as np
import pytest

import keras_hypersphere as kh
from tests.keras_hypersphere.data.people import people

pytest.importorskip("tensorflow")


@pytest.mark.parametrize(
    "options",
    [
        {"batch_size": 4, "augmentation": "adaface"},
        {"people": 2, "photos": 3, "augmentation": "topofr", "seed": 3},
    ],
)
def test_the_batches_of_face_batches_bit_for_bit(tmp_path, options):
    source = people(tmp_path)
    dataset = kh.data.face_dataset(source, image_size=(16, 14), **options)
    batches = kh.data.FaceBatches(source, image_size=(16, 14), **options)
    assert len(dataset) == len(batches)
    x, y = dataset.element_spec
    assert x.shape == (batches.batch_size, 16, 14, 3)
    assert y.dtype == "int32"
    for epoch in range(3):
        batches.epoch = epoch
        for index, (x, y) in enumerate(dataset):
            np.testing.assert_array_equal(x, batches[index][0])
            np.testing.assert_array_equal(y, batches[index][1])
        assert index == len(batches) - 1


def test_it_follows_fit(tmp_path):
    source = people(tmp_path)
    dataset = kh.data.face_dataset(source, 4, image_size=(16, 14))
    batches = kh.data.FaceBatches(source, 4, image_size=(16, 14))
    follow = dataset.follow()
    follow.set_params({"steps": len(dataset)})
    follow.on_train_begin()
    follow.on_epoch_begin(5)
    batches.epoch = 5
    x, _ = next(iter(dataset))
    np.testing.assert_array_equal(x, batches[0][0])
