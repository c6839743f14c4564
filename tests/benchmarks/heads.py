"""What margins cost: each head against plain Dense and cross-entropy.

    .venv/bin/python tests/benchmarks/heads.py
    .venv/bin/python tests/benchmarks/heads.py --backends jax --classes 10575

A step is value and gradients, to features and weights, of a head and a softmax
cross-entropy (agent heads: of their own loss). Times are minimum and median of
runs that alternate between all steps in one process, so that a busy moment
hits all of them. Memory is by how much a step, compiled and run once before,
raises the peak of a process that runs nothing else. Processor time, of all
threads together, is what other programs on the machine disturb least; NumPy's
counts waiting threads too. Prints Markdown.
"""

import argparse
import ctypes
import gc
import importlib.util
import json
import os
import statistics
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import head_steps as steps

# Classes, and how often each step is timed.
CLASSES = {10_575: 9, 100_000: 3}
# Freed blocks go back at once, so that what is resident is in use. oneDNN
# would bring its own allocator, which keeps them.
RETURN_MEMORY = {
    "MALLOC_MMAP_THRESHOLD_": "1000000",
    "TF_ENABLE_ONEDNN_OPTS": "0",
}


def parse() -> argparse.Namespace:
    """Reads the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__.splitlines()[0],
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
    )
    installed = [b for b in steps.MODES if importlib.util.find_spec(b)]
    parser.add_argument(
        "--backends",
        nargs="+",
        choices=list(steps.MODES),
        default=[b for b in installed if b != "torch"] or installed,
    )
    parser.add_argument(
        "--heads", nargs="*", choices=list(steps.HEADS), default=steps.HEADS
    )
    parser.add_argument("--modes", nargs="+", help="of XLA, graph, jit, eager")
    parser.add_argument("--classes", nargs="+", type=int, default=list(CLASSES))
    parser.add_argument(
        "--runs",
        type=int,
        help="timed runs of each step; by default 9, with 100,000 classes 3",
    )
    parser.add_argument("--features", type=int, default=512)
    parser.add_argument("--batch", type=int, default=256)
    parser.add_argument("--no-memory", action="store_true")
    parser.add_argument("--json", action="store_true", help="print JSON")
    parser.add_argument("--worker", help=argparse.SUPPRESS)
    return parser.parse_args()


def main() -> None:
    """Runs the workers of each backend and number of classes."""
    arguments = parse()
    if arguments.worker:
        json.dump(work(json.loads(arguments.worker)), sys.stdout)
        return
    tables = []
    for classes in arguments.classes:
        for backend in arguments.backends:
            task = {
                **vars(arguments),
                "heads": list(arguments.heads),
                "backend": backend,
                "classes": classes,
                "runs": arguments.runs or CLASSES.get(classes, 7),
            }
            tables.append(in_worker({**task, "memory": False}))
            if not arguments.no_memory:
                grown = in_worker({**task, "memory": True})
                for row, mib in zip(tables[-1]["rows"], grown, strict=True):
                    row["memory_mib"] = mib
            if not arguments.json:
                print_table(tables[-1])
    if arguments.json:
        json.dump(tables, sys.stdout, indent=1)


def in_worker(task: dict[str, Any]) -> Any:
    """What a fresh process measures."""
    what = "memory" if task["memory"] else "time"
    print(
        f"{what}: {task['backend']}, {task['classes']} classes …",
        file=sys.stderr,
    )
    environment = {"TF_CPP_MIN_LOG_LEVEL": "3", **os.environ}
    environment["KERAS_BACKEND"] = task["backend"]
    if task["memory"]:
        environment |= RETURN_MEMORY
    done = subprocess.run(
        [sys.executable, __file__, "--worker", json.dumps(task)],
        env=environment,
        stdout=subprocess.PIPE,
        check=True,
    )
    return json.loads(done.stdout)


def work(task: dict[str, Any]) -> Any:
    """Times, or memory, of all steps of one backend and number of classes."""
    import keras

    import keras_hypersphere.layers  # noqa: F401 - before any fork

    problem = steps.Problem(task["classes"], task["features"], task["batch"])
    rows = [("NumPy", steps.NUMPY)]
    rows += [
        (mode, name)
        for mode in steps.MODES[task["backend"]]
        if mode in (task["modes"] or [mode])
        for name in (steps.PRODUCTS, steps.DENSE, *task["heads"])
    ]
    if task["memory"]:
        return [
            None
            if name in (steps.NUMPY, steps.PRODUCTS)
            else forked_growth((mode, name), problem)
            for mode, name in rows
        ]
    times = alternate({row: make(row, problem) for row in rows}, task["runs"])
    return {
        "versions": f"Keras {keras.__version__}, "
        f"{backend_version(task['backend'])}",
        **{k: task[k] for k in ("backend", "classes", "features", "batch")},
        "runs": task["runs"],
        "rows": [
            {
                "mode": row[0],
                "name": row[1],
                "minimum_ms": 1e3 * min(wall),
                "median_ms": 1e3 * statistics.median(wall),
                "cpu_ms": 1e3 * min(cpu),
                "memory_mib": None,
            }
            for row, (wall, cpu) in times.items()
        ],
    }


def make(row: tuple[str, str], problem: steps.Problem) -> steps.Step:
    """The step of a row of the table."""
    mode, name = row
    if name == steps.NUMPY:
        return steps.numpy_products(problem)
    if name == steps.PRODUCTS:
        return steps.products(problem, mode)
    return steps.head_step(name, problem, mode)


def alternate(
    cases: dict[Any, steps.Step], runs: int
) -> dict[Any, tuple[list[float], list[float]]]:
    """Wall and processor seconds of each step, all steps in turn."""
    times = {row: ([], []) for row in cases}
    for run in range(runs + 1):
        for row, step in cases.items():
            start = time.perf_counter(), time.process_time()
            step()
            if run:  # the first run compiles
                times[row][0].append(time.perf_counter() - start[0])
                times[row][1].append(time.process_time() - start[1])
    return times


def forked_growth(row: tuple[str, str], problem: steps.Problem) -> float:
    """`growth` in a child, which has the imports and nothing else."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        with os.fdopen(writing, "w") as pipe:
            pipe.write(str(growth(make(row, problem))))
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        answer = pipe.read()
    os.waitpid(child, 0)
    return float(answer)


