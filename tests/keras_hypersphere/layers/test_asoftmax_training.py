"""ASoftmax in a functional model: fit, save, load elsewhere, replicas."""

import json
import subprocess
import sys
import textwrap

import keras
import numpy as np
import pytest

from keras_hypersphere.layers.asoftmax import ASoftmax
from keras_hypersphere.schedules.lambda_annealing import LambdaAnnealing

RNG = np.random.default_rng(0)
LABELS = np.arange(60) % 3
X = (np.eye(3)[LABELS] + RNG.normal(0, 0.2, (60, 3))).astype("float32")


def build(**arguments):
    keras.utils.set_random_seed(0)
    image = keras.Input((3,), name="image")
    label = keras.Input((), dtype="int32", name="label", optional=True)
    features = keras.layers.Dense(2)(image)
    head = ASoftmax(
        3,
        annealing=LambdaAnnealing(10, 0.5, 1, 1),
        name="head",
        **arguments,
    )
    model = keras.Model(
        {"image": image, "label": label}, head(features, labels=label)
    )
    model.compile(
        keras.optimizers.Adam(0.05),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        metrics=["accuracy"],
    )
    return model


def elsewhere(script, *arguments):
    run = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), *map(str, arguments)],
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert run.returncode == 0, run.stderr[-3000:]
    return run.stdout


@pytest.mark.slow
@pytest.mark.parametrize("gradient", ["exact", "caffe"])
def test_fit_evaluate_predict_and_a_fresh_process(tmp_path, gradient):
    model = build(gradient=gradient)
    inputs = {"image": X, "label": LABELS}
    history = model.fit(
        inputs, LABELS, batch_size=20, epochs=20, verbose=0
    ).history
    assert history["loss"][-1] < history["loss"][0]
    assert int(model.get_layer("head").annealing_step) == 60
    _, accuracy = model.evaluate(inputs, LABELS, verbose=0)
    assert accuracy > 0.95
    predicted = model.predict({"image": X, "label": None}, verbose=0)
    # In evaluation the label is looked at and changes nothing.
    told = model.predict(inputs, verbose=0)
    np.testing.assert_allclose(predicted, told, atol=1e-6)
    assert (predicted.argmax(axis=1) == LABELS).mean() == pytest.approx(
        accuracy
    )
    if gradient == "caffe":
        return  # A process takes seconds; one is enough.
    model.save(tmp_path / "model.keras")
    np.savez(tmp_path / "data.npz", x=X, labels=LABELS, predicted=predicted)
    elsewhere(
        """
        import sys
        import numpy as np
        import keras
        import keras_hypersphere
        folder = sys.argv[1]
        data = np.load(folder + "/data.npz")
        model = keras.models.load_model(folder + "/model.keras")
        # Keras before 3.13 forgets that an input is optional.
        optional = model.get_layer("label").optional
        given = None if optional else data["labels"]
        again = model.predict({"image": data["x"], "label": given}, verbose=0)
        np.testing.assert_allclose(again, data["predicted"], atol=1e-5)
        head = model.get_layer("head")
        assert int(head.annealing_step) == 60
        assert head.annealing.minimum == 1.0
        inputs = {"image": data["x"], "label": data["labels"]}
        model.fit(inputs, data["labels"], batch_size=20, verbose=0)
        assert int(head.annealing_step) == 63
        """,
        tmp_path,
    )


REPLICAS = """
import json
import sys
import numpy as np
import tensorflow as tf
import keras
import keras_hypersphere as kh

cpu = tf.config.list_physical_devices("CPU")[0]
two = tf.config.LogicalDeviceConfiguration()
tf.config.set_logical_device_configuration(cpu, [two, two])
rng = np.random.default_rng(0)
labels = np.arange(32) % 4
x = (np.eye(4)[labels] + rng.normal(0, 0.3, (32, 4))).astype("float32")


def train(devices, gradient):
    strategy = tf.distribute.MirroredStrategy(devices)
    with strategy.scope():
        keras.utils.set_random_seed(0)
        image = keras.Input((4,), name="image")
        label = keras.Input((), dtype="int32", name="label", optional=True)
        features = keras.layers.Dense(3)(image)
        head = kh.layers.ASoftmax(
            4,
            annealing=kh.schedules.LambdaAnnealing(10, 0.5, 1, 1, start=7),
            gradient=gradient,
        )
        model = keras.Model(
            {"image": image, "label": label}, head(features, labels=label)
        )
        model.compile(
            keras.optimizers.SGD(0.1, momentum=0.9),
            keras.losses.SparseCategoricalCrossentropy(from_logits=True),
        )
    model.fit(
        {"image": x, "label": labels}, labels, batch_size=8, epochs=3,
        shuffle=False, verbose=0,
    )
    return int(head.annealing_step.numpy()), model.trainable_weights


found = {}
for gradient in ("exact", "caffe"):
    step, one = train(["CPU:0"], gradient)
    steps, both = train(["CPU:0", "CPU:1"], gradient)
    worst = max(
        float(np.abs(a.numpy() - b.numpy()).max())
        for a, b in zip(one, both)
    )
    found[gradient] = [step, steps, worst]
print(json.dumps(found))
"""


@pytest.mark.slow
@pytest.mark.only_on("tensorflow", reason="replicas are tf.distribute's")
def test_two_replicas_count_and_learn_as_one():
    found = json.loads(elsewhere(REPLICAS).splitlines()[-1])
    for step, steps, worst in found.values():
        assert step == steps == 7 + 12
        assert worst < 1e-5
