"""What one process does for the others, and what they tell each other."""

import numpy as np
import pytest

from keras_hypersphere.backend import processes
from tests.keras_hypersphere.workers.run import run


def test_one_alone():
    assert processes.process_count() == 1 and processes.is_first_process()
    assert processes.first_does(lambda: 3) == 3
    assert processes.in_any_process(True) and not processes.in_any_process(
        False
    )
    np.testing.assert_array_equal(processes.gathered([1, 2]), [[1, 2]])
    with pytest.raises(OSError, match="no room"):
        processes.first_does(lambda: (_ for _ in ()).throw(OSError("no room")))


@pytest.mark.slow
@pytest.mark.only_on("tensorflow", reason="it starts JAX itself")
def test_two_processes():
    codes, errors = run("first_does", "jax", 2)
    assert codes == [0, 0], errors
