"""Images a second of the zoo's networks, by every route and next to others.

    make bench-zoo
    .venv-runtime/bin/python tests/benchmarks/zoo.py --runs 3 --batches 1

Networks with seeded random weights compute the same noise by each route that
Keras offers, and in ONNX Runtime and OpenCV's dnn, which read the network
from Keras's own ONNX file. All take turns, each after a run that does not
count; JAX in a process of its own, in turns as well. Prints, for each route,
the shortest and the median time of a batch, images a second by the shortest,
and how far its embeddings are from Keras's; then by how much `"openvino"`,
which `"auto"` takes for many photos, is faster than the faster of the two
others, and what the copy of the network took that is made once.
"""

import argparse
import contextlib
import dataclasses
import importlib.util
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np

from keras_hypersphere import zoo
from keras_hypersphere.zoo.loading.network import Network
from keras_hypersphere.zoo.runtimes import make_runtime
from keras_hypersphere.zoo.runtimes.preprocessing import preprocess_input

PEERS = ("ONNX Runtime", "OpenCV dnn")
# Threads of one library go on spinning for a while, to the next one's harm.
REST = 0.05

Route = Callable[[np.ndarray], np.ndarray]
# Seconds of each of so many runs, and the embeddings.
Timed = tuple[list[float], np.ndarray]


def network(name: str) -> keras.Model:
    """A backbone with the same random weights at every call."""
    keras.utils.set_random_seed(0)
    return getattr(zoo, name)()


def with_card(model: keras.Model) -> Network:
    """A network as embedders know it: crops minus their mean, scaled."""
    card = dataclasses.replace(
        zoo.get_card("dlib-resnet"),
        input_shape=model.input_shape[1:],
        mean=(127.5,) * 3,
        scale=1 / 128,
    )
    return Network(card, model)


def noise(model: keras.Model, batch: int) -> np.ndarray:
    """Crops, as far as speed goes."""
    draw = np.random.default_rng(batch)
    shape = (batch, *model.input_shape[1:])
    return draw.integers(0, 256, shape, np.uint8)


def compiled(model: keras.Model, jit_compile: bool) -> Route:
    """The network as a function of TensorFlow's."""
    import tensorflow as tf

    function = tf.function(
        lambda x: model(x, training=False), jit_compile=jit_compile
    )
    return lambda x: function(tf.constant(x)).numpy()


