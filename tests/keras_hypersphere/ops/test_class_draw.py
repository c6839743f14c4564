"""The draw of classes."""

import numpy as np
import pytest
from keras import ops

from keras_hypersphere.ops import class_draw


def drawn(labels, units, count, seed=(1, 2)):
    found = class_draw.draw(
        ops.convert_to_tensor(np.int32(labels)),
        units,
        count,
        ops.convert_to_tensor(np.int32(seed)),
    )
    classes = np.asarray(found.classes)
    real = np.ones(len(classes), bool)
    if found.real is not None:
        real = np.asarray(found.real)
    return classes[real], np.asarray(found.given)[real], found


def test_all_of_the_batch_and_others():
    classes, given, found = drawn([5, 5, 90, -1], 100, 20)
    assert len(set(classes.tolist())) == 20
    assert set(classes[given].tolist()) == {5, 90}
    np.testing.assert_allclose(float(found.log_odds), np.log(98 / 18), 1e-6)


def test_a_batch_of_more_classes_than_are_drawn():
    classes, given, _ = drawn([1, 2, 3, 3], 10, 2)
    assert sorted(classes.tolist()) == [1, 2, 3]
    assert given.all()
    classes, _, _ = drawn([1, 1, 1, 1], 10, 2)
    assert len(classes) == 2 and 1 in classes


def test_every_other_class_is_drawn_as_often():
    counts = np.zeros(50)
    for step in range(400):
        classes, _, _ = drawn([7], 50, 10, (3, step))
        counts[classes] += 1
    assert counts[7] == 400
    others = np.delete(counts, 7)
    # Binomial with p = 9 / 49: a standard deviation is 7.7.
    wanted = 400 * 9 / 49
    assert np.abs(others - wanted).max() < 4.5 * np.sqrt(wanted * 40 / 49)


@pytest.mark.parametrize("units", [1, 2])
def test_few_classes(units):
    classes, _, _ = drawn([0], units, units)
    assert sorted(classes.tolist()) == list(range(units))
