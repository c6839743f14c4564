"""What may stand before a head, and under which dtype policy."""

import keras
import numpy as np
import pytest

from keras_hypersphere.layers.arc_face import ArcFace
from keras_hypersphere.models.headed_model import with_head
from keras_hypersphere.models.margin_model import MarginModel

X = np.random.default_rng(0).normal(size=(12, 6)).astype("float32")
Y = np.arange(12) % 3


@keras.saving.register_keras_serializable(package="test_backbones")
class Net(keras.Model):
    """Knows its shapes only when it is called."""

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        self.first = keras.layers.Dense(5, activation="relu")
        self.second = keras.layers.Dense(4)

    def call(self, inputs, training=None):
        return self.second(self.first(inputs))


def called(model):
    model(X[:2])
    return model


def two_outputs(form):
    image = keras.Input((6,))
    a, b = keras.layers.Dense(4)(image), keras.layers.Dense(1)(image)
    return keras.Model(image, {"a": a, "b": b} if form is dict else [a, b])


BACKBONES = {
    "subclassed": Net,
    "subclassed, called": lambda: called(Net()),
    "no input": lambda: keras.Sequential([keras.layers.Dense(4)]),
    "no input, called": lambda: called(
        keras.Sequential([keras.layers.Dense(4)])
    ),
    "layer": lambda: keras.layers.Dense(4),
    "layer, called": lambda: called(keras.layers.Dense(4)),
}


def check(model, given, plain, folder):
    """Trains, and is the same after saving."""
    before = model.predict(plain, verbose=0)
    logs = model.fit(given, Y, verbose=0).history
    assert np.isfinite(logs["loss"]).all()
    after = model.predict(plain, verbose=0)
    assert np.abs(after - before).max() > 0
    model.save(folder / "model.keras")
    restored = keras.models.load_model(folder / "model.keras")
    np.testing.assert_array_equal(restored.predict(plain, verbose=0), after)
    for each in (model, restored):
        each.fit(given, Y, shuffle=False, verbose=0)
    for a, b in zip(model.get_weights(), restored.get_weights(), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.slow] * (name != "subclassed"))
        for name in BACKBONES
    ],
)
def test_every_backbone_trains_in_a_margin_model(name, tmp_path):
    model = MarginModel(BACKBONES[name](), ArcFace(3, scale=8.0))
    model.compile("adam")
    check(model, X, X, tmp_path)


@pytest.mark.slow
@pytest.mark.parametrize(
    "name", ["subclassed, called", "no input, called", "layer, called"]
)
def test_one_that_was_called_trains_in_with_head(name, tmp_path):
    model = with_head(BACKBONES[name](), ArcFace(3, scale=8.0))
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile("adam", loss)
    given, plain = {"image": X, "label": Y}, {"image": X, "label": None}
    check(model, given, plain, tmp_path)


@pytest.mark.parametrize("name", ["subclassed", "no input", "layer"])
def test_with_head_asks_for_a_call_first(name):
    with pytest.raises(ValueError, match="Call it on a batch first"):
        with_head(BACKBONES[name](), ArcFace(3))


def test_built_by_its_shape():
    model = MarginModel(Net(), ArcFace(3))
    model.build((None, 6))
    assert model.head.kernel.shape == (4, 3)


@pytest.mark.parametrize("make", [MarginModel, with_head])
@pytest.mark.parametrize("form", [dict, list])
def test_two_outputs_are_refused(make, form):
    with pytest.raises(ValueError, match="`backbone` must have one output"):
        make(two_outputs(form), ArcFace(3))


def test_two_outputs_of_a_subclass_are_refused():
    class Two(Net):
        def call(self, inputs, training=None):
            return {"a": super().call(inputs), "b": inputs}

    model = MarginModel(Two(), ArcFace(3))
    model.compile("sgd")
    with pytest.raises(ValueError, match="`backbone` must have one output"):
        model.fit(X, Y, verbose=0)


def test_feature_maps_are_refused():
    image = keras.Input((6, 6, 1))
    maps = keras.Model(image, keras.layers.Conv2D(4, 3)(image))
    with pytest.raises(ValueError, match=r"must have shape \(N, d\).*Flatten"):
        MarginModel(maps, ArcFace(3))


def test_hdf5_is_refused(tmp_path):
    model = MarginModel(BACKBONES["no input, called"](), ArcFace(3))
    with pytest.raises(ValueError, match=r"must end in \.keras"):
        model.save(tmp_path / "model.h5")


def test_a_copy_of_with_head_has_an_optional_label():
    model = with_head(BACKBONES["no input, called"](), ArcFace(3))
    copy = keras.models.clone_model(model)
    copy.set_weights(model.get_weights())
    plain = {"image": X, "label": None}
    np.testing.assert_allclose(
        copy.predict(plain, verbose=0), model.predict(plain, verbose=0)
    )
    assert isinstance(copy.head, ArcFace)
    again = type(model).from_config(model.get_config())
    assert again.predict(plain, verbose=0).shape == (12, 3)


def test_a_float32_backbone_gets_its_inputs_as_they_are(tmp_path):
    """Under a half policy too, before and after saving."""
    ones = keras.layers.Dense(3, kernel_initializer="ones")
    backbone = keras.Sequential([keras.Input((2,)), ones])
    x = np.array([[1000.1, 2000.2], [70000.0, 6.0]], "float32")
    wanted = backbone.predict(x, verbose=0)
    made = MarginModel(backbone, ArcFace(3))
    made.save(tmp_path / "model.keras")
    keras.config.set_dtype_policy("mixed_float16")
    try:
        restored = keras.models.load_model(tmp_path / "model.keras")
        assert restored.dtype_policy.name == "float32"
        assert restored.head.dtype_policy.name == "float32"
        for model in (made, restored, MarginModel(backbone, ArcFace(3))):
            np.testing.assert_array_equal(model.predict(x, verbose=0), wanted)
    finally:
        keras.config.set_dtype_policy("float32")
