"""What all tests share.

Each starts from the same random numbers, so that none depends on the order.
Tests that only some backends can run say so with `only_on`.
"""

import sys

import pytest


@pytest.fixture(autouse=True)
def _seeded():
    # Tests of what needs no Keras do not import it.
    if "keras" in sys.modules:
        sys.modules["keras"].utils.set_random_seed(0)


@pytest.fixture(autouse=True)
def _only_on(request):
    for marker in request.node.iter_markers("only_on"):
        # Late, since tests without the marker may need no Keras.
        import keras

        backend = keras.config.backend()
        if backend not in marker.args:
            pytest.skip(f"not on {backend}: {marker.kwargs['reason']}")
