"""Runs TensorFlow Addons on `tfa_cases`, in an environment that has it.

Usage: python record_tfa.py FILE.npz [--small]. `make test-addons` does it.
"""

import argparse
import json

import numpy as np
import tensorflow as tf
import tensorflow_addons as tfa
import tfa_cases

METRICS = {
    "function:gram": lambda x: tf.matmul(x, x, transpose_b=True),
    # |x_i - 2 x_j|^2, which is not symmetric.
    "function:skew": lambda x: tf.reduce_sum(
        tf.square(x[:, None] - 2.0 * x[None]), axis=-1
    ),
}


def make(loss, kwargs):
    metric = kwargs.get("distance_metric")
    if metric in METRICS:
        kwargs = {**kwargs, "distance_metric": METRICS[metric]}
    return getattr(tfa.losses, loss)(**kwargs)


def record_case(case):
    inputs = tf.cast(tf.constant(case["inputs"]), case["dtype"])
    with tf.GradientTape() as tape:
        tape.watch(inputs)
        loss = make(case["loss"], case["kwargs"])
        value = loss(tf.constant(case["labels"]), inputs)
    return {
        "labels": case["labels"],
        "inputs": tf.cast(inputs, "float32").numpy(),
        "value": tf.cast(value, "float32").numpy(),
        "gradient": tf.cast(tape.gradient(value, inputs), "float32").numpy(),
    }


def record_maxout(kwargs, inputs):
    x = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tfa.layers.Maxout(**kwargs)(x)
    return {
        "inputs": inputs,
        "value": y.numpy(),
        "gradient": tape.gradient(y, x).numpy(),
    }


def record_fit(loss, kwargs, x, labels, kernel, weights):
    """Three epochs; batches of 8 leave one of 6."""
    dense = tf.keras.layers.Dense(kernel.shape[1], use_bias=False)
    model = tf.keras.Sequential([tf.keras.Input((kernel.shape[0],)), dense])
    dense.kernel.assign(kernel)
    model.compile(tf.keras.optimizers.SGD(0.05), loss=make(loss, kwargs))
    # With weights Keras 2 adds up N equal losses: only the log is comparable.
    one = weights is not None and loss != "ContrastiveLoss"
    history = model.fit(
        x,
        labels,
        batch_size=len(x) if one else 8,
        epochs=1 if one else 3,
        sample_weight=weights,
        shuffle=False,
        verbose=0,
    )
    given = {} if weights is None else {"weights": weights}
    return {
        "inputs": x,
        "labels": labels,
        "kernel": kernel,
        "value": np.array(history.history["loss"]),
        "trained": dense.kernel.numpy(),
        **given,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("file")
    parser.add_argument("--small", action="store_true")
    arguments = parser.parse_args()
    parts, entries = {}, []

    def add(kind, recorded, **entry):
        """Arrays of one dtype lie one behind the other: a small file."""
        places = {}
        for name, array in recorded.items():
            array = np.asarray(array)
            part = parts.setdefault(str(array.dtype), [])
            places[name] = [str(array.dtype), len(part), array.shape]
            part.extend(array.ravel())
        entries.append({"kind": kind, "arrays": places, **entry})

    # Tracing a function for every case would take most of the time.
    tf.config.run_functions_eagerly(True)
    for case in tfa_cases.cases(arguments.small):
        kept = ("loss", "kwargs", "dtype", "instead", "derivative")
        add("loss", record_case(case), **{k: case[k] for k in kept})
    for kwargs, inputs in tfa_cases.maxouts():
        add("maxout", record_maxout(kwargs, inputs), kwargs=kwargs)
    tf.config.run_functions_eagerly(False)
    for loss, kwargs, *given in tfa_cases.fits():
        recorded = record_fit(loss, kwargs, *given)
        add("fit", recorded, loss=loss, kwargs=kwargs)
    text = json.dumps(
        {
            "tensorflow": tf.__version__,
            "tensorflow_addons": tfa.__version__,
            "numpy": np.__version__,
            "entries": entries,
        }
    )
    packed = {dtype: np.array(part, dtype) for dtype, part in parts.items()}
    np.savez_compressed(arguments.file, about=np.array(text), **packed)
    print(f"{len(entries)} runs of TensorFlow Addons {tfa.__version__}")


if __name__ == "__main__":
    main()
