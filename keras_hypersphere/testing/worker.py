"""The other end of `fresh_process.py`: loads models that it has never seen.

One request a line on standard input, one answer a line on standard output.
"""

import importlib
import json
import os
import sys
import traceback
from typing import Any

import keras
import numpy as np

from keras_hypersphere.testing import replicas


def answer(request: dict[str, Any]) -> None:
    """Loads a model, predicts, and perhaps trains it on."""
    for name in request["imports"]:
        importlib.import_module(name)
    with np.load(request["data"]) as data:
        feeds = {
            k.removeprefix("feed_"): data[k] for k in data if k[:5] == "feed_"
        }
        targets = [data[k] for k in data if k[:7] == "target_"]
    batch = request["batch"]
    model = keras.models.load_model(request["model"])
    plain = {**feeds, **{name: None for name in forgettable(model, request)}}
    # A model of one input may take it as it is.
    bare = request.get("bare")
    inputs, plain = (feeds[bare], plain[bare]) if bare else (feeds, plain)
    outputs = keras.tree.flatten(
        model.predict(plain, batch_size=batch, verbose=0)
    )
    results: dict[str, Any] = {
        f"output_{i}": np.asarray(y) for i, y in enumerate(outputs)
    }
    if request.get("resume"):
        usual = {"batch_size": batch, "verbose": 0}
        found = model.evaluate(inputs, *targets, return_dict=True, **usual)
        results |= {f"log_{name}": value for name, value in found.items()}
        model.fit(inputs, *targets, shuffle=False, **usual)
        weights = model.get_weights()
        results |= {f"weight_{i}": w for i, w in enumerate(weights)}
    if request["replicas"]:
        with replicas.scope(request["replicas"]):
            model = keras.models.load_model(request["model"])
        model.fit(
            feeds, targets or None, batch_size=batch, shuffle=False, verbose=0
        )
        weights = model.get_weights()
        results |= {f"weight_{i}": w for i, w in enumerate(weights)}
    np.savez(request["results"], **results)


def forgettable(model: keras.Model, request: dict[str, Any]) -> list[str]:
    """The labels that may be None; Keras saves that only since 3.13."""
    optional = {
        layer.name
        for layer in model.layers
        if isinstance(layer, keras.layers.InputLayer) and layer.optional
    }
    return [name for name in request["labels"] if name in optional]


def main() -> None:
    """Answers until the other end closes."""
    # What libraries print must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    replicas.prepare(2)
    for line in sys.stdin:
        error = None
        try:
            answer(json.loads(line))
        except Exception:
            error = traceback.format_exc()
        print(json.dumps({"error": error}), file=answers, flush=True)
        keras.backend.clear_session()


if __name__ == "__main__":
    main()
