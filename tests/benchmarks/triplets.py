"""How long the semi-hard triplet loss and its gradient take.

    .venv/bin/python tests/benchmarks/triplets.py
    KERAS_BACKEND=jax .venv/bin/python tests/benchmarks/triplets.py

Prints Markdown: minimum and median of alternated runs in one process, and
what a process of each variant alone grows by. The yardstick is the three
matrix products that no algorithm can avoid (distances, and their derivative
by anchors and by the others), by the same framework in the same run.
Peers are measured where they are installed: pytorch-metric-learning here
(`pip install pytorch-metric-learning`), TensorFlow Addons in an environment
of its own, `--tfa-python PATH`.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import time

MARGIN = 0.2
FEATURES = 128


def batch(size: int, per_identity: int):
    """Unit embeddings, and labels in no order."""
    import numpy as np

    rng = np.random.default_rng(0)
    x = rng.normal(size=(size, FEATURES)).astype("float32")
    x /= np.linalg.norm(x, axis=1, keepdims=True)
    labels = rng.permutation(np.arange(size) // per_identity)
    return x, labels.astype("int32")


def products(ops, x):
    """Three matrix products, of these sizes, by a framework's functions."""
    square = ops.matmul(x, ops.transpose(x))
    return ops.matmul(square, x), ops.matmul(ops.transpose(square), x)


def with_tensorflow(value, compiled):
    """Value and gradient as a graph, with XLA or without."""
    import tensorflow as tf

    @tf.function(jit_compile=compiled)
    def both(x, labels):
        with tf.GradientTape() as tape:
            tape.watch(x)
            loss = value(labels, x)
        return loss, tape.gradient(loss, x)

    return both, tf.constant


def of_products(compiled):
    """The yardstick in TensorFlow."""
    import tensorflow as tf

    function = tf.function(lambda x, y: products(tf, x), jit_compile=compiled)
    return function, tf.constant


def variant(name: str):
    """A function of embeddings and labels, and what makes its tensors."""
    if name.startswith("TensorFlow Addons"):
        import tensorflow_addons as tfa

        def loss(labels, x):
            return tfa.losses.triplet_semihard_loss(
                labels, x, margin=MARGIN, distance_metric="squared-L2"
            )

        return with_tensorflow(loss, name.endswith("with XLA"))
    if name == "pytorch-metric-learning":
        return of_pytorch_metric_learning()
    if name.startswith("three products, TensorFlow"):
        return of_products(name.endswith("with XLA"))
    if name == "three products, NumPy":
        import numpy as np

        return lambda x, _: products(np, x), lambda x: x
    import keras

    from keras_hypersphere.losses.triplet_loss import TripletLoss

    loss = TripletLoss(MARGIN)
    if "TensorFlow" in name:
        return with_tensorflow(loss, name.endswith("with XLA"))
    if name == "three products, JAX":
        import jax

        return jax.jit(lambda x, _: products(jax.numpy, x)), jax.numpy.asarray
    if name == "ours, JAX":
        import jax

        function = jax.value_and_grad(lambda x, labels: loss(labels, x))
        return jax.jit(function), jax.numpy.asarray
    if name == "three products, PyTorch":
        return lambda x, _: products(keras.ops, x), keras.ops.convert_to_tensor
    import torch

    def both(x, labels):
        x = x.detach().requires_grad_()
        value = loss(labels, x)
        return value.detach(), *torch.autograd.grad(value, x)

    return both, torch.from_numpy


def of_pytorch_metric_learning():
    """Its miner of semi-hard triplets and its loss: another definition."""
    import torch
    from pytorch_metric_learning import distances, losses, miners

    distance = distances.LpDistance(normalize_embeddings=False, power=2)
    miner = miners.TripletMarginMiner(
        MARGIN, type_of_triplets="semihard", distance=distance
    )
    loss = losses.TripletMarginLoss(MARGIN, distance=distance)

    def both(x, labels):
        x = x.detach().requires_grad_()
        value = loss(x, labels, miner(x, labels))
        return value.detach(), *torch.autograd.grad(value, x)

    return both, torch.from_numpy


def variants(backend: str) -> list[str]:
    """Those that can run here."""
    names = ["three products, NumPy"]
    if backend == "tensorflow":
        names += ["three products, TensorFlow", "ours, TensorFlow"]
        names += [f"{name}, with XLA" for name in names[1:]]
    else:
        known = {"jax": "JAX", "torch": "PyTorch"}[backend]
        names += [f"three products, {known}", f"ours, {known}"]
    try:
        import pytorch_metric_learning  # noqa: F401
    except ImportError:
        print("pytorch-metric-learning is not installed", file=sys.stderr)
    else:
        names.append("pytorch-metric-learning")
    return names


