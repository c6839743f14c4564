import pickle
import threading

import pytest

from keras_hypersphere.data.ahead import Ahead


def square(number):
    if number == 7:
        raise OSError("no photo 7")
    return number * number


@pytest.mark.parametrize("processes", [False, True])
def test_numbers_and_errors(processes):
    ahead = Ahead(square, 2, processes, size=3)
    ahead = pickle.loads(pickle.dumps(ahead))
    assert [ahead.take(n, 9) for n in range(4)] == [0, 1, 4, 9]
    # Another place: what was begun for the old one is dropped.
    assert ahead.take(20, 30) == 400
    assert sorted(ahead.begun) == [21, 22, 23]
    with pytest.raises(OSError, match="no photo 7"):
        ahead.take(7, 9)
    ahead.stop()
    assert ahead.pool is None and not ahead.begun
    assert ahead.take(3, 9) == 9
    ahead.stop()


def test_made_ahead_and_no_further():
    begun = {n: threading.Event() for n in range(9)}
    ahead = Ahead(lambda n: begun[n].set(), 2, False, size=3)
    ahead.take(0, 9)
    assert all(begun[n].wait(9) for n in range(4))
    assert not any(begun[n].is_set() for n in range(4, 9))
    ahead.take(5, 7)
    assert begun[6].wait(9) and not begun[7].is_set()
    ahead.stop()


@pytest.mark.parametrize(("workers", "processes"), [(1, False), (0, True)])
def test_nobody_works_ahead(workers, processes):
    ahead = Ahead(square, workers, processes, size=3)
    assert ahead.take(3, 9) == 9
    assert ahead.pool is None