def in_onnx_runtime(path: str) -> Route:
    """ONNX Runtime as its documentation shows it."""
    import onnxruntime

    session = onnxruntime.InferenceSession(
        path, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    return lambda x: session.run(None, {name: x})[0]


def in_opencv(path: str) -> Route:
    """OpenCV's dnn module, which takes N, H, W, C as the file has it."""
    import cv2

    net = cv2.dnn.readNetFromONNX(path)

    def run(x: np.ndarray) -> np.ndarray:
        net.setInput(x)
        return net.forward()

    return run


def timed(route: Route, x: np.ndarray, count: int) -> Timed:
    """One run that does not count, then so many that do."""
    found = np.array(route(x))
    times = []
    for _ in range(count):
        start = time.perf_counter()
        route(x)
        times.append(time.perf_counter() - start)
    return times, found


@contextlib.contextmanager
def in_jax(name: str, folder: Path) -> Iterator[Callable | None]:
    """A process in which Keras runs on JAX; None where that is missing."""
    if importlib.util.find_spec("jax") is None:
        print("JAX is not installed", file=sys.stderr)
        yield None
        return
    with subprocess.Popen(
        [sys.executable, __file__, "--child", name, str(folder)],
        env={**os.environ, "KERAS_BACKEND": "jax"},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as child:

        def run(batch: int, count: int) -> Timed:
            print(batch, count, file=child.stdin, flush=True)
            return json.loads(child.stdout.readline()), np.load(
                folder / "jax.npy"
            )

        yield run
        child.stdin.close()


def child(name: str, folder: Path) -> None:
    """Times batches as stdin says, with the parent's weights."""
    model = network(name)
    model.load_weights(folder / "network.weights.h5")
    runtime = make_runtime("keras", with_card(model)).start()
    for line in sys.stdin:
        batch, count = map(int, line.split())
        times, found = timed(runtime, noise(model, batch), count)
        np.save(folder / "jax.npy", found)
        print(json.dumps(times), flush=True)


def routes_of(model: keras.Model, folder: Path) -> dict[str, Route]:
    """Ours, then the others'."""
    known = with_card(model)
    ours, took = {}, {}
    for name in ("keras", "openvino", "onnx"):
        start = time.perf_counter()
        ours[f"`{name}`"] = make_runtime(name, known).start()
        ours[f"`{name}`"](noise(model, 1))
        took[name] = time.perf_counter() - start
    told = ", ".join(f"{name} {took[name]:.1f} s" for name in took)
    print(f"\n{model.name}: copy and first crop take, once: {told}")
    path = str(folder / "network.onnx")
    model.export(path, format="onnx", verbose=False)
    others = {
        "`model.predict`": lambda x: model.predict(x, verbose=0),
        "`tf.function`": compiled(model, jit_compile=False),
        "`tf.function`, XLA": compiled(model, jit_compile=True),
        "ONNX Runtime": in_onnx_runtime(path),
        "OpenCV dnn": in_opencv(path),
    }
    return ours | {
        name: lambda x, route=route: route(preprocess_input(x, known.card))
        for name, route in others.items()
    }


def measure(
    routes: dict[str, Route],
    x: np.ndarray,
    runs: int,
    jax: Callable | None,
) -> tuple[dict[str, list[float]], dict[str, np.ndarray]]:
    """Seconds and embeddings of every route; all take turns."""
    # Short runs are repeated within a turn.
    count = 5 if len(x) == 1 else 1
    ways = {
        name: lambda route=route: timed(route, x, count)
        for name, route in routes.items()
    }
    if jax is not None:
        ways["`keras` on JAX"] = lambda: jax(len(x), count)
    times, found = {name: [] for name in ways}, {}
    for _ in range(runs):
        for name, way in ways.items():
            time.sleep(REST)
            new, found[name] = way()
            times[name] += new
    return times, found


def report(times: dict, found: dict, batch: int) -> None:
    """One table, and what it says of `openvino`."""
    wanted = found["`keras`"]
    print("\n| route | min ms | median ms | images a second | difference |")
    print("|---|---|---|---|---|")
    for name, took in times.items():
        away = np.abs(found[name] - wanted).max() / np.abs(wanted).max()
        print(
            f"| {name} | {1e3 * min(took):.1f} | "
            f"{1e3 * statistics.median(took):.1f} | "
            f"{batch / min(took):.1f} | {away:.1e} |"
        )
    for word, of in (("shortest", min), ("median", statistics.median)):
        best = min(PEERS, key=lambda name: of(times[name]))
        ratio = of(times[best]) / of(times["`openvino`"])
        print(f"\n`openvino` is {ratio:.2f} times as fast as {best} ({word}).")


def main() -> None:
    """Reads the words; a child answers, the parent prints tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--batches", type=int, nargs="+", default=[1, 32])
    parser.add_argument(
        "--networks", nargs="+", default=["SphereFace20", "MobileFaceNet"]
    )
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        name, folder = options.child
        child(name, Path(folder))
        return
    versions = ", ".join(
        f"{library} {importlib.import_module(library).__version__}"
        for library in ("keras", "tensorflow", "openvino", "onnxruntime", "cv2")
    )
    print(f"Python {platform.python_version()}, {versions}")
    for name in options.networks:
        with tempfile.TemporaryDirectory() as path:
            folder = Path(path)
            model = network(name)
            model.save_weights(folder / "network.weights.h5")
            routes = routes_of(model, folder)
            with in_jax(name, folder) as jax:
                for batch in options.batches:
                    x = noise(model, batch)
                    print(f"\n{name}, batch {batch}, {options.runs} turns")
                    report(*measure(routes, x, options.runs, jax), batch)


if __name__ == "__main__":
    main()