def yardstick(name: str) -> str:
    """The products of a variant's framework."""
    framework = "PyTorch" if "metric" in name else name.split(", ")[1]
    return f"three products, {framework}"


def prepared(name: str, size: int, per_identity: int):
    """A function that runs a variant once and waits for its numbers."""
    import numpy as np

    function, tensor = variant(name)
    tensors = [tensor(array) for array in batch(size, per_identity)]
    return lambda: [np.asarray(found) for found in function(*tensors)]


def alternated(names, size, per_identity, runs) -> dict[str, list[float]]:
    """Seconds of each run of each variant, in turn."""
    steps = {name: prepared(name, size, per_identity) for name in names}
    times = {name: [] for name in names}
    for run in range(runs + 1):
        for name, step in steps.items():
            start = time.perf_counter()
            step()
            if run:  # the first one compiles
                times[name].append(time.perf_counter() - start)
    return times


def peak() -> float:
    """The most memory that this process has had, in MB; Linux only."""
    # What getrusage says begins with the parent's.
    with open("/proc/self/status") as file:
        [line] = [line for line in file if line.startswith("VmHWM:")]
    return int(line.split()[1]) / 1024


def child(name: str, size: int, per_identity: int, runs: int) -> None:
    """One variant by itself: prints its times and its growth."""
    # The libraries' own start is not what a batch costs.
    prepared(name, 64, 4)()
    before = peak()
    times = alternated([name], size, per_identity, runs)[name]
    print(json.dumps({"times": times, "before": before, "peak": peak()}))


def in_child(python, name, size, per_identity, runs) -> dict | None:
    """What a process of its own says, or None if it did not survive."""
    done = subprocess.run(
        [
            *(python, __file__, "--child", name),
            *("--sizes", str(size), "--per-identity", str(per_identity)),
            *("--runs", str(runs)),
        ],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    if done.returncode:
        return None
    return json.loads(done.stdout.splitlines()[-1])


def report(options: argparse.Namespace, size: int, per_identity: int) -> None:
    """One table."""
    import keras

    names = variants(keras.backend.backend())
    if size > options.peers_up_to:
        names = [n for n in names if n.startswith(("ours", "three"))]
    times = alternated(names, size, per_identity, options.runs)
    print(f"\n{size} embeddings of {FEATURES}, {per_identity} per identity")
    print("\n| variant | min ms | median ms | x products | before, growth MB |")
    print("|---|---|---|---|---|")
    cases = [(sys.executable, name) for name in names]
    if options.tfa_python and size <= options.peers_up_to:
        cases += [
            (options.tfa_python, "TensorFlow Addons"),
            (options.tfa_python, "TensorFlow Addons, with XLA"),
        ]
    for python, name in cases:
        alone = in_child(python, name, size, per_identity, 2)
        memory = "did not finish"
        if alone:
            growth = alone["peak"] - alone["before"]
            memory = f"{alone['before']:.0f}, +{growth:.0f}"
        took = times.get(name) or (alone or {}).get("times")
        if not took:
            print(f"| {name} | - | - | - | {memory} |")
            continue
        # Not in the same process: not to be compared closely.
        mark = "" if name in times else " (2 runs alone)"
        own = yardstick(name) if name in times else None
        ratio = f"{min(took) / min(times[own]):.1f}" if own in times else "-"
        print(
            f"| {name}{mark} | {1e3 * min(took):.1f} | "
            f"{1e3 * statistics.median(took):.1f} | "
            f"{ratio} | {memory} |",
            flush=True,
        )


def main() -> None:
    """Reads the arguments; a child prints JSON, the parent tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--sizes", type=int, nargs="+", default=[512, 1024])
    parser.add_argument("--per-identity", type=int, nargs="+", default=[40, 4])
    parser.add_argument("--runs", type=int, default=7)
    parser.add_argument("--peers-up-to", type=int, default=1024, metavar="N")
    parser.add_argument("--tfa-python", metavar="PATH")
    parser.add_argument("--child", help=argparse.SUPPRESS)
    options = parser.parse_args()
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    for size in options.sizes:
        for per_identity in options.per_identity:
            if options.child:
                child(options.child, size, per_identity, options.runs)
            else:
                report(options, size, per_identity)


if __name__ == "__main__":
    main()
