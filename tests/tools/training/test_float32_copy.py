import keras
import numpy as np
import pytest

from keras_hypersphere import zoo
from keras_hypersphere.tools.training.float32_copy import float32_copy
from tests.tools.training.patches import make_backbone

X = np.random.default_rng(0).random((4, 16, 16, 3), "float32")


@pytest.mark.parametrize("policy", ["mixed_float16", "mixed_bfloat16"])
def test_computes_in_float32(policy):
    half, whole = make_backbone(policy), make_backbone()
    assert half.output.dtype != "float32"
    copy = float32_copy(half)
    assert copy.output.dtype == "float32"
    assert {layer.dtype_policy.name for layer in copy.layers} == {"float32"}
    assert [layer.name for layer in copy.layers] == [
        layer.name for layer in half.layers
    ]
    assert np.array_equal(
        copy.predict(X, verbose=0), whole.predict(X, verbose=0)
    )


def test_float32_is_itself():
    model = make_backbone()
    assert float32_copy(model) is model


def test_global_policy(tmp_path):
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_float16")
    try:
        half = zoo.SphereFace4(width=1 / 16)
        copy = float32_copy(half)
    finally:
        keras.config.set_dtype_policy(before)
    copy.save(tmp_path / "m.keras")
    again = keras.models.load_model(tmp_path / "m.keras")
    x = np.random.default_rng(0).random((1, 112, 96, 3), "float32")
    found = again.predict(x, verbose=0)
    assert found.dtype == np.float32
    np.testing.assert_allclose(
        found, half.predict(x, verbose=0), atol=0.02 * np.abs(found).max()
    )
