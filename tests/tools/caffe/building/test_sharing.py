import keras
import numpy as np
import pytest

from keras_hypersphere.caffe_format import (
    NetParameter,
    set_blob,
    write_caffemodel,
)
from keras_hypersphere.tools.caffe import CaffeFormatError, name_map, to_keras

TWINS = """
input: "a" input_shape { dim: 2 dim: 3 }
input: "b" input_shape { dim: 2 dim: 3 }
layer { name: "left" type: "InnerProduct" bottom: "a" top: "left"
        param { name: "w" lr_mult: 1 } param { name: "v" }
        inner_product_param { num_output: 4
          weight_filler { type: "xavier" } bias_filler { value: 2 } } }
layer { name: "right" type: "InnerProduct" bottom: "b" top: "right"
        param { name: "w" } param { name: "v" }
        inner_product_param { num_output: 4 } }
"""
INPUTS = [np.eye(2, 3, dtype="float32"), -np.eye(2, 3, dtype="float32")]


def run(model):
    """The outputs as arrays."""
    made = model(INPUTS if len(model.inputs) > 1 else INPUTS[0])
    made = made if isinstance(made, list) else [made]
    return [keras.ops.convert_to_numpy(y) for y in made]


@pytest.fixture
def model_of(tmp_path):
    """Writes a caffemodel with these layers, in this order."""

    def write_model(**layers):
        net = NetParameter()
        for name, blobs in layers.items():
            layer = net.layer.add(name=name)
            for blob in blobs:
                set_blob(layer.blobs.add(), np.asarray(blob, "float32"))
        write_caffemodel(net, tmp_path / "m.caffemodel")
        return tmp_path / "m.caffemodel"

    return write_model


def blobs(seed):
    random = np.random.default_rng(seed)
    return [random.random((4, 3)), random.random(4)]


def test_one_keras_layer_for_both(write, model_of, tmp_path):
    path = write(TWINS)
    model = to_keras(path, model_of(left=blobs(0), right=blobs(0)))
    assert model.count_params() == 4 * 3 + 4
    weight, bias = blobs(0)
    for x, y in zip(INPUTS, run(model), strict=True):
        np.testing.assert_allclose(y, x @ weight.T + bias, atol=1e-6)
    # The second call has a name too, for whoever looks for the Caffe layer.
    tops = {layer["name"]: layer["tops"] for layer in name_map(model)["layers"]}
    assert tops["right"] == {"right": "right"}
    model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    for before, after in zip(run(model), run(loaded), strict=True):
        np.testing.assert_array_equal(before, after)


def test_the_last_layer_of_the_model_wins(write, model_of):
    path = write(TWINS)
    last = to_keras(path, model_of(right=blobs(0), left=blobs(1)))
    np.testing.assert_allclose(
        last.get_layer("left").get_weights()[0], blobs(1)[0].T, atol=1e-6
    )
    # Enough that one of them is there, needed by an output or not.
    one = to_keras(path, model_of(right=blobs(2)), outputs=["left"])
    np.testing.assert_allclose(
        one.get_layer("left").get_weights()[1], blobs(2)[1], atol=1e-6
    )


def test_the_owners_filler(write):
    model = to_keras(write(TWINS))
    assert (model.get_layer("left").get_weights()[1] == 2).all()
    assert model.count_params() == 16


def test_other_settings_make_equal_copies(write, model_of):
    text = TWINS.replace(
        'bottom: "b" top: "right"', 'bottom: "left" top: "right"'
    ).replace("num_output: 4", "num_output: 3")
    text = text.replace(
        "inner_product_param { num_output: 3 }",
        "inner_product_param { num_output: 3 transpose: true }",
    )
    weight, bias = blobs(3)[0][:3], blobs(3)[1][:3]
    path = model_of(left=(weight, bias), right=(weight, bias))
    model = to_keras(write(text), path, outputs=["right"])
    x = INPUTS[0]
    expected = (x @ weight.T + bias) @ weight + bias
    np.testing.assert_allclose(
        run(model)[0], expected.astype("float32"), atol=1e-5
    )
    assert model.count_params() == 24


def test_one_blob_of_two(write, model_of):
    text = TWINS.replace('param { name: "v" }', "param { }")
    model = to_keras(
        write(text), model_of(left=blobs(0), right=[blobs(0)[0], np.ones(4)])
    )
    assert (model.get_layer("right").get_weights()[1] == 1).all()
    np.testing.assert_array_equal(
        model.get_layer("right").get_weights()[0],
        model.get_layer("left").get_weights()[0],
    )


def test_shapes_are_strict_or_permissive(write, model_of):
    text = TWINS.replace("{ num_output: 4 }", "{ num_output: 3 }").replace(
        'bottom: "b"', 'bottom: "left"'
    )
    text = text.replace('param { name: "v" }', 'param { name: "v%" }')
    text = text.replace("v%", "v1", 1).replace("v%", "v2", 1)
    with pytest.raises(CaffeFormatError, match=r"'w'.*\(4, 3\).*\(3, 4\)"):
        to_keras(write(text))
    head, tail = text.rsplit('name: "w"', 1)
    text = head + 'name: "w" share_mode: PERMISSIVE' + tail
    weight = blobs(0)[0]
    model = to_keras(
        write(text),
        model_of(
            left=(weight, np.zeros(4)),
            right=(weight.reshape(3, 4), np.zeros(3)),
        ),
        outputs=["right"],
    )
    x = INPUTS[0]
    np.testing.assert_allclose(
        run(model)[0], x @ weight.T @ weight.reshape(3, 4).T, atol=1e-6
    )
    text = text.replace("{ num_output: 3 }", "{ num_output: 2 }")
    with pytest.raises(CaffeFormatError, match="cannot share"):
        to_keras(write(text))


@pytest.mark.parametrize("name", ["lr_mult", "decay_mult"])
def test_multipliers_must_agree(name, write):
    head, tail = TWINS.replace("lr_mult: 1", f"{name}: 1").rsplit(
        'name: "w"', 1
    )
    to_keras(write(f'{head}name: "w" {name}: 1{tail}'))
    with pytest.raises(CaffeFormatError, match=f"`{name}`") as caught:
        to_keras(write(f'{head}name: "w" {name}: 2{tail}'))
    assert caught.value.layer == "right"


def test_a_model_with_other_sizes(write, model_of):
    with pytest.raises(CaffeFormatError, match="declares"):
        to_keras(write(TWINS), model_of(left=[np.ones((5, 3)), np.ones(5)]))
    with pytest.raises(CaffeFormatError, match="10 values"):
        to_keras(
            write(TWINS),
            model_of(right=[np.ones((5, 2)), np.ones(5)]),
            outputs=["left"],
        )


def test_training_keeps_them_equal(write):
    model = to_keras(write(TWINS))
    model.compile("sgd", "mse")
    model.fit(INPUTS, [np.zeros((2, 4)), np.ones((2, 4))], verbose=0)
    left, right = (
        keras.ops.convert_to_numpy(y) for y in model([INPUTS[0]] * 2)
    )
    np.testing.assert_array_equal(left, right)
