"""LSTM and RNN, step by step in float64, on sequences that begin anywhere."""

import keras
import numpy as np
import pytest

from keras_hypersphere.tools.caffe import (
    CaffeFormatError,
    UnsupportedLayerError,
)

T, N, D, E, UNITS = 5, 3, 4, 2, 6
RANDOM = np.random.default_rng(0)
GATES = {"LSTM": 4, "RNN": 1}


def normal(*shape):
    return RANDOM.standard_normal(shape, np.float32)


def feed(type, static, hidden):
    cont = np.ones((T, N), "f4")
    # One stream begins here, one in the middle, one goes on from before.
    cont[0, 0] = cont[2, 1] = 0
    given = {"x": normal(T, N, D), "cont": cont}
    if static:
        given["s"] = normal(N, E)
    for name in ("h", "c")[: {"LSTM": 2, "RNN": 1}[type] * hidden]:
        given[name] = normal(1, N, UNITS)
    return given


def blobs(type, static):
    gates = GATES[type] * UNITS
    made = [normal(gates, D), normal(gates)]
    if static:
        made.append(normal(gates, E))
    made.append(normal(gates, UNITS))
    if type == "RNN":
        made += [normal(UNITS, UNITS), normal(UNITS)]
    return made


def layer(type, names, hidden=False, more=""):
    bottoms = " ".join(f'bottom: "{name}"' for name in names)
    last = ("hT", "cT")[: {"LSTM": 2, "RNN": 1}[type]] if hidden else ()
    tops = " ".join(f'top: "{name}"' for name in ("y", *last))
    return (
        f'layer {{ name: "l" type: "{type}" {bottoms} {tops} recurrent_param '
        f"{{ num_output: {UNITS} expose_hidden: {str(hidden).lower()} "
        f"{more} }} }}"
    )


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm(given, weights):
    """One stream after the other, gate by gate."""
    kernel, bias, *static, turn = [w.astype("f8") for w in weights]
    made = np.zeros((T, N, UNITS))
    for n in range(N):
        h = given["h"][0, n] if "h" in given else np.zeros(UNITS)
        c = given["c"][0, n] if "c" in given else np.zeros(UNITS)
        for t in range(T):
            go = given["cont"][t, n]
            z = kernel @ given["x"][t, n] + bias + turn @ (go * h)
            if static:
                z = z + static[0] @ given["s"][n]
            i, f, o, g = z.reshape(4, UNITS)
            c = go * sigmoid(f) * c + sigmoid(i) * np.tanh(g)
            h = sigmoid(o) * np.tanh(c)
            made[t, n] = h
    return made


@pytest.mark.parametrize("hidden", [False, True])
@pytest.mark.parametrize("static", [False, True])
@pytest.mark.parametrize("type", ["LSTM", "RNN"])
def test_steps(type, static, hidden, referenced, tmp_path):
    given, weights = feed(type, static, hidden), blobs(type, static)
    made = referenced(layer(type, given, hidden), {"l": weights}, **given)
    assert made["y"].shape == (T, N, UNITS)
    if type == "LSTM":
        np.testing.assert_allclose(made["y"], lstm(given, weights), atol=2e-6)
    if hidden and type == "LSTM":
        np.testing.assert_allclose(made["hT"][0], made["y"][-1], rtol=1e-6)


def test_saved_and_loaded(net, tmp_path):
    given, weights = feed("LSTM", False, False), blobs("LSTM", False)
    made = net(layer("LSTM", given), {"l": weights}, **given)["y"]
    net.model.save(tmp_path / "m.keras")
    loaded = keras.models.load_model(tmp_path / "m.keras")
    again = keras.ops.convert_to_numpy(loaded([given["x"], given["cont"]]))
    np.testing.assert_allclose(again, made, rtol=1e-6)
    # Other numbers of steps.
    longer = [np.concatenate([a, a]) for a in (given["x"], given["cont"])]
    again = keras.ops.convert_to_numpy(loaded(longer))
    np.testing.assert_allclose(again[:T], made, rtol=1e-5, atol=1e-6)


def test_fillers(referenced):
    given = feed("LSTM", False, False)
    fillers = "weight_filler { value: 0.1 } bias_filler { value: 0.5 }"
    referenced(layer("LSTM", given, more=fillers), **given)


def test_what_caffe_refuses(net):
    given = feed("LSTM", False, True)
    with pytest.raises(CaffeFormatError, match="5 bottoms"):
        net(layer("LSTM", [*given, "x"]), **given)
    with pytest.raises(CaffeFormatError, match="takes first states"):
        net(layer("LSTM", given, True), **{**given, "c": normal(1, N, 2)})
    with pytest.raises(CaffeFormatError, match="streams"):
        net(layer("RNN", ["x", "cont"]), x=normal(T, N, D), cont=normal(T, 2))
    with pytest.raises(UnsupportedLayerError, match="4 axes"):
        net(
            layer("RNN", ["x", "cont"]),
            x=normal(T, N, D, 2),
            cont=normal(T, N),
        )
