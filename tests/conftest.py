"""Tests that only some backends can run say so with `only_on`."""

import pytest


@pytest.fixture(autouse=True)
def _only_on(request):
    for marker in request.node.iter_markers("only_on"):
        # Late, since tests without the marker may need no Keras.
        import keras

        backend = keras.config.backend()
        if backend not in marker.args:
            pytest.skip(f"not on {backend}: {marker.kwargs['reason']}")