def growth(step: steps.Step) -> float:
    """MiB by which a step raises the peak of resident memory."""
    step()
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    # Linux: makes the present size the peak.
    Path("/proc/self/clear_refs").write_text("5")
    before = status("VmRSS")
    step()
    return (status("VmHWM") - before) / 1024


def status(name: str) -> int:
    """A figure of /proc/self/status, in KiB."""
    text = Path("/proc/self/status").read_text()
    line = next(line for line in text.splitlines() if line.startswith(name))
    return int(line.split()[1])


def backend_version(backend: str) -> str:
    """Name and version, as a table's title says them."""
    module = importlib.import_module(backend)
    names = {"tensorflow": "TensorFlow", "jax": "JAX", "torch": "PyTorch"}
    return f"{names[backend]} {module.__version__}"


def print_table(table: dict[str, Any]) -> None:
    """Prints a table with the ratios to Dense and to the products."""
    print(
        f"\n{table['versions']}; {table['classes']:,} classes, d = "
        f"{table['features']}, batch {table['batch']}, {table['runs']} runs\n"
    )
    columns = [
        "mode",
        "step",
        "ms: minimum (median)",
        "to Dense",
        "to the products",
        "processor ms",
        "to Dense",
        "MiB",
        "to Dense",
    ]
    print(f"| {' | '.join(columns)} |\n{'|---' * len(columns)}|")
    rows = {(row["mode"], row["name"]): row for row in table["rows"]}
    for row in table["rows"]:
        dense = rows.get((row["mode"], steps.DENSE))
        bare = rows.get((row["mode"], steps.PRODUCTS))
        cells = [
            row["mode"],
            row["name"],
            f"{row['minimum_ms']:.0f} ({row['median_ms']:.0f})",
            ratio(row, dense, "minimum_ms", "median_ms"),
            ratio(row, bare, "minimum_ms", "median_ms"),
            f"{row['cpu_ms']:.0f}",
            ratio(row, dense, "cpu_ms"),
            f"{row['memory_mib']:.0f}" if row["memory_mib"] else "",
            ratio(row, dense, "memory_mib"),
        ]
        print(f"| {' | '.join(cells)} |")
    sys.stdout.flush()


def ratio(row: dict[str, Any], base: dict[str, Any] | None, *keys: str) -> str:
    """The ratio of minima, and in brackets of medians."""
    if base is None or not all(row[key] and base[key] for key in keys):
        return ""
    first, *rest = (f"{row[key] / base[key]:.2f}" for key in keys)
    return f"{first} ({rest[0]})" if rest else first


if __name__ == "__main__":
    main()
