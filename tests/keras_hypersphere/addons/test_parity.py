"""Values and gradients compared with those of the real TensorFlow Addons.

The fixture was recorded with `record_tfa.py --small`; `make test-addons` runs
TensorFlow Addons again on more and larger batches, and names that recording in
`TFA_RECORDING`.
"""

import functools
import json
import os
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

from keras_hypersphere import addons as tfa
from keras_hypersphere.testing.gradients import gradients
from tests.keras_hypersphere.backends import float64

# Half a minute.
pytestmark = pytest.mark.slow
FIXTURE = Path(__file__).parents[2] / "fixtures" / "addons" / "tfa_0_23.npz"
TOLERANCE = 1e-5
# JAX compiles anew for the shape of each batch: there, one batch of eight,
# and two at least.
STRIDE = 8 if keras.config.backend() == "jax" else 1
# The rounding of TensorFlow Addons' own results.
HALVES = {"float16": 2e-3, "bfloat16": 2e-2}
SETS = [
    pytest.param("fixture", id="fixture"),
    pytest.param("recording", id="recording", marks=pytest.mark.addons),
]
LOSSES = (
    "ContrastiveLoss",
    "LiftedStructLoss",
    "NpairsLoss",
    "NpairsMultilabelLoss",
    "TripletHardLoss",
    "TripletSemiHardLoss",
)


def gram(x):
    # No product of matrices: PyTorch's is not symmetric to the last bit, and
    # what ties here must tie there.
    return ops.sum(ops.expand_dims(x, 1) * ops.expand_dims(x, 0), axis=-1)


def skew(x):
    difference = ops.expand_dims(x, 1) - 2.0 * ops.expand_dims(x, 0)
    return ops.sum(ops.square(difference), axis=-1)


METRICS = {"function:gram": gram, "function:skew": skew}


@functools.cache
def recorded(which):
    """Entries with their arrays."""
    path = FIXTURE if which == "fixture" else os.environ["TFA_RECORDING"]
    with np.load(path) as file:
        parts = dict(file)
    about = json.loads(str(parts.pop("about")))
    assert about["tensorflow_addons"] == "0.23.0"
    entries = about["entries"]
    for entry in entries:
        for name, (dtype, start, shape) in entry.pop("arrays").items():
            size = int(np.prod(shape))
            flat = parts[dtype][start : start + size]
            entry[name] = flat.reshape(shape)
    return entries


def make(entry, **more):
    kwargs = {**entry["kwargs"], **more}
    metric = kwargs.get("distance_metric")
    if metric in METRICS:
        kwargs["distance_metric"] = METRICS[metric]
    return getattr(tfa.losses, entry["loss"])(**kwargs)


def difference(found, wanted):
    """Largest difference, of 1 or, where they are larger, of the numbers."""
    scale = np.maximum(np.abs(wanted), 1.0)
    return float(np.max(np.abs(found - wanted) / scale, initial=0.0))


def compare(entry):
    """Largest differences of value and gradient from TensorFlow Addons'."""
    loss, labels = make(entry), entry["labels"]
    if labels.dtype == "int64" and np.abs(labels).max() < 2**31:
        labels = labels.astype("int32")
    x = ops.cast(entry["inputs"], entry["dtype"])

    def function(x):
        value = loss(labels, x)
        return ops.sum(value), [value]

    result = gradients(function, [x])
    [value], [gradient] = result.outputs, result.inputs
    gradient = gradient.astype("float32")
    assert np.isfinite(value).all() and np.isfinite(gradient).all()
    wanted, slope = entry["value"], entry["gradient"]
    if entry["instead"] is not None:
        assert not np.isfinite(wanted).all()
        wanted = np.float32(entry["instead"])
        if wanted == 0:
            assert not gradient.any()
        slope = gradient
    if entry["derivative"]:
        slope = derivative(entry)
    return difference(value, wanted), difference(gradient, slope)


def derivative(entry, step=1e-5):
    """Central differences in float64."""
    x = entry["inputs"].astype("float64")
    slope = np.zeros_like(x)
    with float64():
        loss = make(entry, dtype="float64")
        for place in np.ndindex(x.shape):
            move = np.zeros_like(x)
            move[place] = step
            ahead = float(loss(entry["labels"], x + move))
            back = float(loss(entry["labels"], x - move))
            slope[place] = (ahead - back) / (2 * step)
    return slope


def describe(entry):
    shape = entry["inputs"].shape
    labels = entry["labels"].ravel()[:6].tolist()
    return f"{entry['kwargs']} {entry['dtype']} {shape} {labels}"


@pytest.mark.parametrize("which", SETS)
@pytest.mark.parametrize("name", LOSSES)
def test_losses(name, which, record_property):
    worst, wrong, count = [0.0, 0.0], [], 0
    entries = [e for e in recorded(which) if e.get("loss") == name]
    losses = [e for e in entries if e["kind"] == "loss"]
    for entry in losses[:: min(STRIDE, len(losses) - 1)]:
        found = compare(entry)
        count += 1
        if entry["dtype"] == "float32" and not entry["derivative"]:
            worst = [max(a, b) for a, b in zip(worst, found, strict=True)]
        if max(found) > HALVES.get(entry["dtype"], TOLERANCE):
            wrong.append(f"{describe(entry)}: {found}")
    record_property("worst", worst)
    print(
        f"{name}: {count} batches, value {worst[0]:.1e}, "
        f"gradient {worst[1]:.1e}"
    )
    assert len(entries) > 3 and count > 1
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("which", SETS)
def test_maxout(which):
    count = 0
    for entry in recorded(which):
        if entry["kind"] != "maxout":
            continue
        layer = tfa.layers.Maxout(**entry["kwargs"])

        def function(x, layer=layer):
            y = layer(x)
            return ops.sum(y), [y]

        result = gradients(function, [ops.convert_to_tensor(entry["inputs"])])
        np.testing.assert_array_equal(result.outputs[0], entry["value"])
        # Equal entries share a gradient.
        np.testing.assert_allclose(
            result.inputs[0], entry["gradient"], atol=1e-6
        )
        count += 1
    assert count == 10


@pytest.mark.parametrize("which", SETS)
def test_fit(which):
    """What `fit` logs, and the weights that it makes."""
    count = 0
    for entry in recorded(which):
        if entry["kind"] != "fit":
            continue
        kernel, x = entry["kernel"], entry["inputs"]
        dense = keras.layers.Dense(kernel.shape[1], use_bias=False)
        model = keras.Sequential([keras.Input((kernel.shape[0],)), dense])
        dense.kernel.assign(kernel)
        model.compile(keras.optimizers.SGD(0.05), loss=make(entry))
        epochs = len(entry["value"])
        weights = entry.get("weights")
        found = model.fit(
            x,
            entry["labels"],
            batch_size=8 if epochs > 1 else len(x),
            epochs=epochs,
            sample_weight=weights,
            shuffle=False,
            verbose=0,
        ).history["loss"]
        count += 1
        if entry["loss"] == "NpairsLoss":
            # Keras 2 makes labels (N, 1), of which theirs makes NaN.
            assert np.isnan(entry["value"]).all()
            assert np.isfinite(found).all()
            continue
        np.testing.assert_allclose(found, entry["value"], rtol=2e-5, atol=1e-5)
        if epochs > 1:
            trained = ops.convert_to_numpy(dense.kernel)
            np.testing.assert_allclose(trained, entry["trained"], atol=2e-5)
    assert count == 9
